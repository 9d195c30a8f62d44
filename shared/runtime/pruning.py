"""Pruning: forgets what outbox, inbox and answered commands have kept for long enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlmodel import Session

from shared.db.tables import CauseRow, CommandRow, InboxRow, OutboxRow

if TYPE_CHECKING:
    from shared.runtime.running import Running

#: Rows looked at and deleted in one transaction.
_BATCH = 2000


def prune(running: Running) -> None:
    """Deletes what is older than LIVING_OUTBOX_DAYS, oldest first, a batch a transaction.

    The oldest rows come first in each primary key (events are named by time), so a look at the first batch
    says whether there is anything to do.
    """
    before = datetime.now(UTC) - timedelta(days=running.settings.outbox_days)
    for some in (_published_events, _heard_events, _answered_commands):
        while not running.stopping.is_set():
            with running.database.session() as session:
                if not some(session, before):
                    break
                session.commit()


def _published_events(session: Session, before: datetime) -> int:
    """Published events only: one that waits for the relay is kept, however old."""
    oldest = select(OutboxRow.seq, OutboxRow.event_id, OutboxRow.published_at).order_by(OutboxRow.seq).limit(_BATCH)
    rows = [row for row in session.execute(oldest) if row.published_at is not None and row.published_at < before]
    session.execute(delete(CauseRow).where(CauseRow.event_id.in_([row.event_id for row in rows])))
    session.execute(delete(OutboxRow).where(OutboxRow.seq.in_([row.seq for row in rows])))
    return len(rows)


def _heard_events(session: Session, before: datetime) -> int:
    oldest = select(InboxRow).order_by(InboxRow.consumer, InboxRow.event_id).limit(_BATCH)
    rows = [row for row in session.execute(oldest).scalars() if row.heard_at < before]
    for row in rows:
        session.delete(row)
    return len(rows)


def _answered_commands(session: Session, before: datetime) -> int:
    old = select(CommandRow).where(CommandRow.done_at < before).limit(_BATCH)
    rows = list(session.execute(old).scalars())
    for row in rows:
        session.delete(row)
    return len(rows)
