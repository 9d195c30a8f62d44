"""Amending: what nobody has begun when a protocol is amended is asked as its newest version says."""

from __future__ import annotations

from services.screening import domain, store
from services.screening.commands import steps
from services.screening.domain import RecordStates, TaskStates
from services.screening.models import Record, Task
from services.screening.store import Plan
from shared.db.work import Work


def ask_by_newest(work: Work, record: Record, plan: Plan) -> None:
    """Has a record's task, which nobody voted on and nobody holds, be of the newest version: asked anew where that asks
    otherwise; where it has the stage no more, the record goes on to the next that it has.

    What is begun, is parked, or has no later stage to go to stays as it was opened.
    """
    if record.state != RecordStates.SCREENING:
        return
    task = store.lock_waiting_task(work, record)
    if task.state != TaskStates.OPEN or task.takers or task.votes_cast or task.protocol_version >= plan.version:
        return
    stage = domain.stage_named(plan.protocol, task.stage)
    if stage is None:
        _leave(work, record, task, plan)
        return
    before = store.stage_of(work, task)
    task.protocol_version = plan.version
    if stage != before:
        steps.ask_otherwise(work, record, task, stage, "amended")


def _leave(work: Work, record: Record, task: Task, plan: Plan) -> None:
    """Takes a record from a stage that is gone to the one that comes next for it, if there is one."""
    stage = domain.next_stage(plan.protocol, record.passed)
    if stage is None:
        return
    steps.withdraw_task(work, task)
    steps.turn_record(work, record, RecordStates.SCREENING, stage=stage.name)
    cause = steps.tell_sent(work, record, task, stage.name, f"the protocol has no stage {task.stage!r} any more")
    steps.open_task(work, record, stage, plan, "amended", cause)
