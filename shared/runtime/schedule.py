"""The schedule: runs work again and again, also when somebody sets the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from threading import Event as Signal
from threading import Thread

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from shared import logging

log = logging.get(__name__)

#: Seconds between two looks at the clock, and by how many it must have jumped to count as set.
_LOOK, _JUMP = 1.0, 2.0


class Schedule:
    """Each work at its interval: none waits for another, none runs twice at once, and runs that were missed while
    one was long are made up for by one.

    The scheduler plans by the machine's clock. After that is set back by a day all that is planned would wait for a
    day; so the clock is held against one that nobody sets, and after a jump everything is planned anew.
    """

    def __init__(self) -> None:
        self._stopping = Signal()
        self._planned: list[tuple[float, Callable[[], None], str]] = []
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._follower = Thread(target=self._follow_clock, name="schedule-clock", daemon=True)

    def every(self, seconds: float, run: Callable[[], None], name: str) -> None:
        """Plans `run`, which lets no error out, from when the schedule starts."""
        self._planned.append((seconds, run, name))

    def start(self) -> None:
        self._scheduler.add_executor(ThreadPoolExecutor(max(4, len(self._planned))))
        for seconds, run, name in self._planned:
            self._scheduler.add_job(
                run, "interval", seconds=seconds, id=name, max_instances=1, coalesce=True, misfire_grace_time=None
            )
        self._scheduler.start()
        self._follower.start()

    def stop(self) -> None:
        """Lets what runs come to its end, and begins nothing more."""
        self._stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
            self._follower.join()

    def _follow_clock(self) -> None:
        before = _ahead()
        while not self._stopping.wait(_LOOK):
            now = _ahead()
            if abs(now - before) > _JUMP:
                log.warning("the clock was set; what is scheduled is planned anew", seconds=round(now - before, 1))
                self._plan_anew()
            before = now

    def _plan_anew(self) -> None:
        for seconds, _, name in self._planned:
            self._scheduler.reschedule_job(name, trigger="interval", seconds=seconds)


def _ahead() -> float:
    """How far the clock on the wall is ahead of one that nobody sets."""
    return time.time() - time.monotonic()
