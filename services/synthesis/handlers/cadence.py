"""Cadence: how far the literature was searched, and whether the review publishes in time."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.domain.cadence import standing
from services.synthesis.domain.triggers import CADENCE_BREACHED, SCHEDULE_DUE, Fired
from services.synthesis.handlers.ledger import log_triggers
from services.synthesis.models import WatchRow
from shared.db.work import Work
from shared.events.ingest import RunFinished
from shared.events.synthesis import ReviewOverdue


def note_searched_through(event: RunFinished, work: Work) -> None:
    """Moves on the day through which a source is searched; a run that stopped early moves nothing."""
    if not event.complete:
        return
    row = store.watch(work, event.review, event.watch)
    reached = {
        "source": event.source,
        "protocol_version": event.protocol_version,
        "searched_through": event.searched_through,
        "run": event.run,
    }
    if row is None:
        work.add(WatchRow(review=event.review, watch=event.watch, **reached))
    elif (event.protocol_version, event.searched_through) > (row.protocol_version, row.searched_through):
        row.sqlmodel_update(reached)


def tell_if_overdue(review_id: str, work: Work) -> None:
    """Logs that a revision is due, and tells once for each due day that it is overdue."""
    review, today = store.review_to_change(work, review_id), work.now.date()
    state, day = standing(review.next_due, today), review.next_due.isoformat()
    if state == "active":
        return
    fired = [Fired(SCHEDULE_DUE, day, f"a revision was due on {day}")]
    if state == "overdue":
        fired.append(Fired(CADENCE_BREACHED, day, f"no revision was published by {day}"))
    log_triggers(work, review, fired)
    if state == "overdue" and review.overdue_told != review.next_due:
        review.overdue_told = review.next_due
        work.emit(ReviewOverdue(review=review_id, due=review.next_due, last_published=review.last_published))
