"""Votes, by task."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlmodel import col

from services.screening.models import RevisedVote, RevisedVoteRow, Vote, VoteRow
from shared.db.said import Said
from shared.db.work import Work

_VOTES_ON = Said("SELECT {votes} FROM votes WHERE task = :task", VoteRow)


def votes_on(work: Work, task: str) -> list[Vote]:
    """The votes that count on a task, in the order they were cast, the deciding one last."""
    return in_order(work.rows.read(_VOTES_ON, {"task": task}, VoteRow))


def votes_by_task(work: Work, tasks: Collection[str]) -> dict[str, list[Vote]]:
    """The same of several tasks at once."""
    found: dict[str, list[Vote]] = {task: [] for task in tasks}
    if not found:
        return found
    for vote in work.rows.read(select(VoteRow).where(col(VoteRow.task).in_(tasks)), None, VoteRow):
        found[vote.task].append(vote)
    return {task: in_order(votes) for task, votes in found.items()}


def votes_about(work: Work, tasks: Collection[str]) -> list[Vote]:
    """The votes that count on these tasks, did so last, or were cast on them, in order."""
    query = select(VoteRow).where(
        col(VoteRow.task).in_(tasks) | col(VoteRow.cast_on).in_(tasks) | col(VoteRow.counted_on).in_(tasks)
    )
    return in_order(work.rows.read(query, None, VoteRow))


def tasks_voted_by(work: Work, person: str, tasks: Collection[str]) -> set[str]:
    """Those of these tasks that a person has voted on."""
    if not tasks:
        return set()
    query = select(col(VoteRow.task)).where(col(VoteRow.person) == person, col(VoteRow.task).in_(tasks))
    return {task for (task,) in work.rows.read(query)}


def votes_taken_back(work: Work, task: str) -> list[Vote]:
    """The votes that were taken back on a task, in the order they were cast."""
    query = select(VoteRow).where(col(VoteRow.counted_on) == task, col(VoteRow.ended) == "taken_back")
    return in_order(work.rows.read(query, None, VoteRow))


def revised_votes(work: Work, tasks: Collection[str]) -> list[RevisedVote]:
    """What people would answer now who voted on these tasks, in the order they said so."""
    if not tasks:
        return []
    found = work.rows.read(select(RevisedVoteRow).where(col(RevisedVoteRow.task).in_(tasks)), None, RevisedVoteRow)
    return sorted(found, key=lambda revised: (revised.cast_at, revised.id))


def votes_of_two(work: Work, tasks: Collection[str], people: Collection[str]) -> list[Vote]:
    """The votes that count on these tasks, or were cast on them, by one of these people, in order."""
    query = select(VoteRow).where(
        col(VoteRow.task).in_(tasks) | col(VoteRow.cast_on).in_(tasks), col(VoteRow.person).in_(people)
    )  # fmt: skip
    return in_order(work.rows.read(query, None, VoteRow))


def in_order(votes: Iterable[Vote]) -> list[Vote]:
    """Votes in the order they were cast, a deciding one last."""
    return sorted(votes, key=lambda vote: (vote.deciding, vote.cast_at, vote.person))
