"""Reopening: a lead sends a record that was decided back to a stage, whose question is then asked again."""

from __future__ import annotations

from services.screening import store, views
from services.screening.commands import steps
from services.screening.commands.undoing import require_of_its_own
from services.screening.domain import TaskStates
from services.screening.models import Record, Task
from services.screening.store import Plan
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound


def reopen(work: Work, review: str, record_id: str, stage: str, reason: str, *, votes_stand: bool) -> Record:
    """Opens a record again at a stage that was decided about it. People vote anew, and the votes of before are kept and
    count no more; or these stand, and an adjudicator decides, whatever they say.

    What the record passed later it need not pass again. Raises NotFound (`unknown_review`, `unknown_record`), Invalid
    (`unknown_stage`, `stage_not_reached`) or Conflict (`merged`, `nothing_to_reopen`).
    """
    plan = views.known_plan(work, review)
    record = store.lock_record(work, review, record_id)
    if record is None:
        raise NotFound(f"review {review!r} has no record {record_id!r} in screening", slug="unknown_record")
    require_of_its_own(record)
    task = _decided_task(work, plan, record, stage)
    if votes_stand:
        task.for_adjudicator = True
        steps.dispute(work, record, task, reason, "reopened")
    else:
        steps.reopen_task(work, record, task, reason, "reopened")
    return record


def _decided_task(work: Work, plan: Plan, record: Record, stage: str) -> Task:
    known = views.known_stages(plan, store.dropped_stages(work, record.review))
    if stage not in known:
        raise _wrong_stage(f"there is no stage {stage!r}; there are: {', '.join(known)}", "unknown_stage")
    task = store.lock_task_at(work, record, stage)
    if task is None:
        raise _wrong_stage(f"record {record.id!r} never came to stage {stage!r}", "stage_not_reached")
    if task.state not in TaskStates.DECIDED:
        raise Conflict(f"nothing is decided about record {record.id!r} at stage {stage!r}", slug="nothing_to_reopen")
    return task


def _wrong_stage(why: str, slug: str) -> Invalid:
    return Invalid(f"stage: {why}", [{"at": "stage", "why": why, "slug": slug}], slug=slug)
