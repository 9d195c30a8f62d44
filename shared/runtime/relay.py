"""The relay of a running service: sweeps its outbox to the log while it leads."""

from __future__ import annotations

from threading import Event as Signal

from shared.bus.port import EventLog
from shared.bus.relay import relay_once
from shared.db.engine import Database
from shared.runtime.worker import Worker
from shared.settings import Settings

#: Seconds from a sweep that found something to the next one, so that where commit follows commit many make one append.
_PACE = 0.2
#: Seconds of the longest pause while the log is away: when it is back, what was withdrawn meanwhile is soon on it.
_LONGEST = 2.0
#: Seconds after which it looks by itself: another process of this service may have written the outbox.
_LOOK = 0.5


class Relay:
    """Carries a service's committed events to the log. Woken by commits."""

    def __init__(
        self, service: str, database: Database, event_log: EventLog, settings: Settings, stopping: Signal
    ) -> None:
        self.leading = False
        self.log, self._database, self._limit = event_log, database, settings.batch_size
        self._leadership = database.leadership("relay")
        self._filled, self._stopping = Signal(), stopping
        self.worker = Worker(
            "relay", service, self._sweep, leave=self._leave, first_pause=settings.retry_seconds, longest=_LONGEST,
            stopping=stopping,
        )  # fmt: skip

    def wake(self) -> None:
        """Says that events were committed."""
        self._filled.set()

    def _sweep(self) -> None:
        try:
            self.leading = self._leadership.hold()
            self._filled.clear()
            moved = relay_once(self._database, self.log, limit=self._limit) if self.leading else 0
        except Exception:
            self.leading = False
            raise
        if moved == 0:
            self._filled.wait(_LOOK)
        elif moved < self._limit:
            self._stopping.wait(_PACE)

    def _leave(self) -> None:
        self.leading = False
        self._leadership.release()
