"""Middleware: what every answer has, and no body larger than the limit."""

from __future__ import annotations

import re
import time
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import logging
from shared.errors import Unauthenticated
from shared.http.auth import authenticate
from shared.http.problems import problem, unexpected
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

#: Asked by machines every few seconds; what they answer is logged when it changes (`shared.runtime.health`).
_NOT_LOGGED = {"/healthz", "/readyz"}


class Answers:
    """Gives each request an id (or keeps the caller's), binds it to the logs, and sends it back with every answer,
    with the headers that every answer has. Also an error that nobody expected is answered here."""

    def __init__(self, app: ASGIApp, observe: Any, *, encrypted: bool) -> None:
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
        if "authorization" in asked:
            usual[b"cache-control"] = b"no-store"
        began, status, started = time.perf_counter(), 500, False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                own = {name.lower() for name, _ in message["headers"]}
                if scope["app"].state.gates.closed:
                    usual[b"connection"] = b"close"  # Else who asks again by it finds it cut (RFC 9112, 9.6).
                message["headers"] = [*message["headers"], *(it for it in usual.items() if it[0] not in own)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception as error:
                if started:
                    raise
                await unexpected(Request(scope), error)(scope, receive, send_with_headers)
            finally:
                self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        self._observe(scope, status, seconds)
        if scope["path"] in _NOT_LOGGED:
            return
        flow = {"flow": scope["state"]["flow"]} if "flow" in scope["state"] else {}
        ms = round(seconds * 1000, 1)
        log.info("request", method=scope["method"], path=scope["path"], status=status, ms=ms, **flow)


class BodyLimit:
    """Refuses a body larger than the limit, whether it announces its size or not, and the body of somebody we do not
    know before it is read: what is kept in memory is kept for those with a token."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(scope, receive, send)
            return
        if _has_body(scope):
            try:
                await authenticate(Request(scope))
            except Unauthenticated as error:
                await problem(Request(scope), 401, error.slug, error.detail)(scope, receive, send)
                return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._limit:
                await self._refuse(scope, receive, send)
                return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"the body is larger than {self._limit} bytes"
        await problem(Request(scope), 413, "too_large", detail)(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
