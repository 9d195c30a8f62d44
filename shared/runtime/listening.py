"""The listener of a running service: joins the log's group, and joins anew after trouble."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event as Signal

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from shared.bus import dead_letters, held, put_off
from shared.bus.consumer import AT_ONCE, Listener
from shared.bus.doing import Limits
from shared.bus.judging import reason_of
from shared.bus.port import Consumer, EventLog, Partition
from shared.bus.reading import Open
from shared.db.engine import Database
from shared.db.work import Work
from shared.runtime.watchdog import Watchdog
from shared.runtime.worker import Worker
from shared.service import Service
from shared.settings import Settings

#: Seconds between the beginnings of two transactions where event follows event, so that many make one; and the most,
#: which they come to where a crowd is at work: what a transaction costs beside its events is then paid half as often.
_PACE, _LONGEST_PACE = 0.25, 0.5
#: Events of one transaction by which it is a second more.
_MANY = 400


class Listening:
    """Keeps one consumer of the log open for a service, and does what its table says."""

    def __init__(
        self,
        service: Service,
        database: Database,
        event_log: EventLog,
        open_work: Callable[[], AbstractContextManager[Work]],
        settings: Settings,
        stopping: Signal,
        open_message: Open,
    ) -> None:
        self._service, self._database, self.open_message = service, database, open_message
        self._open_work, self._settings, self._stopping = open_work, settings, stopping
        self.watchdog = Watchdog(service.name, event_log)
        self._consumer: Consumer | None = None
        self._listener: Listener | None = None
        #: Events of types that this release has never met, by topic.
        self.unknown = Counter[str]()
        self.worker = Worker(
            "listener", service.name, self._listen, leave=self._leave, first_pause=settings.retry_seconds,
            stopping=stopping,
        )  # fmt: skip

    def health(self) -> str:
        """`ok`, or what is wrong: what it waits for, which partitions stand, which keys are held."""
        listener, state = self._listener, self.worker.health()
        if state != "ok" or (listener is not None and listener.trouble):
            return state if state != "ok" or listener is None else str(listener.trouble)
        standing = [f"halted: {topic}/{partition}: {why}" for (topic, partition), why in self.standing().items()]
        held = self._held()
        return "; ".join(standing + ([held] if held != "ok" or not standing else []))

    def standing(self) -> dict[Partition, str]:
        """The partitions that stand still on purpose, and why."""
        return dict(self._listener.standing) if self._listener is not None else {}

    def waiting_dead_letters(self) -> int:
        with self._database.session(readonly=True) as session:
            return dead_letters.waiting(session)

    def put_off(self) -> str:
        """`ok`, or what was not adopted since this release lacks what it needs."""
        return self._asked(put_off.tell)

    def _held(self) -> str:
        return self._asked(lambda session, service: str(held.tell(session, service)))

    def _asked(self, question: Callable[[Session, str], str]) -> str:
        try:
            with self._database.session(readonly=True) as session:
                return question(session, self._service.name)
        except SQLAlchemyError as error:
            return f"what waits cannot be read: {reason_of(error)}"

    def _listen(self) -> None:
        listener = self._listener or self._join()
        began = time.monotonic()
        try:
            moved = listener.listen_once(timeout=0.5)
        except BaseException:
            self._leave()
            raise
        if 0 < moved < min(AT_ONCE, self._settings.batch_size):
            pace = min(_PACE + moved / _MANY, _LONGEST_PACE)
            self._stopping.wait(max(0, began + pace - time.monotonic()))

    def _join(self) -> Listener:
        self._consumer = self.watchdog.subscribe(self._service.name, self._service.topics)
        self._listener = Listener(
            self._service,
            self._consumer,
            self._database,
            self._open_work,
            batch_size=self._settings.batch_size,
            limits=limits_of(self._settings),
            unknown=self.unknown,
            open_message=self.open_message,
        )
        return self._listener

    def _leave(self) -> None:
        consumer, self._consumer, self._listener = self._consumer, None, None
        if consumer is not None:
            consumer.close()


def limits_of(settings: Settings) -> Limits:
    return Limits(settings.dead_letter_limit, settings.parked_limit, settings.retry_seconds)
