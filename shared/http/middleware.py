"""Middleware: what every answer has."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import logging, tracing
from shared.http.problems import unexpected
from shared.ids import new_id

log = logging.get(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,100}")


#: What a browser is told with every answer, unless the answer itself says otherwise. We answer programs: no page of
#: ours may be framed, guessed at, or load anything.
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}

#: Of an answer that goes on until somebody leaves, what took time is its beginning.
_STREAM = b"text/event-stream"

#: Asked by machines every few seconds; what they answer is logged when it changes (`shared.runtime.health`).
_NOT_LOGGED = {"/healthz", "/readyz"}


class Answers:
    """Gives each request an id (or keeps the caller's), binds it to the logs, and sends it back with every answer,
    with the headers that every answer has. Also an error that nobody expected is answered here."""

    def __init__(self, app: ASGIApp, observe: Callable[[Scope, int, float], None], *, encrypted: bool) -> None:
        self._app, self._observe = app, observe
        self._headers = dict(_HEADERS)
        if encrypted:
            self._headers[b"strict-transport-security"] = b"max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        given = asked.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        usual = self._headers | {b"x-request-id": request_id.encode()}
        # What is asked with a token, and what is answered to a key, an invitation or a password (RFC 6749, 5.1).
        if "authorization" in asked or scope["method"] == "POST":
            usual[b"cache-control"] = b"no-store"
        began, status, started = time.perf_counter(), 500, False
        took: float | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started, took
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                own = {name.lower(): value for name, value in message["headers"]}
                if own.get(b"content-type", b"").startswith(_STREAM):
                    took = time.perf_counter() - began
                if scope["app"].state.gates.closed:
                    usual[b"connection"] = b"close"  # Else who asks again by it finds it cut (RFC 9112, 9.6).
                message["headers"] = [*message["headers"], *(it for it in usual.items() if it[0] not in own)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                with tracing.request(scope["method"], scope["path"], tracing.read(asked)):
                    await self._app(scope, receive, send_with_headers)
            except Exception as error:
                if started:
                    raise
                await unexpected(Request(scope), error)(scope, receive, send_with_headers)
            finally:
                self._tell(scope, status, time.perf_counter() - began if took is None else took)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        self._observe(scope, status, seconds)
        if scope["path"] in _NOT_LOGGED:
            return
        flow = {"flow": scope["state"]["flow"]} if "flow" in scope["state"] else {}
        ms = round(seconds * 1000, 1)
        log.info("request", method=scope["method"], path=scope["path"], status=status, ms=ms, **flow)
