"""A service at work in this process: its database, its parts, and whether it is well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event as Signal
from typing import Protocol, TypeVar, runtime_checkable

from shared import logging
from shared.blobs.open import open_blobs
from shared.blobs.port import Blobs
from shared.bus.port import EventLog
from shared.bus.reading import Open, Opened
from shared.clock import Clock
from shared.db import migrate
from shared.db.engine import OF_REQUESTS, Database
from shared.db.work import Work, of_kind, unit_of_work
from shared.errors import Unavailable
from shared.http.blobs import AT_ONCE
from shared.keys.ring import KeyRing
from shared.runtime import catching_up, checks
from shared.runtime.blobs import look_at_blobs
from shared.runtime.jobs import JobRunner
from shared.runtime.listening import Listening
from shared.runtime.log_metrics import LogLook
from shared.runtime.relay import Relay
from shared.service import Job, Service
from shared.settings import Settings

log = logging.get(__name__)

Resource = TypeVar("Resource")


@runtime_checkable
class Prepared(Protocol):
    """Resources that must be made ready before the service starts."""

    def ready(self) -> None:
        """Raises with the reason."""


@runtime_checkable
class Asked(Protocol):
    """Resources that can say how they are."""

    def ping(self) -> None:
        """Raises with what is wrong."""


@runtime_checkable
class Closed(Protocol):
    """Resources that must be let go."""

    def close(self) -> None: ...


class Running:
    """One service in one process. The web application, the listener, the relay and the jobs all open their
    transactions here, so that they are the same on every profile.

    `database` is for relay, listener, jobs and looks at health; `requests` is the same database over connections
    of its own, so that people who ask and work that goes on never wait for one another's.
    """

    def __init__(
        self,
        service: Service,
        settings: Settings,
        clock: Clock,
        event_log: EventLog,
        ring: KeyRing,
        open_message: Open = Opened,
    ) -> None:
        self.service, self.settings, self.clock = service, settings, clock
        self.event_log, self.ring = event_log, ring
        url = settings.resolved(settings.database_url, service.name)
        self.database = Database(url)
        # Who asks may have a connection each, and no thread takes two: on SQLite two writers beside the readers, and
        # whoever counts for the metrics. Blobs move in threads of their own.
        most = settings.requests_at_once + (3 if self.database.sqlite else 2) + (AT_ONCE if service.blobs else 0)
        self.requests = Database(url, pool_size=most, patience=OF_REQUESTS)
        self.resources = service.resources(settings)
        self._blobs: Blobs | None = None
        self._blobs_of_requests: Blobs | None = None
        if service.blobs:
            kept = settings.resolved(settings.blobs_url, service.name)
            self._blobs, self._blobs_of_requests = open_blobs(kept, self.database), open_blobs(kept, self.requests)
        self.stopping = Signal()
        self.relay = Relay(service.name, self.database, event_log, settings, self.stopping)
        self.listening = Listening(
            service, self.database, event_log, lambda: self.work(f"{service.name}:listener"), settings, self.stopping,
            open_message,
        )  # fmt: skip
        self.log_look = LogLook(service, event_log, self.listening.watchdog, self.stopping)
        self.jobs = JobRunner(self.database)
        listens = [self.listening.worker, self.log_look.worker] if service.reactions else []
        self._workers = [*listens, self.relay.worker]

    def prepare(self) -> None:
        """Brings the database up to date, holds it against key and log, and checks what else the service needs.
        Raises with the reason."""
        if self.settings.upgrade_at_start:
            with self._alone("migrate"):
                migrate.upgrade(self.database, self.service)
        checks.check_key(self.service.name, self.database, self.ring)
        checks.check_log(self.service, self.database, self.event_log, embedded=self.settings.embedded)
        self._tell_what_was_never_heard()
        self.requests.ping()  # From now on it holds to the file that was checked.
        if isinstance(self.resources, Prepared):
            self.resources.ready()
        if self.service.blobs:
            self.blobs.ready()
        self._tell_what_is_not_well()

    def _tell_what_is_not_well(self) -> None:
        for part, look in self.service.looks.items():
            try:
                look(self)
            except Unavailable as error:
                log.error("starts, and is not well", service=self.service.name, part=part, why=error.detail)

    def _tell_what_was_never_heard(self) -> None:
        if types := catching_up.begin(self.database, self.service):
            log.warning(
                "types of event were never heard", service=self.service.name, types=types,
                then=f"when every process is of this release: living events catch-up {self.service.name}",
            )  # fmt: skip

    @contextmanager
    def work(
        self,
        actor: str,
        *,
        via: str | None = None,
        readonly: bool = False,
        correlation: str | None = None,
        asked: bool = False,
    ) -> Iterator[Work]:
        """One transaction, committed when the block ends well; `asked` says that a request waits for it, `via` by which
        key a client acts for a person."""
        with unit_of_work(
            self.requests if asked else self.database,
            readonly=readonly,
            committed=self._committed,
            service=self.service.name,
            clock=self.clock,
            actor=actor,
            via=via,
            settings=self.settings,
            resources=self.resources,
            emits=self.service.emits,
            ring=self.ring,
            correlation=correlation,
        ) as work:
            yield work

    def start(self) -> None:
        """Starts the listener with its look at the log, and the relay."""
        for worker in self._workers:
            worker.start()

    def stop(self, timeout: float = 10) -> None:
        """Stops taking, finishes what is in hand, and closes. A kill is as safe, only slower."""
        self.stopping.set()
        self.relay.wake()
        for worker in self._workers:
            worker.join(timeout)
        self.jobs.close()
        if isinstance(self.resources, Closed):
            self.resources.close()
        self.requests.close()
        self.database.close()

    def resource(self, kind: type[Resource]) -> Resource:
        """What the manifest opened, known to be of this kind."""
        return of_kind(kind, self.resources)

    @property
    def blobs(self) -> Blobs:
        """The service's store of blobs. Raises TypeError where its manifest does not say that it keeps any."""
        return self._known(self._blobs)

    @property
    def blobs_of_requests(self) -> Blobs:
        """The same over the connections of requests."""
        return self._known(self._blobs_of_requests)

    @property
    def leading(self) -> bool:
        """Whether jobs are this process's to run."""
        return self.jobs.leading

    def waiting_dead_letters(self) -> int:
        """How many dead letters of this service nobody has decided about."""
        return self.listening.waiting_dead_letters()

    def run_job(self, job: Job) -> None:
        self.jobs.run(job, self)

    def checks(self) -> dict[str, Callable[[], None]]:
        """Looks at what the service depends on. Each may take its time, and raises when something is wrong."""
        checks: dict[str, Callable[[], None]] = {"database": self.database.ping}
        if isinstance(self.resources, Asked):
            checks["resources"] = self.resources.ping
        if self.service.blobs:
            checks["blobs"] = partial(look_at_blobs, self)
        return checks | {part: partial(look, self) for part, look in self.service.looks.items()}

    def health(self) -> dict[str, str]:
        """Each part of the service in this process: `ok`, or what is wrong with it."""
        report = {"relay": self.relay.worker.health()}
        if self.service.reactions:
            report["listener"] = self.listening.health()
            report["partitions"] = self.listening.watchdog.health()
            report["needs"] = self.listening.put_off()
        return report | self.jobs.health()

    def _known(self, blobs: Blobs | None) -> Blobs:
        if blobs is None:
            raise TypeError(f"the manifest of {self.service.name} does not say that it keeps blobs")
        return blobs

    def _committed(self, emitted: int) -> None:
        if emitted:
            self.relay.wake()

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
