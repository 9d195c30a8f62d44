"""A service at work in this process: its database, its threads, and whether it is well."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event as Signal
from threading import Thread
from typing import Any

import structlog

from shared import logging
from shared.bus import dead_letters
from shared.bus.consumer import Listener
from shared.bus.port import EventLog
from shared.bus.relay import relay_once
from shared.clock import Clock
from shared.db import migrate
from shared.db.engine import Database
from shared.db.work import Work, unit_of_work
from shared.errors import Unavailable
from shared.keys import SigningKey
from shared.service import Job, Service
from shared.settings import Settings

log = logging.get(__name__)


class Running:
    """One service in one process. The web application, the listener, the relay and the jobs all open their
    transactions here, so that they are the same on every profile."""

    def __init__(
        self, service: Service, settings: Settings, clock: Clock, event_log: EventLog, key: SigningKey
    ) -> None:
        self.service, self.settings, self.clock, self.event_log, self.key = (
            service,
            settings,
            clock,
            event_log,
            key,
        )
        self.database = Database(settings.place(settings.database_url, service.name))
        self.resources: Any = service.resources(settings)
        self.stopping = Signal()
        self.leading = False
        self._outbox_filled = Signal()
        self._threads: list[Thread] = []
        self._listener: Listener | None = None
        self._trouble: dict[str, str] = {}

    def prepare(self) -> None:
        """Brings the database up to date and checks what the service needs. Raises with the reason."""
        if self.settings.upgrade_at_start:
            with self._alone("migrate"):
                migrate.upgrade(self.database, self.service)
        if hasattr(self.resources, "ready"):
            self.resources.ready()

    @contextmanager
    def work(self, actor: str, *, readonly: bool = False, correlation: str | None = None) -> Iterator[Work]:
        """One transaction, committed when the block ends well."""
        with unit_of_work(
            self.database,
            readonly=readonly,
            committed=self._committed,
            service=self.service.name,
            clock=self.clock,
            actor=actor,
            settings=self.settings,
            resources=self.resources,
            key=self.key,
            correlation=correlation,
        ) as work:
            yield work

    def start(self) -> None:
        """Starts the listener and the relay."""
        if self.service.reactions:
            self._spawn("listener", self._listen)
        self._spawn("relay", self._relay)

    def stop(self, timeout: float = 10) -> None:
        """Stops taking, finishes what is in hand, and closes. A kill is as safe, only slower."""
        self.stopping.set()
        self._outbox_filled.set()
        for thread in self._threads:
            thread.join(timeout)
        if hasattr(self.resources, "close"):
            self.resources.close()
        self.database.close()

    def run_job(self, job: Job) -> None:
        """Runs a job if this process leads; an error is told and the job runs again at its next time."""
        if not self.leading or self.stopping.is_set():
            return
        with structlog.contextvars.bound_contextvars(service=self.service.name, job=job.name):
            try:
                job.run(self)
            except Exception as error:
                self._trouble[f"job {job.name}"] = str(error)
                log.exception("job failed")
            else:
                self._trouble.pop(f"job {job.name}", None)

    def waiting_dead_letters(self) -> int:
        with self.database.session(readonly=True) as session:
            return dead_letters.waiting(session)

    def health(self) -> dict[str, str]:
        """Each thing the service depends on: `ok`, or what is wrong with it."""
        checks: dict[str, Callable[[], None]] = {"database": self.database.ping, "log": self.event_log.ping}
        if hasattr(self.resources, "ping"):
            checks["resources"] = self.resources.ping
        report = {name: _told(check) for name, check in checks.items()}
        for thread in self._threads:
            report[thread.name.partition(":")[2]] = "ok" if thread.is_alive() else "has stopped"
        if self._listener is not None and self._listener.halted:
            report["listener"] = f"halted: {self._listener.halted}"
        return report | self._trouble

    def _spawn(self, name: str, run: Callable[[], None]) -> None:
        thread = Thread(target=run, name=f"{self.service.name}:{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _committed(self, emitted: int) -> None:
        if emitted:
            self._outbox_filled.set()

    def _relay(self) -> None:
        """Sweeps forever while this process leads. Woken by commits; looks by itself too, since another
        process of this service may have written the outbox."""
        leadership = self.database.leadership("leader")
        pause = Pause(self.settings.retry_seconds)
        try:
            while not self.stopping.is_set():
                try:
                    self.leading = leadership.hold()
                    self._outbox_filled.clear()
                    moved = self.leading and relay_once(self.database, self.event_log, limit=self.settings.batch_size)
                    self._trouble.pop("relay", None)
                    pause.reset()
                    if not moved:
                        self._outbox_filled.wait(0.5)
                except Exception as error:
                    self.leading = False
                    self._tell("relay", error)
                    self.stopping.wait(pause.next())
        finally:
            self.leading = False
            leadership.release()

    def _listen(self) -> None:
        pause = Pause(self.settings.retry_seconds)
        while not self.stopping.is_set():
            try:
                self._listen_with_one_consumer(pause)
            except Exception as error:
                self._tell("listener", error)
                self.stopping.wait(pause.next())

    def _listen_with_one_consumer(self, pause: Pause) -> None:
        consumer = self.event_log.subscribe(self.service.name, self.service.topics)
        try:
            self._listener = Listener(
                self.service,
                consumer,
                lambda: self.work(f"{self.service.name}:listener"),
                self.waiting_dead_letters,
                batch_size=self.settings.batch_size,
                dead_letter_limit=self.settings.dead_letter_limit,
                retry_seconds=self.settings.retry_seconds,
                stopping=self.stopping,
            )
            while not self.stopping.is_set():
                self._listener.listen_once(timeout=0.5)
                self._trouble.pop("listener", None)
                pause.reset()
        finally:
            consumer.close()

    def _tell(self, what: str, error: Exception) -> None:
        if self._trouble.get(what) != str(error):
            log.warning(f"{what} waits", service=self.service.name, error=str(error))
        self._trouble[what] = str(error)

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Waits for its turn, so that two processes do not migrate one database at once."""
        # The lock of a PostgreSQL database needs the database, which the first upgrade makes.
        migrate.ensure_database(self.database)
        leadership = self.database.leadership(what)
        until = time.monotonic() + 60
        while not leadership.hold():
            if time.monotonic() > until:
                raise Unavailable(f"{self.service.name}: another process has been at {what} for a minute")
            time.sleep(0.05)
        try:
            yield
        finally:
            leadership.release()


class Pause:
    """Growing pauses with jitter, from `first` seconds up to `longest`."""

    def __init__(self, first: float, longest: float = 15.0) -> None:
        self._first, self._longest, self._next = first, longest, first

    def next(self) -> float:
        now, self._next = self._next, min(self._next * 2, self._longest)
        return now * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._next = self._first


def _told(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "ok"
