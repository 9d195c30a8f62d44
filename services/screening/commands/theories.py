"""Theories that changed: what was excluded for a CMOC that says something else now is asked anew."""

from __future__ import annotations

from services.screening import domain, store
from services.screening.commands import steps
from services.screening.domain import RecordStates
from services.screening.models import Record, Task
from shared.db.work import Work


def reopen_some(work: Work, *, event: str, stage: str, limit: int) -> int:
    """Goes on with a change of a theory at a stage, some exclusions at a time, in the order of the queue; the change
    remembers how far it came. Answers how many it went through; 0 when it is done.

    Those concerned are for that CMOC, or for all, and were judged under a protocol version that has it in other words.
    """
    change = store.theory_change(work, event, stage)
    if change is None:
        return 0
    stale = store.stale_versions(work, change.review, change.cmoc, change.wording)
    page = store.lock_exclusions(work, change, limit)
    # Taken down now, as what is asked anew goes to the end of the queue.
    reached = (page[-1][0].position, page[-1][0].id) if len(page) == limit else None
    with work.following(change.correlation, change.event):
        for task, record in page:
            if task.protocol_version in stale and domain.is_about(task.judged_for, change.cmoc):
                _ask_anew(work, record, task, f"{change.cmoc} is another since: {change.why}")
    if reached is None:
        store.forget_theory_change(work, change)
    else:
        change.position, change.task = reached
    return len(page)


def _ask_anew(work: Work, record: Record, task: Task, why: str) -> None:
    """Sends a record back to the task that led it out. One that is elsewhere meanwhile, or lives on in another, is
    asked about anew when it comes by."""
    is_out = record.state == RecordStates.EXCLUDED and not record.rule and record.stage == task.stage
    if is_out:
        steps.reopen_task(work, record, task, why, "theory_changed")
        return
    steps.make_votes_history(work, task)
    was = record.merge["was"] if record.merge else None
    if record.merge and was and (was["state"], was["stage"]) == (RecordStates.EXCLUDED, task.stage):
        record.merge = {**record.merge, "was": None}
