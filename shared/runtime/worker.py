"""A worker: one thread that takes turn after turn until it is stopped, and says what keeps it from its work."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Signal
from threading import Thread

from shared import logging
from shared.bus.judging import reason_of
from shared.pauses import pause_after, spread

log = logging.get(__name__)

#: Longest pause, in seconds, between two turns that fail, where nothing else is said.
LONGEST = 15.0


class Worker:
    """One thread of a service. A turn that raises is told, once for each reason, and tried again after growing
    pauses; `trouble` is the reason until a turn ends well."""

    def __init__(
        self,
        name: str,
        service: str,
        turn: Callable[[], None],
        *,
        leave: Callable[[], None] = lambda: None,
        first_pause: float,
        longest: float = LONGEST,
        stopping: Signal,
    ) -> None:
        self.name, self.trouble = name, None
        self._service, self._turn, self._leave = service, turn, leave
        self._failed, self._first_pause, self._longest, self._stopping = 0, first_pause, longest, stopping
        self._thread = Thread(target=self._run, name=f"{service}:{name}", daemon=True)

    trouble: str | None

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def health(self) -> str:
        """`ok`, or what is wrong."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "has stopped"
        return self.trouble or "ok"

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._turn()
                except Exception as error:
                    self._tell(error)
                    self._failed += 1
                    pause = pause_after(self._failed, first=self._first_pause, longest=self._longest)
                    self._stopping.wait(spread(pause))
                else:
                    self.trouble, self._failed = None, 0
        finally:
            self._leave()

    def _tell(self, error: Exception) -> None:
        reason = reason_of(error)
        if self.trouble != reason:
            log.warning(f"{self.name} waits", service=self._service, error=reason)
        self.trouble = reason
