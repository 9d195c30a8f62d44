"""Undoing: a person takes their vote back, which is free until the task's last independent vote is in."""

from __future__ import annotations

from services.screening import store
from services.screening.commands import steps, tallies
from services.screening.domain import TaskStates
from services.screening.models import Record, Task, Vote
from shared.db.work import Work
from shared.errors import Conflict, NotFound


def take_back(work: Work, review: str, task_id: str) -> Task:
    """Takes this person's vote on a task back: it counts nowhere any more, and its slot is free, for them too.

    It is kept, and told when the task is closed. Nobody has seen another's vote on the task until then, so that nobody
    votes anew for having seen one. Raises NotFound (`unknown_task`, `no_vote`) or Conflict (`votes_are_in`,
    `task_withdrawn`, `merged`).
    """
    task, _ = lock(work, review, task_id)
    votes = store.votes_on(work, task.id)
    vote = own_vote(work, task, votes)
    if task.votes_cast == task.votes_needed or any(other.shown for other in votes):
        raise Conflict(
            "all its votes are in, or were when it was open before, and are known: what you would answer now is a "
            "revision, which is kept beside your vote",
            slug="votes_are_in",
        )
    if task.state not in (TaskStates.OPEN, TaskStates.PARKED):
        raise task_withdrawn()
    vote.counts_no_more("taken_back", work.now)
    task.beside = True
    tallies.set_votes_cast(work, task, task.votes_cast - 1)
    steps.free_slot(task, vote.person)
    return task


def lock(work: Work, review: str, task_id: str) -> tuple[Task, Record]:
    """A task and its record, held until the work ends. Raises NotFound (`unknown_task`), or Conflict (`merged`) where
    the record lives on in another."""
    held = store.lock_with_record(work, review, task_id)
    if held is None:
        raise NotFound(f"review {review!r} has no task {task_id!r}", slug="unknown_task")
    require_of_its_own(held[1])
    return held


def require_of_its_own(record: Record) -> None:
    """Raises Conflict (`merged`) for a record that lives on in another."""
    if record.merged_into is not None:
        reason = f"record {record.id!r} is one with {record.merged_into!r} now, and its votes count there"
        raise Conflict(reason, slug="merged")


def own_vote(work: Work, task: Task, votes: list[Vote]) -> Vote:
    """This person's independent vote among these. Raises NotFound (`no_vote`)."""
    own = [vote for vote in votes if vote.person == work.actor and not vote.deciding]
    if not own:
        raise NotFound(f"you have no vote on task {task.id!r}", slug="no_vote")
    return own[0]


def task_withdrawn() -> Conflict:
    return Conflict("the task waits for nobody now; its votes count when it is opened again", slug="task_withdrawn")
