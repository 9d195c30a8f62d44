"""The platform in one process: some services, one log, one clock, one scheduler."""

from __future__ import annotations

import time
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
from shared.errors import LogUnavailable, Unavailable
from shared.keys import SigningKey
from shared.metrics import Metrics
from shared.runtime import checks
from shared.runtime.health import Health
from shared.runtime.pruning import prune
from shared.runtime.running import Running
from shared.runtime.schedule import Schedule
from shared.runtime.worker import Pause
from shared.service import Job, Service
from shared.settings import Settings
from shared.storage import SLUGS

log = logging.get(__name__)

#: Seconds that a start waits for servers.
_PATIENCE = 60.0

#: What every service does beside its own jobs.
_PRUNE = Job(prune, timedelta(hours=1))


class Platform:
    """Runs the chosen services. `start` and `stop` are called once each; the web application does it."""

    def __init__(self, settings: Settings, services: Sequence[Service], clock: Clock | None = None) -> None:
        self.settings, self.services = settings, tuple(services)
        self.clock = clock or open_clock(settings.place(settings.clock))
        self.key = SigningKey.open(settings, lambda: checks.known_keys(settings, services))
        self.event_log = open_log(settings.place(settings.log_url), prefix=settings.topic_prefix)
        # What one service has read of a message another need not read again; alone, remembering it only costs.
        opened = open_once() if len(self.services) > 1 else Opened
        self.running = {
            service.name: Running(service, settings, self.clock, self.event_log, self.key, opened)
            for service in services
        }
        self.metrics = Metrics(self.running)
        self.health = Health(self.running, self.event_log, self.clock)
        self._schedule = self._plan()
        self._stopping = Signal()

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
        self.event_log.close()

    def _find_log(self) -> None:
        topics = {topic for service in self.services for topic in checks.topics_of(service)}
        if not self.settings.embedded:
            self._insist(lambda: self.event_log.missing(topics))
        self._insist(lambda: checks.check_file(self.event_log, topics, embedded=self.settings.embedded))

    def _insist(self, attempt: Callable[[], object]) -> None:
        """Waits a while for a log or a database that is down: servers that start together are not up in any order.
        Raises Unavailable when it is down for longer; at once when it is a file that only a person can mend."""
        pause, until = Pause(self.settings.retry_seconds, longest=2), time.monotonic() + _PATIENCE
        told = False
        while True:
            try:
                attempt()
                return
            except (LogUnavailable, DBAPIError) as error:
                if not judging.is_down(error):
                    raise
                why, slug = judging.reason_of(error), getattr(error, "slug", None)
                if slug in SLUGS or time.monotonic() > until or self._stopping.wait(pause.next()):
                    raise Unavailable(f"not started: {why}", slug=slug) from error
            if not told:
                log.warning("waiting for a server or a lock", why=why, seconds=_PATIENCE)
            told = True

    def _plan(self) -> Schedule:
        schedule = Schedule()
        for running in self.running.values():
            for job in (*running.service.jobs, _PRUNE):
                tick = None if job is _PRUNE else self.settings.scheduler_tick
                seconds = tick or job.every.total_seconds()
                schedule.every(seconds, partial(running.run_job, job), f"{running.service.name}.{job.name}")
        return schedule
