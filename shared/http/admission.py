"""Admission: a bounded number of requests work, a bounded number wait, and the rest are told at once to come again."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

from shared.errors import Busy, Unavailable
from shared.settings import Settings

Answer = TypeVar("Answer")

#: A thread that has nothing to do for so many seconds ends; the next request that needs one starts it anew.
_IDLE = 10.0

#: How many requests that write to one SQLite file work at once: one writes, the next makes ready.
_WRITERS = 2

#: How much at once of what takes a while and needs no transaction, such as looking for a quote or making a crate: it is
#: work of one processor, so that more of it at once is not done sooner. Of answers that are made so, few wait.
_LONG, _FEW = 2, 16

#: Seconds that a request may work before its asker is told that nobody knows yet what becomes of it.
_LONGEST = 60.0


@dataclass(eq=False)
class _Job(Generic[Answer]):
    """One request's work, and where its answer is waited for."""

    person: str
    do: Callable[[], Answer]
    context: Context = field(default_factory=copy_context)
    answer: Future[Answer] = field(default_factory=Future)

    def run(self) -> None:
        if not self.answer.set_running_or_notify_cancel():
            return  # Nobody waits for it any more, and it was not begun.
        try:
            answer = self.context.run(self.do)
        except BaseException as error:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer)

    def refuse(self, error: Exception) -> None:
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)


class Gate:
    """The one way to the threads that answer requests. Waiting holds no thread and no connection.

    `at_once` requests work and `waiting` wait, for at most `patience` seconds. Those who wait are served round by
    round, one request of each person a round; one person never holds more than half of the first or a quarter of the
    waiting list, so that nobody alone can keep the others out.
    """

    def __init__(self, name: str, *, at_once: int, waiting: int, patience: float) -> None:
        self.name, self.at_once, self._limit, self._patience = name, at_once, waiting, patience
        self._share, self._longest_queue = max(1, at_once // 2), max(1, waiting // 4)
        self._changed, self._closed = Condition(), False
        self._queues: OrderedDict[str, deque[_Job[Any]]] = OrderedDict()  # By person; whose turn is next comes first.
        self._working: Counter[str] = Counter()
        self._threads = self._idle = 0
        self.waiting = self.refused = 0

    @property
    def working(self) -> int:
        return sum(self._working.values())

    async def run(self, person: str, do: Callable[[], Answer], gone: Callable[[], Awaitable[None]]) -> Answer:
        """Does it in a thread of this gate, when it is this person's turn; `gone` returns once the asker has left.

        Raises Busy when too many wait already, when its turn does not come in time, or when the asker has left.
        What was begun is brought to its end, whoever still waits for it.
        """
        job = _Job(person, do)
        answer = asyncio.wrap_future(job.answer)
        if self._put(job):
            await self._wait(job, answer, gone)
        try:
            return await asyncio.wait_for(answer, _LONGEST)
        except TimeoutError:
            why = f"{self.name} has no answer after {_LONGEST:g} seconds; look whether it was done before asking again"
            raise Unavailable(why, slug="no_answer") from None

    def close(self) -> None:
        """Tells those who wait, and everyone who comes, that this process stops. What works is finished."""
        with self._changed:
            self._closed = True
            jobs = [job for queue in self._queues.values() for job in queue]
            self._queues.clear()
            self.waiting = 0
            self._changed.notify_all()
        for job in jobs:
            job.refuse(self._stopping())

    async def _wait(self, job: _Job[Any], answer: asyncio.Future[Any], gone: Callable[[], Awaitable[None]]) -> None:
        left = asyncio.ensure_future(gone())
        try:
            await asyncio.wait({answer, left}, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and self._withdraw(job):
                raise self._busy(f"its turn did not come in {self._patience:g} seconds")
        except asyncio.CancelledError:
            self._withdraw(job)
            raise
        finally:
            left.cancel()

    def _put(self, job: _Job[Any]) -> bool:
        """Queues it; answers whether it must wait for others."""
        with self._changed:
            if self._closed:
                raise self._stopping()
            queue = self._queues.get(job.person, ())
            # Those for whom a place is free wait only until a thread has woken.
            if self.waiting >= self._limit + self.at_once - self.working:
                self.refused += 1
                raise self._busy(f"{self.waiting} requests wait already")
            if len(queue) >= self._longest_queue + self._share - self._working[job.person]:
                self.refused += 1
                raise self._busy(f"{len(queue)} requests of {job.person} wait already")
            self._queues.setdefault(job.person, deque()).append(job)
            self.waiting += 1
            if self._idle:
                self._changed.notify()
            if self.waiting <= self._idle:
                # Who has a full share waits for their own, however many threads have nothing to do.
                return self._working[job.person] >= self._share
            if self._threads < self.at_once:
                self._threads += 1
                Thread(target=self._serve, name=self.name, daemon=True).start()
            return True

    def _withdraw(self, job: _Job[Any]) -> bool:
        """Takes a job back; False when it was begun."""
        with self._changed:
            queue = self._queues.get(job.person)
            if queue is None or job not in queue:
                return False
            queue.remove(job)
            self._forget_if_empty(job.person)
            self.waiting -= 1
            return True

    def _serve(self) -> None:
        while self._serve_one():
            pass  # In steps, so that a thread that waits holds nothing of the last request.

    def _serve_one(self) -> bool:
        """Does the next job; False when there is none."""
        job = self._take()
        if job is None:
            return False
        job.run()
        with self._changed:
            self._working[job.person] -= 1
            if not self._working[job.person]:
                del self._working[job.person]
        return True

    def _take(self) -> _Job[Any] | None:
        """The next job; None when there was none for long, or never will be."""
        with self._changed:
            while (job := self._next()) is None:
                self._idle += 1
                came = not self._closed and self._changed.wait(_IDLE)
                self._idle -= 1
                if came:
                    continue
                # Looked at once more: a request may have come while this thread was about to go.
                job = self._next()
                if job is None:
                    self._threads -= 1
                return job
            return job

    def _next(self) -> _Job[Any] | None:
        for person in self._queues:
            if self._working[person] < self._share:
                job = self._queues[person].popleft()
                self._queues.move_to_end(person)
                self._forget_if_empty(person)
                self._working[person] += 1
                self.waiting -= 1
                return job
        return None

    def _forget_if_empty(self, person: str) -> None:
        if not self._queues[person]:
            del self._queues[person]

    def _busy(self, why: str) -> Busy:
        return Busy(f"{self.name} is busy: {why}; nothing was done, come again")

    def _stopping(self) -> Busy:
        return Busy(f"{self.name} is being stopped; nothing was done, come again", slug="stopping")


class Gates:
    """The gates of one process: of each service one, or on SQLite one for its writers, who go one after another
    anyway, and one for its readers, who never wait for a writer; one for what belongs to no service; and two for what
    takes a while and needs no transaction, before a route's own work and after it, so that it holds nobody's turn who
    reads or writes."""

    def __init__(self, services: Mapping[str, bool], settings: Settings) -> None:
        """`services` says of each whether its database is SQLite."""
        self._settings, self.closed = settings, False
        self._when_closed: list[Callable[[], None]] = []
        self._writing = {name: self._gate(name, _WRITERS if sqlite else None) for name, sqlite in services.items()}
        self._reading = {
            name: self._gate(f"{name}:reading") if sqlite else self._writing[name] for name, sqlite in services.items()
        }
        self.operations = Gate("operations", at_once=1, waiting=8, patience=settings.request_patience)
        self.aside = self._gate("aside", _LONG)
        self.afterwards = Gate("afterwards", at_once=_LONG, waiting=_FEW, patience=settings.request_patience)

    def of(self, service: str, *, readonly: bool) -> Gate:
        return (self._reading if readonly else self._writing)[service]

    def all(self) -> list[Gate]:
        gates = (*self._writing.values(), *self._reading.values(), self.operations, self.aside, self.afterwards)
        return list({gate.name: gate for gate in gates}.values())

    def when_closed(self, do: Callable[[], None]) -> None:
        """Has this done too once no request is begun any more."""
        self._when_closed.append(do)

    def close(self) -> None:
        """No request is begun any more; see `Gate.close`."""
        self.closed = True
        for gate in self.all():
            gate.close()
        for do in self._when_closed:
            do()

    def _gate(self, name: str, at_once: int | None = None) -> Gate:
        settings = self._settings
        return Gate(
            name,
            at_once=at_once or settings.requests_at_once,
            waiting=settings.requests_waiting,
            patience=settings.request_patience,
        )
