"""Disputes: what becomes of a work that was excluded as one record and went further as another, once both are one."""

from __future__ import annotations

from services.screening import domain, store
from services.screening.commands import steps
from services.screening.domain import RecordStates, TaskStates
from services.screening.models import Record, Task
from shared.db.work import Work


def open_dispute(work: Work, absorbed: Record, survivor: Record) -> None:
    """Has an adjudicator decide again about a record that people excluded at a stage which the other one passed: else a
    merger would silently take out of the review what people had let in."""
    stage = survivor.stage
    if survivor.state != RecordStates.EXCLUDED or survivor.rule or stage is None or stage not in absorbed.passed:
        return
    task = store.lock_task_at(work, survivor, stage)
    if task is None or task.state != TaskStates.EXCLUDED:
        return
    steps.dispute(
        work, survivor, task, f"it is the same work as {absorbed.id}, which passed this stage", "merged_otherwise"
    )


def settle_dispute(work: Work, review: str, record_id: str) -> None:
    """Excludes a record again as its votes say, where the one that had gone further is a record of its own again."""
    record = store.lock_record(work, review, record_id)
    if record is None or record.state != RecordStates.SCREENING:
        return
    task = store.lock_waiting_task(work, record)
    if task.state != TaskStates.CONFLICT or task.for_adjudicator or _is_disputed(work, record, task):
        return
    votes = [vote for vote in store.votes_on(work, task.id) if not vote.deciding]
    decision = domain.decide(store.stage_of(work, task), [vote.answer for vote in votes])
    if decision is None:
        return
    for lease in store.leases_of(work, task):
        steps.end_lease(work, lease, domain.LeaseStates.WITHDRAWN)
    steps.close_task(work, record, task, votes, decision, "agreement")


def _is_disputed(work: Work, record: Record, task: Task) -> bool:
    return any(task.stage in other.passed for other in store.absorbed_by(work, record))
