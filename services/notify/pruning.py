"""What notify forgets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from services.notify.models import WAITING, Attempt, Delivery
from shared.db.work import Work
from shared.ids import first_id


def deliveries_that_are_over(work: Work, before: datetime, limit: int) -> int:
    """Deliveries that were made, failed or were cancelled, with their attempts. That a notice was delivered is an
    event in the journal too, which stays."""
    old = select(Delivery.id).where(Delivery.id < first_id("dlv", before), Delivery.state != WAITING)
    # Held, so that none is asked for again meanwhile.
    ids = work.session.execute(old.order_by(Delivery.id).limit(limit).with_for_update()).scalars().all()
    work.session.execute(delete(Attempt).where(Attempt.delivery.in_(ids)))  # type: ignore[attr-defined]
    work.session.execute(delete(Delivery).where(Delivery.id.in_(ids)))  # type: ignore[attr-defined]
    return len(ids)
