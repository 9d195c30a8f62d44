"""Restoring: a decision that was opened again, with many others, is made to stand again as it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.screening import store
from services.screening.commands import steps, tallies
from services.screening.domain import Ballot, Decision, LeaseStates, RecordStates, TaskStates
from services.screening.models import Opinion, Record, Task, Vote
from shared.db.work import Work
from shared.events.screening import ByBatch

#: Of a task what being opened again changes, and a decision is made of.
_KEPT = (
    "answer", "decided_by", "excluded_for", "judged_for", "by_batch", "adjudicators", "position", "protocol_version",
    "votes_needed",
)  # fmt: skip


def kept(work: Work, task: Task) -> dict[str, Any]:
    """What a decided task must have kept so that it can be decided as it was: what it says, its votes, and what was
    answered beside them."""
    instants = {"opened_at": task.opened_at, "asked_anew_at": task.asked_anew_at}
    return {
        **{name: getattr(task, name) for name in _KEPT},
        **{name: at and at.isoformat() for name, at in instants.items()},
        "outcome": "advance" if task.state == TaskStates.ADVANCED else "exclude",
        "votes": [vote.id for vote in store.votes_on(work, task.id)],
        "opinions": [opinion.id for opinion in store.opinions_on(work, task.id)],
    }


def restore(work: Work, record: Record, task: Task, was: dict[str, Any]) -> bool:
    """Decides a task as it was decided before it was opened again, by its votes of then, and has the record go on from
    there. Answers whether: not where anybody has answered since, or it is decided."""
    if record.state != RecordStates.SCREENING or record.stage != task.stage or task.state not in TaskStates.WAITING:
        return False
    votes = _votes_of_then(work, task, was["votes"])
    opinions = _opinions_of_then(work, task, was["opinions"])
    independent = [vote for vote in votes or () if not vote.deciding]
    if votes is None or opinions is None or len(independent) != (0 if was["by_batch"] else was["votes_needed"]):
        return False
    for lease in store.leases_of(work, task):
        steps.end_lease(work, lease, LeaseStates.WITHDRAWN)
    were_counted = task.votes_cast == task.votes_needed
    for name in ("adjudicators", "position", "protocol_version", "votes_needed"):
        setattr(task, name, was[name])
    task.opened_at = datetime.fromisoformat(was["opened_at"])
    task.asked_anew_at = datetime.fromisoformat(was["asked_anew_at"]) if was["asked_anew_at"] else None
    decision = Decision(was["answer"], was["outcome"])
    if was["by_batch"]:
        by = ByBatch.model_validate(was["by_batch"])
        ballot = Ballot(decision.answer, by.reason, {}, was["excluded_for"], was["judged_for"] or ())
        steps.decide_by_batch(work, record, task, ballot, decision, by)
        return True
    for vote in votes:
        vote.task, vote.counted_on, vote.ended, vote.ended_at = task.id, None, None, None
    task.taken_by([vote.person for vote in votes])
    for opinion in opinions:
        opinion.task = task.id
    if not were_counted:
        tallies.set_votes_cast(work, task, len(independent))
        tallies.count_votes(work, task, independent)
    steps.close_task(work, record, task, votes, decision, was["decided_by"])
    return True


def _votes_of_then(work: Work, task: Task, ids: list[str]) -> list[Vote] | None:
    """The votes of then in order; None where others count by now, or one of these does elsewhere."""
    found = store.votes_about(work, [task.id])
    then = [vote for vote in found if vote.id in ids]
    can_count = all(vote.task == task.id or (vote.ended, vote.counted_on) == ("set_aside", task.id) for vote in then)
    is_new = any(vote.task == task.id and vote.id not in ids for vote in found)
    return then if can_count and len(then) == len(ids) and not is_new else None


def _opinions_of_then(work: Work, task: Task, ids: list[str]) -> list[Opinion] | None:
    """The same of what was answered beside them."""
    found = store.opinions_given(work, task.id)
    then = [opinion for opinion in found if opinion.id in ids]
    is_new = any(opinion.task == task.id and opinion.id not in ids for opinion in found)
    return then if len(then) == len(ids) and not is_new else None
