"""The inbox: which events a service has heard, so that hearing one twice does it once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert, select
from sqlmodel import Session

from shared.db.tables import InboxRow
from shared.events.base import Envelope


def unseen(session: Session, consumer: str, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """Writes these into the consumer's inbox and gives back, in order, those that were not there yet.

    When two members hear the same event at once, the slower one's commit fails on the primary key; its
    batch is tried again and then finds it here.
    """
    fresh = {envelope.id: envelope for envelope in envelopes}
    known = session.execute(
        select(InboxRow.event_id).where(InboxRow.consumer == consumer, InboxRow.event_id.in_(list(fresh)))
    ).scalars()
    for event_id in known:
        del fresh[event_id]
    if fresh:
        at = datetime.now(UTC)
        rows = [{"consumer": consumer, "event_id": event_id, "heard_at": at} for event_id in fresh]
        session.execute(insert(InboxRow), rows)
    return list(fresh.values())
