"""Listening: people who follow a stream of an application in this process, as its server would have them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any

import orjson

from shared.client.asking import StreamEvent, StreamReader
from tests.waiting import eventually


class Listener:
    """Somebody who follows; `events` are what they were sent, and `takes` how many pieces they take at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: Any, scope: dict[str, Any]) -> None:
        self._loop, self._app, self._scope = loop, app, scope
        self._reader, self._here, self._left = StreamReader(), asyncio.Event(), asyncio.Event()
        self.status, self.events, self.pieces, self.takes = 0, list[StreamEvent](), list[bytes](), math.inf
        self.headers: dict[bytes, bytes] = {}
        self._over: Future[None] = asyncio.run_coroutine_threadsafe(self._follow(), loop)

    @property
    def ended(self) -> bool:
        return self._over.done()

    @property
    def last(self) -> str | None:
        return next((event.id for event in reversed(self.events) if event.id), None)

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """What they were turned of a kind, in order."""
        return [orjson.loads(event.data) for event in list(self.events) if event.kind == kind]

    def turns(self) -> list[tuple[str, str]]:
        return [(turned["task"], turned["turn"]) for turned in self.heard("conflict")]

    def takes_again(self) -> None:
        self.takes = math.inf
        self._loop.call_soon_threadsafe(self._here.set)

    def leaves(self) -> None:
        self._loop.call_soon_threadsafe(self._left.set)
        eventually(lambda: self.ended)

    async def _follow(self) -> None:
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await self._left.wait()
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status, self.headers = message["status"], dict(message["headers"])
            elif piece := message.get("body"):
                while len(self.pieces) >= self.takes:
                    await self._here.wait()  # As a server waits while a connection takes nothing.
                self.pieces.append(piece)
                self.events += self._reader.read(piece)

        await self._app(self._scope, receive, send)


class Listening:
    """An event loop of its own, in which people follow."""

    def __init__(self, app: Any) -> None:
        self._app, self._loop = app, asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._all: list[Listener] = []

    def follow(self, path: str, headers: dict[str, str], last: str | None = None) -> Listener:
        """Somebody who has begun to follow, or was refused."""
        given = {**headers} | ({"Last-Event-ID": last} if last is not None else {})
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1), "server": ("rig", 80),
        }  # fmt: skip
        listener = Listener(self._loop, self._app, scope)
        self._all.append(listener)
        eventually(lambda: listener.pieces or listener.ended)
        return listener

    def close(self) -> None:
        for listener in self._all:
            if not listener.ended:
                listener.takes_again()
                listener.leaves()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def listening(app: Any) -> Iterator[Listening]:
    found = Listening(app)
    try:
        yield found
    finally:
        found.close()
