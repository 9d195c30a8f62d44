"""Votes, by task."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlmodel import col

from services.screening.models import Vote, VoteRow
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
    """The votes that count on these tasks or were cast on them, in order."""
    query = select(VoteRow).where(col(VoteRow.task).in_(tasks) | col(VoteRow.cast_on).in_(tasks))
    return in_order(work.rows.read(query, None, VoteRow))


def tasks_voted_by(work: Work, person: str, tasks: Collection[str]) -> set[str]:
    """Those of these tasks that a person has voted on."""
    query = select(col(VoteRow.task)).where(col(VoteRow.person) == person, col(VoteRow.task).in_(tasks))
    return {task for (task,) in work.rows.read(query)} if tasks else set()


def votes_of_two(work: Work, tasks: Collection[str], people: Collection[str]) -> list[Vote]:
    """The votes that count on these tasks, or were cast on them, by one of these people, in order."""
    query = select(VoteRow).where(
        col(VoteRow.task).in_(tasks) | col(VoteRow.cast_on).in_(tasks), col(VoteRow.person).in_(people)
    )  # fmt: skip
    return in_order(work.rows.read(query, None, VoteRow))


def in_order(votes: Iterable[Vote]) -> list[Vote]:
    """Votes in the order they were cast, a deciding one last."""
    return sorted(votes, key=lambda vote: (vote.deciding, vote.cast_at, vote.person))
