"""A service as one printed table: what it keeps, what it answers, what it does on which event, and its jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event as Signal
from typing import Any, Protocol, TypeVar, cast

from fastapi import APIRouter
from sqlalchemy import MetaData

from shared.blobs.port import Blobs
from shared.bus.port import EventLog
from shared.bus.reading import Effect
from shared.db.engine import Database
from shared.db.work import Work
from shared.events.base import Event
from shared.settings import Settings
from shared.tokens import Person

#: What stands in an event that is shown where somebody may not know what stood there (`Service.hide`).
HIDDEN = "hidden"

Heard = TypeVar("Heard", bound=Event)
Resource = TypeVar("Resource")


class Context(Protocol):
    """What a job, or a look at how a service is, has of the service: its transactions, what its manifest opened,
    its database and log, and whether to go on."""

    @property
    def service(self) -> Service: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def database(self) -> Database:
        """For what is no unit of work, over connections that requests do not wait for."""

    @property
    def event_log(self) -> EventLog: ...

    @property
    def blobs(self) -> Blobs:
        """The store of a service whose manifest says that it keeps blobs."""

    def resource(self, kind: type[Resource]) -> Resource:
        """What the manifest's `resources` opened, known to be of this kind."""

    @property
    def stopping(self) -> Signal:
        """Set when the process ends: a job goes no further than it must."""

    @property
    def leading(self) -> bool:
        """Whether jobs are still this process's to run."""

    def work(
        self, actor: str, *, readonly: bool = False, correlation: str | None = None
    ) -> AbstractContextManager[Work]:
        """One transaction, committed when the block ends well."""


@dataclass(frozen=True)
class Reaction:
    """On this event, this effect."""

    event: type[Event]
    effect: Effect


@dataclass(frozen=True)
class Job:
    """Scheduled work; runs in one process at a time, never twice at once, in transactions of its own."""

    run: Callable[[Context], None]
    every: timedelta

    @property
    def name(self) -> str:
        return self.run.__name__


@dataclass(frozen=True)
class Prune:
    """Rows that are kept for so many days (the setting `days`) and then forgotten.

    `some` deletes at most `limit` of those from before an instant of the machine's clock, oldest first and found by
    an index, and answers how many.
    """

    some: Callable[[Work, datetime, int], int]
    days: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that a service tells when asked, such as how deep a queue is. The values of its labels are few, and
    known to the code or the service's own database."""

    name: str
    what: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


@dataclass(frozen=True, eq=False)
class Service:
    """A service's manifest, which is itself and no other.

    `resources` opens what its effects need beside the database; what it returns may have `ready()` (raises with a
    reason) and `close()`. `looks` are what it looks at itself, by part: at each start and then every few seconds. What
    one raises is told in the log and by `/readyz`, and stops nothing. `admit` raises for whoever may not ask, by
    what its own database has, before any route is at work.
    """

    name: str
    summary: str
    package: Path
    tables: MetaData
    routes: APIRouter
    reactions: Sequence[Reaction] = ()
    jobs: Sequence[Job] = ()
    emits: Sequence[type[Event]] = ()
    prunes: Sequence[Prune] = ()
    #: Takes out of events of its journal, as they are shown, what whoever is no lead may not see of them.
    hide: Callable[[Work, Sequence[dict[str, Any]]], None] = field(default=lambda work, events: None)
    gauges: Callable[[Work], Sequence[Gauge]] = field(default=lambda work: ())
    resources: Callable[[Settings], object] = field(default=lambda settings: None)
    looks: Mapping[str, Callable[[Context], None]] = field(default_factory=dict)
    admit: Callable[[Work, Person], None] = field(default=lambda work, person: None)
    #: Whether it keeps blobs: its database then has their tables, and a job sweeps those that nothing uses.
    blobs: bool = False

    @property
    def topics(self) -> list[str]:
        """The topics of the events it reacts to."""
        return sorted({reaction.event.topic for reaction in self.reactions})

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of the events it reacts to, of whatever version."""
        return frozenset(reaction.event.type for reaction in self.reactions)

    @property
    def migrations(self) -> Path:
        return self.package / "migrations"

    def effects(self, event: type[Event]) -> Sequence[Effect]:
        """What runs on an event, in the order of the table."""
        return self._effects.get(event, ())

    @cached_property
    def _effects(self) -> dict[type[Event], list[Effect]]:
        """Asked with every event that is heard, so the table is read once."""
        effects: dict[type[Event], list[Effect]] = {}
        for reaction in self.reactions:
            effects.setdefault(reaction.event, []).append(reaction.effect)
        return effects


def on(event: type[Heard], effect: Callable[[Work, Heard], None]) -> Reaction:
    """A row of the table, such as `on(RecordMerged, reactions.bury_merged_record)`."""
    return Reaction(event, cast(Effect, effect))


def every(*, run: Callable[[Context], None], **interval: float) -> Job:
    """A job, such as `every(minutes=1, run=jobs.return_lapsed_leases)`."""
    return Job(run, timedelta(**interval))
