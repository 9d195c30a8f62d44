"""Pruning: forgets what was kept for long enough, by settings that say what each keeps and why.

The log and the journal (published outbox rows with their causes) are never pruned: they are a review's audit trail,
and what every rebuild reads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlmodel import col

from shared.apart import each
from shared.db import inbox
from shared.db.many import each_of
from shared.db.tables import CommandRow, InboxRow, ParkedEventRow
from shared.db.work import Work
from shared.ids import first_id
from shared.service import Context, Prune

#: Rows deleted in one transaction.
_BATCH = 1000


def prune(running: Context) -> None:
    """Deletes what is older than its setting says, oldest first, a batch a transaction."""
    with each("prune by") as failures:
        for one in (Prune(_commands, "command_days"), Prune(_heard_by(running), "inbox_days"), *running.service.prunes):
            with failures.apart(one.days):
                _prune(running, one)


def _prune(running: Context, one: Prune) -> None:
    before = datetime.now(UTC) - timedelta(days=getattr(running.settings, one.days))
    while not running.stopping.is_set():
        with running.work(f"{running.service.name}:prune") as work:
            if one.some(work, before, _BATCH) < _BATCH:
                break


def _commands(work: Work, before: datetime, limit: int) -> int:
    old = select(col(CommandRow.person), col(CommandRow.key)).where(col(CommandRow.done_at) < before)
    rows = work.session.execute(old.order_by(col(CommandRow.done_at)).limit(limit)).all()
    for person, key in rows:
        work.session.execute(delete(CommandRow).where(col(CommandRow.person) == person, col(CommandRow.key) == key))
    return len(rows)


def _heard_by(running: Context) -> Callable[[Work, datetime, int], int]:
    """Forgets heard events that lie well below the offset their consumer stored, and are not parked: the log gives
    them no more by itself, nor does one that was mended.

    Events are named by the time they were told, so that the oldest come first in the primary key.
    """
    consumer, topics = running.service.name, running.service.topics
    stored: dict[tuple[str, int], int] | None = None
    last = ""

    def some(work: Work, before: datetime, limit: int) -> int:
        nonlocal last, stored
        if stored is None:
            stored = running.event_log.stored(consumer, topics) if topics else {}
        event_id = col(InboxRow.event_id)
        query = select(
            event_id, col(InboxRow.topic), col(InboxRow.partition), col(InboxRow.offset), col(InboxRow.heard_at)
        ).where(col(InboxRow.consumer) == consumer, event_id > last, event_id < first_id("evt", before))
        rows = work.session.execute(query.order_by(event_id).limit(limit)).all()
        ids = [
            row.event_id
            for row in rows
            if row.heard_at < before
            and row.offset is not None
            and row.offset < stored.get((row.topic, row.partition), 0) - inbox.OVERLAP
        ]
        parked = select(col(ParkedEventRow.event_id)).where(
            col(ParkedEventRow.consumer) == consumer,
            col(ParkedEventRow.event_id).in_(select(each_of(work.session, ids, InboxRow.event_id))),
        )
        ids = list(set(ids) - set(work.session.execute(parked).scalars()))
        work.session.execute(delete(InboxRow).where(col(InboxRow.consumer) == consumer, event_id.in_(ids)))
        last = rows[-1].event_id if rows else last
        return len(rows)

    return some
