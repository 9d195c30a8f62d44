"""Asking for kept answers to be read again."""

from __future__ import annotations

from services.ingest import store
from services.ingest.domain.watching import ReparseStates
from services.ingest.models import ReparseRow
from shared.db.work import Work
from shared.errors import NotFound
from shared.ids import new_id
from shared.wire.ingest import NewReparse


def request_reparse(work: Work, review: str, asked: NewReparse) -> ReparseRow:
    """Begins one over all runs that there are now. Raises NotFound for a run or a source that the review has not."""
    # Locked, so that the same is not begun twice at once.
    store.lock_review(work, review)
    if asked.run is not None:
        run = store.run_of(work, review, asked.run)
        if asked.source not in (None, run.source):
            raise NotFound(f"run {asked.run!r} is one of {run.source}, not of {asked.source!r}")
    elif asked.source is not None:
        watches = store.watches_of(work, review, "search", "citations")
        sources = sorted({watch.source for watch in watches})
        if asked.source not in sources:
            raise NotFound(f"review {review!r} asks no source {asked.source!r}; it asks: {', '.join(sources)}")
    wanted = (asked.source, asked.run, asked.rejected)
    for row in store.unfinished_reparses(work, review):
        if row.state == ReparseStates.WAITING and (row.source, row.run, row.rejected_only) == wanted:
            return row
    row = ReparseRow(
        id=new_id("reparse"), review=review, source=asked.source, run=asked.run, rejected_only=asked.rejected,
        through=store.newest_run(work, review), asked_by=work.actor, asked_at=work.now,
    )  # fmt: skip
    return work.add(row)
