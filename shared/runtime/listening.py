"""The listener of a running service: joins the log's group, and joins anew after trouble."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event as Signal

from shared.bus import dead_letters
from shared.bus.consumer import Listener
from shared.bus.port import Consumer, EventLog
from shared.db.engine import Database
from shared.db.work import Work
from shared.runtime.worker import Worker
from shared.service import Service
from shared.settings import Settings


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
    ) -> None:
        self._service, self._database, self._log = service, database, event_log
        self._open_work, self._settings, self._stopping = open_work, settings, stopping
        self._consumer: Consumer | None = None
        self._listener: Listener | None = None
        self.worker = Worker(
            "listener", service.name, self._listen, leave=self._leave, first_pause=settings.retry_seconds,
            stopping=stopping,
        )  # fmt: skip

    def health(self) -> str:
        if self._listener is not None and self._listener.halted:
            return f"halted: {self._listener.halted}"
        return self.worker.health()

    def waiting_dead_letters(self) -> int:
        with self._database.session(readonly=True) as session:
            return dead_letters.waiting(session)

    def _listen(self) -> None:
        listener = self._listener or self._join()
        try:
            listener.listen_once(timeout=0.5)
        except BaseException:
            self._leave()
            raise

    def _join(self) -> Listener:
        self._consumer = self._log.subscribe(self._service.name, self._service.topics)
        self._listener = Listener(
            self._service,
            self._consumer,
            self._open_work,
            self.waiting_dead_letters,
            batch_size=self._settings.batch_size,
            dead_letter_limit=self._settings.dead_letter_limit,
            retry_seconds=self._settings.retry_seconds,
            stopping=self._stopping,
        )
        return self._listener

    def _leave(self) -> None:
        consumer, self._consumer, self._listener = self._consumer, None, None
        if consumer is not None:
            consumer.close()
