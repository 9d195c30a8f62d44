"""The platform in one process: some services, one log, one clock, one scheduler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from threading import Event as Signal

from sqlalchemy.exc import DBAPIError

from shared import logging
from shared.bus import judging
from shared.bus.open import open_log
from shared.bus.reading import Opened, open_once
from shared.clock import Clock, open_clock
from shared.errors import LogUnavailable, Rejected, Unavailable
from shared.keys.file import open_ring
from shared.pauses import pause_after, spread
from shared.retrying import Stopped, retrying
from shared.runtime import checks
from shared.runtime.blobs import sweep_blobs
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pruning import prune
from shared.runtime.running import Running
from shared.runtime.schedule import Schedule
from shared.runtime.withdrawals import Withdrawals
from shared.service import Job, Service
from shared.settings import Settings
from shared.storage import SLUGS

log = logging.get(__name__)

#: Seconds that a start waits for servers.
_PATIENCE = 60.0

#: Longest pause between two looks for one.
_LONGEST = 2.0

#: What every service does beside its own jobs.
_PRUNE = Job(prune, timedelta(hours=1))
_SWEEP = Job(sweep_blobs, timedelta(hours=1))


class Platform:
    """Runs the chosen services. `start` and `stop` are called once each; the web application does it."""

    def __init__(self, settings: Settings, services: Sequence[Service], clock: Clock | None = None) -> None:
        self.settings, self.services = settings, tuple(services)
        self.clock = clock or open_clock(settings.resolved(settings.clock))
        self.ring = open_ring(settings, lambda: checks.known_keys(settings, services))
        self.event_log = open_log(settings.resolved(settings.log_url), prefix=settings.topic_prefix)
        # What one service has read of a message another need not read again; alone, remembering it only costs.
        opened = open_once() if len(self.services) > 1 else Opened
        self.running = {
            service.name: Running(service, settings, self.clock, self.event_log, self.ring, opened)
            for service in services
        }
        self._stopping = Signal()
        self.withdrawals = Withdrawals(self.event_log, self._stopping)
        self.metrics = Metrics(self.running, self.withdrawals.withdrawn)
        self.health = Health(
            self.running, self.event_log, self.clock, keys=self._look_at_keys, withdrawals=self.withdrawals.health
        )
        self._keys = self.ring.keys
        self._schedule = self._plan()

    def start(self) -> None:
        """Makes everything ready, then starts the threads. Raises with the reason when something is missing, or
        is not what the databases know: a lost log must be told before its topics are made anew."""
        self.clock.now()
        self._find_log()
        for running in self.running.values():
            self._insist(running.prepare)
        self._insist(self.event_log.create_topics)
        for running in self.running.values():
            running.start()
        self._look_at_withdrawals()
        self.withdrawals.worker.start()
        self.health.start()
        if self.settings.scheduler:
            self._schedule.start()

    def stop(self) -> None:
        self._stopping.set()
        self.health.stop()
        for running in self.running.values():
            running.stopping.set()
        self._schedule.stop()
        for running in self.running.values():
            running.stop()
        self.withdrawals.worker.join(10)
        self.event_log.close()

    def _look_at_keys(self) -> None:
        """Takes up a key ring that was changed by command, and has the databases know it."""
        self.ring.refresh()
        keys = self.ring.keys
        if keys is self._keys:
            return
        for name, running in self.running.items():
            checks.check_key(name, running.database, self.ring)
        log.info("the key ring was changed", signing={key.purpose: key.kid for key in keys if key.private is not None})
        self._keys = keys

    def _look_at_withdrawals(self) -> None:
        """Knows what was withdrawn before anybody is answered: else it would count again until the first look. Where
        the log does not give it, the start goes on: nothing is decided then, and reading goes on."""
        try:
            self.withdrawals.look()
        except (LogUnavailable, Rejected) as error:
            log.error("starts without knowing what was withdrawn", why=judging.reason_of(error))

    def _find_log(self) -> None:
        topics = {topic for service in self.services for topic in checks.topics_of(service)}
        if not self.settings.embedded:
            self._insist(lambda: self.event_log.missing(topics))
        look = partial(checks.check_file, self.event_log, topics, embedded=self.settings.embedded, upgrades=True)
        self._insist(look)

    def _insist(self, attempt: Callable[[], object]) -> None:
        """Waits a while for a log or a database that is down: servers that start together are not up in any order.
        Raises Unavailable when it is down for longer; at once when it is a file that only a person can mend."""
        warned: list[str] = []

        def tell(error: BaseException) -> None:
            if not warned:
                warned.append(judging.reason_of(error))
                log.warning("waiting for a server or a lock", why=warned[0], seconds=_PATIENCE)

        def pause(tries: int, error: BaseException) -> float:
            return spread(pause_after(tries, first=self.settings.retry_seconds, longest=_LONGEST))

        try:
            retrying(_may_pass, pause, seconds=_PATIENCE, stopping=self._stopping, waiting=tell)(attempt)
        except (LogUnavailable, DBAPIError, Stopped) as error:
            why = error.__cause__ if isinstance(error, Stopped) else error
            if not isinstance(why, Exception) or not judging.is_down(why):
                raise
            raise Unavailable(f"not started: {judging.reason_of(why)}", slug=getattr(why, "slug", None)) from why

    def _plan(self) -> Schedule:
        schedule = Schedule()
        for running in self.running.values():
            sweeps = [_SWEEP] if running.service.blobs else []
            for job in (*running.service.jobs, _PRUNE, *sweeps):
                tick = None if job in (_PRUNE, _SWEEP) else self.settings.scheduler_tick
                seconds = tick or job.every.total_seconds()
                schedule.every(seconds, partial(running.run_job, job), f"{running.service.name}.{job.name}")
        return schedule


def _may_pass(error: BaseException) -> bool:
    """Whether a log or a database is down that may come by itself, which a file does not that a person must mend."""
    down = isinstance(error, LogUnavailable | DBAPIError) and judging.is_down(error)
    return down and getattr(error, "slug", None) not in SLUGS
