"""What is counted of votes: who gave them, and how two of them agree."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening import store
from services.screening.models import Task, Vote
from shared.db.work import Work


def set_votes_cast(work: Work, task: Task, n: int) -> None:
    """How many independent votes a task has; where it is one, there is nothing to compare it with."""
    change = (n == 1) - (task.votes_cast == 1)
    store.counts(work).add(task.review, task.stage, "alone", n=change)
    task.votes_cast = n


def count_votes(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Counts who voted on a task that has all its independent votes, and, once, how two votes agree."""
    counts = store.counts(work)
    for vote in votes:
        counts.add(task.review, task.stage, "voter", vote.person)
    if len(votes) != 2 or task.first is not None or any(vote.paired_on for vote in votes):
        return
    task.first, task.second = (vote.answer for vote in sorted(votes, key=lambda vote: vote.person))
    counts.add(task.review, task.stage, "pair", task.first, task.second)


def uncount_votes(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Takes back what was counted when the last of these votes came in."""
    for vote in votes:
        store.counts(work).add(task.review, task.stage, "voter", vote.person, n=-1)
    uncount_pair(work, task)


def uncount_pair(work: Work, task: Task) -> None:
    """Takes back that two votes were compared here."""
    if task.first is not None and task.second is not None:
        store.counts(work).add(task.review, task.stage, "pair", task.first, task.second, n=-1)
    task.first = task.second = None
