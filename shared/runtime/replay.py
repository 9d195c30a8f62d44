"""Replay: lets a service live its past again into an empty database, to check it or to mend it.

Nothing is special about it: a new consumer group, an empty database, and what is emitted stays unsaid.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event as Signal
from typing import Any

from sqlalchemy import func, select

from shared.bus import dead_letters
from shared.bus.consumer import Listener
from shared.bus.port import EventLog
from shared.clock import Clock
from shared.db import migrate
from shared.db.engine import Database
from shared.db.tables import InboxRow
from shared.db.work import Work, unit_of_work
from shared.errors import Conflict, Unavailable
from shared.ids import new_id
from shared.keys import SigningKey
from shared.service import Service
from shared.settings import Settings


def replay(
    service: Service,
    database: Database,
    log: EventLog,
    *,
    settings: Settings,
    clock: Clock,
    key: SigningKey,
    resources: Any = None,
    progress: Callable[[int], None] = lambda left: None,
    patience: float = 60,
) -> int:
    """Replays all that is on the log into `database`; answers how many events were heard.

    Raises Conflict when the database has heard events before, and Unavailable when for `patience` seconds
    nothing moved (an event waits for one that never came). `progress` is told how many are left.
    """
    migrate.upgrade(database, service)
    _require_empty(database, service)

    def open_work() -> AbstractContextManager[Work]:
        return unit_of_work(
            database, service=service.name, clock=clock, actor=f"{service.name}:replay", settings=settings, key=key,
            resources=resources, muted=True,
        )  # fmt: skip

    group = new_id(f"replay-{service.name}")
    consumer = log.subscribe(group, service.topics)
    try:
        listener = Listener(
            service, consumer, open_work, lambda: _waiting(database), batch_size=settings.batch_size,
            dead_letter_limit=settings.dead_letter_limit, retry_seconds=0.05, stopping=Signal(),
        )  # fmt: skip
        moved_at = time.monotonic()
        while (left := log.lag(group, service.topics)) > 0:
            progress(left)
            if listener.listen_once(timeout=1.0):
                moved_at = time.monotonic()
            if listener.halted:
                raise Conflict(f"the replay halted: {listener.halted}")
            if time.monotonic() - moved_at > patience:
                raise Unavailable(f"the replay stands still with {left} events left; the logs say what they wait for")
    finally:
        consumer.close()
    return _heard(database, service)


def _require_empty(database: Database, service: Service) -> None:
    if _heard(database, service):
        raise Conflict("the database has heard events already; a replay needs an empty one", slug="not_empty")


def _heard(database: Database, service: Service) -> int:
    with database.session(readonly=True) as session:
        heard = select(func.count()).select_from(InboxRow).where(InboxRow.consumer == service.name)
        return session.execute(heard).scalar_one()


def _waiting(database: Database) -> int:
    with database.session(readonly=True) as session:
        return dead_letters.waiting(session)
