"""Passing: what an application of this process answers, as it comes. httpx's own way has all of an answer in memory
before any of it is read, which a file of records is too large for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
from starlette.types import ASGIApp

#: Pieces of an answer that wait for whoever reads it.
_WAITING = 2

_Message = MutableMapping[str, Any] | Exception | None


class PassedOn(httpx.AsyncBaseTransport):
    """Asks an application, with nothing in the body, and passes its answer on piece by piece. One that nobody reads to
    its end is not made to its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = _Answer(self._app, _scope(request))
        try:
            begun = await answer.next()
        except BaseException:
            await answer.aclose()
            raise
        assert begun is not None and begun["type"] == "http.response.start", "an application begins with its status"
        return httpx.Response(begun["status"], headers=begun.get("headers", []), stream=answer)


class _Answer(httpx.AsyncByteStream):
    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._coming: asyncio.Queue[_Message] = asyncio.Queue(_WAITING)
        self._asked = False
        self._making = asyncio.create_task(self._make(app, scope))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self.next()) is not None:
            if piece := message.get("body", b""):
                yield piece

    async def aclose(self) -> None:
        self._making.cancel()
        await asyncio.gather(self._making, return_exceptions=True)

    async def next(self) -> MutableMapping[str, Any] | None:
        """The next that the application says; None at its end. Raises what went wrong in it."""
        message = await self._coming.get()
        if isinstance(message, Exception):
            raise httpx.ReadError(f"it broke off: {type(message).__name__}") from message
        return message

    async def _make(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._coming.put)
        except Exception as error:
            await self._coming.put(error)
        await self._coming.put(None)

    async def _receive(self) -> MutableMapping[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        # Whoever asks is here until the answer is closed, which ends this.
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method,
        "scheme": request.url.scheme, "path": request.url.path, "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query, "root_path": "", "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 123), "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }  # fmt: skip
