"""The workbench: one service on an empty database, driven by events, commands and a clock that we move."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from fastapi.testclient import TestClient
from sqlalchemy import select

from shared.bus.reading import react
from shared.clock import ManualClock
from shared.db.inbox import InboxEntry, unseen
from shared.db.tables import OutboxRow
from shared.events import registry
from shared.events.base import Envelope, Event
from shared.ids import new_id
from shared.runtime.app import create_app
from shared.runtime.platform import Platform
from shared.runtime.running import Running
from shared.service import Service
from shared.settings import Settings
from shared.tokens import Person, issue_token
from tests.databases import make_tables

Kind = TypeVar("Kind", bound=Event)


class Workbench:
    """One service, without its threads: what it hears is done at once, what it tells stays in its outbox.

    `database_url` may name PostgreSQL; it must contain `{service}`.
    """

    def __init__(
        self, service: Service, folder: Path, *, at: str = "2020-01-01T00:00:00+00:00", **settings: Any
    ) -> None:
        self.clock = ManualClock(at)
        defaults: dict[str, Any] = {"data_dir": folder, "scheduler": False, "log_level": "error", "_env_file": None}
        self.settings = Settings(**{**defaults, **settings})
        self.platform = Platform(self.settings, [service], self.clock)
        self.service = service
        self.app = create_app(self.platform)
        self.running: Running = self.platform.running[service.name]
        self.running.jobs.leading = True
        make_tables(self.running.database, service)
        if hasattr(self.running.resources, "ready"):
            self.running.resources.ready()
        if service.blobs:
            self.running.blobs.ready()
        self._clients: list[TestClient] = []
        # Nothing reads the log here, on which nothing was withdrawn.
        self.platform.withdrawals.withdrawn.know_all(math.inf)

    def hears(self, *events: Event, correlation: str | None = None) -> list[Envelope]:
        """Lets the service hear these events, each in a transaction of its own, as its listener would."""
        return [self.hears_envelope(self.envelope(event, correlation)) for event in events]

    def hears_envelope(self, envelope: Envelope) -> Envelope:
        with self.work("bench") as work:
            if unseen(work.session, self.service.name, [InboxEntry(envelope.id)]):
                react(work, self.service, envelope, registry.decode(envelope))
        return envelope

    def envelope(self, event: Event, correlation: str | None = None) -> Envelope:
        """An event as its producer would send it."""
        at = self.clock.now().isoformat()
        return Envelope(
            id=new_id("evt"), type=event.type, dataversion=type(event).version, source="living/bench",
            subject=event.key, time=at, recordedtime=at, correlationid=correlation or event.key, causationid=None,
            actor="bench", data=event.model_dump(mode="json"),
        )  # fmt: skip

    def emitted(self, kind: type[Kind]) -> list[Kind]:
        """Every event of a kind that the service has told, in order."""
        return [event for event in self.all_emitted() if isinstance(event, kind)]

    def all_emitted(self) -> list[Event]:
        return [registry.decode(envelope) for envelope in self.journal()]

    def journal(self) -> list[Envelope]:
        """Every envelope in the service's outbox, in order."""
        with self.running.database.session(readonly=True) as session:
            payloads = session.execute(select(OutboxRow.payload).order_by(OutboxRow.seq)).scalars().all()
        return [Envelope.from_json(payload) for payload in payloads]

    def work(self, actor: str = "bench", **about: Any) -> Any:
        """One transaction of the service."""
        return self.running.work(actor, **about)

    def runs(self, job: Callable[[Running], None]) -> None:
        """Runs a job once, letting its errors out."""
        job(self.running)

    def person(
        self, name: str = "ana", role: str = "reviewer", reviews: tuple[str, ...] = ("*",), **more: Any
    ) -> TestClient:
        """A client with a token of its own; speaks to the real application, in this process. `more` is of its key."""
        person = Person.member(name, role, reviews, **more)
        token = issue_token(self.platform.ring, person, now=datetime.now(UTC), valid_for=timedelta(hours=1))
        client = TestClient(self.app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)
        self._clients.append(client)
        return client

    def anybody(self) -> TestClient:
        """A client without a token."""
        client = TestClient(self.app, raise_server_exceptions=False)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.platform.stop()
