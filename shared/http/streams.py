"""Streams: server-sent events, of which one reader a process and subject serves all who listen.

Nothing is held for a listener while it waits: no thread, no connection to the database, and no queue of what it has not
taken yet. It has a place in what all of them listen to, and is told what is new once it has taken the last.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar

from fastapi import FastAPI, Request
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared import logging
from shared.db.work import Work
from shared.errors import Busy, TooMany, Unavailable
from shared.http.admission import Gate, Gates
from shared.http.auth import counts_still

log = logging.get(__name__)

Seen = TypeVar("Seen")
Answer = TypeVar("Answer")

#: Looks at a subject, given what the look before saw.
Look = Callable[[Seen | None], Awaitable[Seen]]

#: Seconds between two looks at a subject, and how many times as long as a look took are between it and the next.
_EVERY, _REST = 1.0, 10

#: Seconds after which a listener says at least that it is there, and between two looks at whether it still may listen.
HEARTBEAT, _CHECK = 15.0, 1.0

#: How many streams one person may follow in a process, and all of them.
_OF_ONE, _OF_ALL = 10, 2000

#: What a stream begins with: a comment, so that whoever listens knows that it is there.
_HERE = b": here\n\n"


class Subject(Generic[Seen]):
    """What some listen to: `seen` is how the last look found it."""

    def __init__(self, first: Seen) -> None:
        self.seen, self.listeners, self.ended = first, 0, False
        self._changed = asyncio.Event()

    def show(self, seen: Seen) -> None:
        """Tells all who wait, where it is another now."""
        if seen is not self.seen:
            self.seen = seen
            self._wake()

    def end(self) -> None:
        """Ends every stream of it."""
        self.ended = True
        self._wake()

    async def changed(self, seen: Seen | None, seconds: float) -> None:
        """Waits until it is another than this, or so long."""
        if self.seen is seen and not self.ended:
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Streams:
    """What is listened to in this process, each while somebody does."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subjects: dict[Hashable, Subject[Any]] = {}
        self._beginning: dict[Hashable, asyncio.Task[None]] = {}
        self._readers: dict[Hashable, asyncio.Task[None]] = {}
        self._followed: Counter[str] = Counter()
        gates.when_closed(self._close)

    @property
    def readers(self) -> int:
        return len(self._readers)

    @property
    def listeners(self) -> int:
        return self._followed.total()

    @asynccontextmanager
    async def listening(self, person: str, key: Hashable, look: Look[Seen]) -> AsyncIterator[Subject[Seen]]:
        """The subject of this key, at which one reader looks for all; a `look` is given what the one before saw, and
        answers the same where nothing has changed. Raises what the first look does, TooMany and Busy."""
        if self._gates.closed:
            raise Busy("this process is being stopped; come again", slug="stopping")
        if self._followed[person] >= _OF_ONE:
            raise TooMany(f"{_OF_ONE} streams are open for you here: close one first", slug="too_many_streams")
        if self.listeners >= _OF_ALL:
            raise Busy(f"{_OF_ALL} streams are open here; come again")
        self._followed[person] += 1
        try:
            subject = await self._subject(key, look)
            subject.listeners += 1
            try:
                yield subject
            finally:
                subject.listeners -= 1
                if not subject.listeners:
                    self._forget(key, subject)
        finally:
            self._followed -= Counter({person: 1})

    async def _subject(self, key: Hashable, look: Look[Seen]) -> Subject[Seen]:
        self._loop = asyncio.get_running_loop()
        while key not in self._subjects:
            if key not in self._beginning:
                self._beginning[key] = asyncio.create_task(self._begin(key, look))
            await asyncio.shield(self._beginning[key])
        return self._subjects[key]

    async def _begin(self, key: Hashable, look: Look[Seen]) -> None:
        try:
            self._subjects[key] = subject = Subject(await look(None))
            self._readers[key] = asyncio.create_task(self._read(key, subject, look))
        finally:
            del self._beginning[key]

    async def _read(self, key: Hashable, subject: Subject[Seen], look: Look[Seen]) -> None:
        pause = _EVERY
        while True:
            await asyncio.sleep(pause)
            if not subject.listeners:  # Whoever it was begun for has left since.
                break
            began = time.monotonic()
            try:
                subject.show(await look(subject.seen))
            except Unavailable:
                pass  # Who listens hears that we are here, and later what changed meanwhile.
            except Exception as error:
                log.error("a stream cannot be read", error=str(error), exc_info=error)
                subject.end()
                break
            pause = max(_EVERY, _REST * (time.monotonic() - began))
        self._forget(key, subject)

    def _forget(self, key: Hashable, subject: Subject[Any]) -> None:
        if self._subjects.get(key) is subject:
            del self._subjects[key]
            reader = self._readers.pop(key)
            if reader is not asyncio.current_task():
                reader.cancel()

    def _close(self) -> None:
        """Ends all streams, from whatever thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_all)

    def _end_all(self) -> None:
        for subject in self._subjects.values():
            subject.end()


class EventStream(StreamingResponse):
    """The answer that a listener gets, for as long as they may listen.

    `begin` is entered before the answer starts, so that what it raises is an answer of its own. `news` are the events
    of what a subject has seen that this listener does not know of, none where there are none; it is asked again after
    each change.
    """

    # Not FastAPI's own class for it, which takes what a route yields.
    media_type = "text/event-stream"

    def __init__(
        self,
        request: Request,
        begin: AbstractAsyncContextManager[Subject[Seen]],
        news: Callable[[Seen], AsyncIterator[bytes]],
    ) -> None:
        # Nobody on the way, such as a proxy, is to keep it until there is more.
        super().__init__((), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._begin: AbstractAsyncContextManager[Subject[Any]] = begin
        self._request, self._news = request, news

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._begin as subject:
            self.body_iterator = self._events(subject)
            await super().__call__(scope, receive, send)

    async def _events(self, subject: Subject[Any]) -> AsyncIterator[bytes]:
        yield _HERE
        said, seen = time.monotonic(), None
        while not subject.ended and await counts_still(self._request):
            if subject.seen is not seen:
                seen = subject.seen
                async for event in self._news(seen):
                    yield event
                    said = time.monotonic()
            if time.monotonic() - said >= HEARTBEAT:
                yield KEEPALIVE_COMMENT
                said = time.monotonic()
            await subject.changed(seen, _CHECK)


class Asking:
    """How a reader asks: each time in a transaction of its own, in a thread of the service's gate, over the connections
    of requests. Raises Busy as any request is told."""

    def __init__(self, service: str, app: FastAPI, about: str) -> None:
        self._app, self._service, self.name = app, service, f"{service}:stream:{about}"

    async def __call__(self, do: Callable[[Work], Answer], *, readonly: bool = True) -> Answer:
        running = self._app.state.platform.running[self._service]
        gate: Gate = self._app.state.gates.of(self._service, readonly=readonly)

        def in_thread() -> Answer:
            with running.work(f"{self._service}:stream", readonly=readonly, asked=True) as work:
                return do(work)

        return await gate.run(self.name, in_thread, _never)


async def _never() -> None:
    await asyncio.Event().wait()
