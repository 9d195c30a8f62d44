"""Revising: what somebody would answer who has seen the others' votes, kept beside their vote and never counted."""

from __future__ import annotations

from typing import Any

from services.screening import store
from services.screening.commands import ballots, steps
from services.screening.commands.undoing import lock, own_vote, task_withdrawn
from services.screening.domain import Ballot, TaskStates
from services.screening.models import RevisedVote, RevisedVoteRow, Task, Vote
from shared.db.work import Work
from shared.errors import Conflict
from shared.ids import new_id


def revise(work: Work, review: str, task_id: str, ballot: Ballot) -> Task:
    """Keeps what this person would answer now that all votes on a task are in; their vote, the decision and every
    figure stay as they are.

    It is told once the task is closed, at once where it is. Raises NotFound (`unknown_task`, `no_vote`), Conflict
    (`votes_not_in`, `nothing_revised`, `task_withdrawn`, `merged`) or Invalid, listing all that is wrong with the
    ballot.
    """
    task, record = lock(work, review, task_id)
    vote = own_vote(work, task, store.votes_on(work, task.id))
    if task.state in (TaskStates.OPEN, TaskStates.PARKED) and task.votes_cast < task.votes_needed:
        raise Conflict("others' votes on it are still to come; until then a vote is taken back", slug="votes_not_in")
    if task.state == TaskStates.WITHDRAWN:
        raise task_withdrawn()
    ballots.check(work, task, ballot, deciding=False)
    revised = _revised(work, task, ballot)
    said: list[Vote | RevisedVote] = [vote, *store.revised_votes(work, [task.id])]
    last = [one for one in said if one.person == work.actor][-1]
    if _said(last) == _said(revised):
        raise Conflict("this is what you said last on this task", slug="nothing_revised")
    work.rows.add(RevisedVoteRow, revised)
    task.beside = True
    if task.state in TaskStates.DECIDED:
        steps.tell_revised(work, record, task, [revised])
    return task


def _revised(work: Work, task: Task, ballot: Ballot) -> RevisedVote:
    return RevisedVote(
        id=new_id("vote"), task=task.id, person=work.actor, **ballots.kept(ballot),
        protocol_version=task.protocol_version, via=work.via, cast_at=work.now,
    )  # fmt: skip


def _said(vote: Vote | RevisedVote) -> tuple[Any, ...]:
    return vote.answer, vote.reason, vote.fields, vote.excluded_for, vote.judged_for
