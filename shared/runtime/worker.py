"""A worker: one thread that takes turn after turn until it is stopped, and says what keeps it from its work."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Event as Signal
from threading import Thread

from shared import logging
from shared.bus.judging import reason_of

log = logging.get(__name__)


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
        stopping: Signal,
    ) -> None:
        self.name, self.trouble = name, None
        self._service, self._turn, self._leave = service, turn, leave
        self._pause, self._stopping = Pause(first_pause), stopping
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
                    self._stopping.wait(self._pause.next())
                else:
                    self.trouble = None
                    self._pause.reset()
        finally:
            self._leave()

    def _tell(self, error: Exception) -> None:
        told = reason_of(error)
        if self.trouble != told:
            log.warning(f"{self.name} waits", service=self._service, error=told)
        self.trouble = told


class Pause:
    """Growing pauses with jitter, from `first` seconds up to `longest`."""

    def __init__(self, first: float, longest: float = 15.0) -> None:
        self._first, self._longest, self._next = first, longest, first

    def next(self) -> float:
        now, self._next = self._next, min(self._next * 2, self._longest)
        return now * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._next = self._first
