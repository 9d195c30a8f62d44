"""What screening forgets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from services.screening.models import LeaseRow
from shared.db.work import Work
from shared.ids import first_id


def ended_leases(work: Work, before: datetime, limit: int) -> int:
    """Leases that ended in whatever way; what they led to is a vote, or nothing."""
    old = select(LeaseRow.id).where(LeaseRow.id < first_id("lease", before), LeaseRow.ended.is_not(None))  # type: ignore[union-attr]
    ids = work.session.execute(old.order_by(LeaseRow.id).limit(limit)).scalars().all()
    work.session.execute(delete(LeaseRow).where(LeaseRow.id.in_(ids)))  # type: ignore[attr-defined]
    return len(ids)
