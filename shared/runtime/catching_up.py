"""Catching up: after a release that adds a reaction, a service hears what its consumer has passed by until then."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlmodel import Session, col

from shared.bus.consumer import Listener
from shared.bus.doing import Limits
from shared.bus.port import EventLog
from shared.db.engine import Database
from shared.db.tables import HeardTypeRow
from shared.db.work import Work
from shared.errors import Conflict, Unavailable
from shared.ids import new_id
from shared.service import Service
from shared.settings import Settings


def never_heard(session: Session, service: Service) -> list[str]:
    """The types of event that this release reacts to and that the database has not listened to from the beginning.

    None for a database that was never asked: it begins now, or comes from a release that kept no list, which reacted
    to all of these.
    """
    heard = select(col(HeardTypeRow.type)).where(col(HeardTypeRow.consumer) == service.name)
    known = set(session.execute(heard).scalars())
    return sorted(service.types - known) if known else []


def begin(database: Database, service: Service) -> list[str]:
    """Keeps, at a database's first start, what it listens to from the beginning; ever after answers `never_heard`."""
    with database.session() as session:
        heard = select(col(HeardTypeRow.type)).where(col(HeardTypeRow.consumer) == service.name)
        if session.execute(heard).first() is None:
            _keep(session, service, sorted(service.types))
            session.commit()
            return []
        return never_heard(session, service)


def catch_up(
    service: Service,
    database: Database,
    log: EventLog,
    open_work: Callable[[], AbstractContextManager[Work]],
    settings: Settings,
    *,
    progress: Callable[[int], None] = lambda left: None,
    patience: float = 60,
) -> list[str]:
    """Reads the topics concerned from their beginning, and hands the service what is of a type it never heard; the
    inbox knows what it has done since. Answers the types, none when there is nothing to catch up with.

    To be run when no process of the release before is left, which would pass by more. Events of one key come in
    their order, but after those that were done meanwhile. Raises Conflict when a partition halts, and Unavailable
    when for `patience` seconds nothing moved; then it can be run again.
    """
    with database.session(readonly=True) as session:
        types = never_heard(session, service)
    if not types:
        return []
    only = replace(service, reactions=[it for it in service.reactions if it.event.type in types])
    group = new_id(f"catch-up-{service.name}")
    consumer = log.subscribe(group, only.topics)
    limits = Limits(settings.dead_letter_limit, settings.parked_limit, settings.retry_seconds)
    try:
        # What is heard out of turn says nothing of how far the service's own consumer is.
        listener = Listener(
            only, consumer, database, open_work, batch_size=settings.batch_size, limits=limits, keeps_positions=False
        )
        moved_at = time.monotonic()
        while (left := log.lag(group, only.topics)) > 0:
            progress(left)
            if listener.listen_once(timeout=1.0):
                moved_at = time.monotonic()
            if listener.standing:
                raise Conflict(f"it halted: {listener.standing}; decide about the dead letters, then run it again")
            if time.monotonic() - moved_at > patience:
                raise Unavailable(f"it stands still with {left} events left: {listener.trouble or 'no reason'}")
    finally:
        consumer.close()
    with database.session() as session:
        _keep(session, service, types)
        session.commit()
    return types


def _keep(session: Session, service: Service, types: list[str]) -> None:
    now = datetime.now(UTC)
    for type_ in types:
        session.merge(HeardTypeRow(consumer=service.name, type=type_, since=now))
