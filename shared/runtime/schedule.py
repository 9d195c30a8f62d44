"""The schedule: runs work again and again, by a clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Signal
from threading import Thread


class Schedule:
    """Each work in a thread of its own, so that none waits for another and none runs twice at once.

    The machine's clock may jump, and what is planned by it would then wait for as long; intervals are counted here.
    """

    def __init__(self) -> None:
        self._stopping = Signal()
        self._threads: list[Thread] = []

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None:
        """Plans `run`, which lets no error out, from when the schedule starts."""
        self._threads.append(Thread(target=self._go, args=[seconds, run], name=name, daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets what runs come to its end, and begins nothing more."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _go(self, seconds: float, run: Callable[[], None]) -> None:
        due = time.monotonic() + seconds
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            run()
            # Runs that were missed while one was long are made up for by one.
            due = max(due + seconds, time.monotonic())
