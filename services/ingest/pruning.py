"""What ingest forgets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from services.ingest.models import Run, RunItem
from shared.db.work import Work
from shared.ids import first_id


def items_of_finished_runs(work: Work, before: datetime, limit: int) -> int:
    """Where each item of a run went: of the oldest run that has any, while it is old and no longer under way."""
    run = work.session.execute(select(func.min(RunItem.run))).scalar()
    if run is None or run >= first_id("run", before) or work.session.get_one(Run, run).state == "running":
        return 0
    of_run = select(RunItem.source_id).where(RunItem.run == run).order_by(RunItem.source_id).limit(limit)
    items = work.session.execute(of_run).scalars().all()
    work.session.execute(delete(RunItem).where(RunItem.run == run, RunItem.source_id.in_(items)))  # type: ignore[attr-defined]
    # The next run's may be as old.
    return limit
