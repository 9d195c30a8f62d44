"""Replay: lets a service live its past again into an empty database, to check it or to mend it.

Nothing is special about it: a new consumer group, an empty database, and what is emitted stays unsaid.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import col

from shared.bus.consumer import AT_ONCE, Listener
from shared.bus.doing import TRIES, Limits
from shared.bus.port import EventLog
from shared.clock import Clock
from shared.db import migrate
from shared.db.engine import Database
from shared.db.tables import HeldKeyRow, InboxRow
from shared.db.work import Work, unit_of_work
from shared.errors import Conflict, Unavailable
from shared.ids import new_id
from shared.keys.ring import KeyRing
from shared.service import Service
from shared.settings import Settings


@dataclass(frozen=True)
class Replayed:
    """How many events were heard, and the keys that stand still at the end, with their reasons."""

    heard: int
    held: list[str]


def replay(
    service: Service,
    database: Database,
    log: EventLog,
    *,
    settings: Settings,
    clock: Clock,
    ring: KeyRing,
    resources: object = None,
    progress: Callable[[int], None] = lambda left: None,
    patience: float = 60,
) -> Replayed:
    """Replays all that is on the log into `database`.

    Raises Conflict when the database has heard events before or a partition halts, and Unavailable when for
    `patience` seconds nothing moved. `progress` is told how many are left.
    """
    migrate.upgrade(database, service)
    _require_empty(database, service)

    def open_work() -> AbstractContextManager[Work]:
        return unit_of_work(
            database, service=service.name, clock=clock, actor=f"{service.name}:replay", settings=settings, ring=ring,
            resources=resources, emits=service.emits, muted=True,
        )  # fmt: skip

    group = new_id(f"replay-{service.name}")
    consumer = log.subscribe(group, service.topics)
    limits = Limits(settings.dead_letter_limit, settings.parked_limit, retry_seconds=0.05)
    try:
        listener = Listener(service, consumer, database, open_work, batch_size=settings.batch_size, limits=limits)
        moved_at = time.monotonic()
        while (left := log.lag(group, service.topics)) > 0:
            progress(left)
            if listener.listen_once(timeout=1.0):
                moved_at = time.monotonic()
            if listener.standing:
                raise Conflict(f"the replay halted: {listener.standing}")
            if time.monotonic() - moved_at > patience:
                raise Unavailable(f"the replay stands still with {left} events left: {listener.trouble or 'no reason'}")
    finally:
        consumer.close()
    _go_on_with_held(listener, database, service)
    return Replayed(_heard(database, service), _still_held(database, service))


def _go_on_with_held(listener: Listener, database: Database, service: Service) -> None:
    """Tries what is held until nothing of it moves: what it waited for may have come last."""
    resting, rounds = 0, 1
    while resting < TRIES * rounds:
        resting = 0 if listener.go_on(everything=True) else resting + 1
        rounds = 1 + len(_still_held(database, service)) // AT_ONCE


def _still_held(database: Database, service: Service) -> list[str]:
    held = (
        select(HeldKeyRow)
        .where(col(HeldKeyRow.consumer) == service.name)
        .order_by(col(HeldKeyRow.topic), col(HeldKeyRow.key))
    )
    with database.session(readonly=True) as session:
        return [f"{row.topic}/{row.key}: {row.reason}" for row in session.execute(held).scalars()]


def _require_empty(database: Database, service: Service) -> None:
    if _heard(database, service):
        raise Conflict("the database has heard events already; a replay needs an empty one", slug="not_empty")


def _heard(database: Database, service: Service) -> int:
    with database.session(readonly=True) as session:
        count = select(func.count()).select_from(InboxRow).where(col(InboxRow.consumer) == service.name)
        heard: int = session.execute(count).scalar_one()
        return heard
