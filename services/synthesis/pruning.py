"""What synthesis forgets."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select

from services.synthesis.models import ReviewRow, TriggerRow
from shared.db.work import Work


def triggers_of_earlier_cycles(work: Work, before: datetime, limit: int) -> int:
    """Rules that fired, of cycles that are over: a cycle that still runs fires each of its own once.

    They bear the platform's time, so that their age is reckoned by that.
    """
    age = datetime.now(UTC) - before
    old = select(TriggerRow.seq).join(ReviewRow, ReviewRow.review == TriggerRow.review)
    old = (
        old.where(TriggerRow.at < work.now - age, TriggerRow.cycle <= ReviewRow.revisions)
        .order_by(TriggerRow.at)
        .limit(limit)
    )
    rows = work.session.execute(old).scalars().all()
    work.session.execute(delete(TriggerRow).where(TriggerRow.seq.in_(rows)))  # type: ignore[union-attr]
    return len(rows)
