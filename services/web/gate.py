"""Admission of pages: a bounded number are made, a bounded number wait, apart from those who ask the API."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import Busy

#: How many pages are made at once, how many of one session are made or wait, and how many wait in all. A page waits for
#: the API, and holds no thread and no connection of a database meanwhile.
AT_ONCE, OF_ONE, WAITING = 64, 8, 512


class Gate:
    """The way to the pages. `patience` are the seconds that somebody waits for their turn."""

    def __init__(
        self, patience: float, *, at_once: int = AT_ONCE, of_one: int = OF_ONE, waiting: int = WAITING
    ) -> None:
        self._free, self._patience = asyncio.Semaphore(at_once), patience
        self._of_one, self._limit = of_one, waiting
        # Of those who have not signed in nobody is told from another, so that they have half of all together.
        self._of_nobody = asyncio.Semaphore(max(1, at_once // 2))
        self._asking: Counter[str] = Counter()
        self._waiting = 0
        self.closed = False

    def close(self) -> None:
        """No page is begun any more: this process stops. What is being made is finished."""
        self.closed = True

    @asynccontextmanager
    async def turn(self, session: str | None) -> AsyncIterator[None]:
        """The turn of one visitor, by their session, or of somebody who has not signed in. Raises Busy when too many
        wait, when they ask for too much at once themselves, or when their turn does not come in time."""
        if self.closed:
            raise Busy("this is being stopped; nothing was done, try again in some seconds", slug="stopping")
        if session is None:
            async with self._held(self._of_nobody), self._held(self._free):
                yield
            return
        if self._asking[session] >= self._of_one:
            raise Busy("you have asked for many pages at once; nothing was done, try again")
        self._asking[session] += 1
        try:
            async with self._held(self._free):
                yield
        finally:
            self._asking[session] -= 1
            if not self._asking[session]:
                del self._asking[session]

    @asynccontextmanager
    async def _held(self, free: asyncio.Semaphore) -> AsyncIterator[None]:
        """One of these, once there is one."""
        if free.locked():
            await self._wait(free)
        else:
            await free.acquire()
        try:
            yield
        finally:
            free.release()

    async def _wait(self, free: asyncio.Semaphore) -> None:
        if self._waiting >= self._limit:
            raise Busy("many people are here at this moment; nothing was done, try again")
        self._waiting += 1
        try:
            await asyncio.wait_for(free.acquire(), self._patience)
        except TimeoutError:
            raise Busy("many people are here at this moment; nothing was done, try again") from None
        finally:
            self._waiting -= 1
