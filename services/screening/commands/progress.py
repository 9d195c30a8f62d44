"""Progress: that the stages of a review stand otherwise than when it was told last, for whoever cannot count here."""

from __future__ import annotations

from datetime import timedelta

from services.screening import store, views
from services.screening.models import QueueStandingRow
from shared.db.work import Work
from shared.events.screening import QueueMoved, StageStanding

#: How often it is told at most, but where a queue runs empty.
APART = timedelta(minutes=5)


def tell_progress(work: Work, review: str) -> None:
    """Tells how the stages stand where that is another, and at which no task needs votes any more."""
    counted = store.counted(work, review).states
    stages = [
        StageStanding(**views.stage_queue(stage, counted.get(stage, {}), {}).model_dump(include=_FIGURES))
        for stage in views.known_stages(store.the_plan(work, review), counted)
    ]
    row = store.lock_queue_standing(work, review)
    known = [StageStanding.model_validate(stage) for stage in row.stages] if row else []
    before = {stage.stage: stage.open for stage in known}
    emptied = [stage.stage for stage in stages if not stage.open and before.get(stage.stage)]
    standing = [stage.model_dump() for stage in stages]
    if row is not None and (row.stages == standing or (work.now < row.at + APART and not emptied)):
        return
    if row is None:
        row = work.add(QueueStandingRow(review=review, stages=standing, at=work.now))
    row.stages, row.at = standing, work.now
    work.emit(QueueMoved(review=review, stages=stages, emptied=emptied))


_FIGURES = {*StageStanding.model_fields}
