"""Votes: by task, by person, and by day."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import col

from services.screening.models import DONE, RecordRow, RevisedVote, RevisedVoteRow, TaskRow, Vote, VoteRow
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.paging import Found, PageAsked

_VOTES_ON = Said("SELECT {votes} FROM votes WHERE task = :task", VoteRow)

_ANSWERS_OF = Said(
    f"""
SELECT stage, answer, deciding, count(*), sum(CASE WHEN cast_at > :lately THEN 1 ELSE 0 END) FROM votes
WHERE review = :review AND person = :person AND cast_at >= :since AND cast_at < :until AND ({DONE})
GROUP BY stage, answer, deciding ORDER BY stage, deciding, answer
"""
)
_WORK_OF_DAYS = Said(
    f"""
SELECT {{day}} AS day, person, stage, sum(CASE WHEN deciding THEN 0 ELSE 1 END),
    sum(CASE WHEN deciding THEN 1 ELSE 0 END)
FROM votes WHERE review = :review AND cast_at >= :since AND cast_at < :until AND ({DONE})
GROUP BY {{day}}, person, stage ORDER BY 1, 2, 3
""",
    sqlite={"day": "substr(cast_at, 1, 10)"},
    postgresql={"day": "to_char(cast_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"},
)


@dataclass(frozen=True, slots=True)
class VotesAsked:
    """Which of somebody's own votes are asked for: all that fit what is given."""

    stage: str | None = None
    answer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str | None = None


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


def page_of_own_votes(
    work: Work, review: str, person: str, asked: VotesAsked, page: PageAsked
) -> Found[tuple[VoteRow, TaskRow, RecordRow]]:
    """Somebody's own votes that stand, the newest first, each with the task that it counts on and its record."""
    where = func.coalesce(col(VoteRow.task), col(VoteRow.cast_on))
    of_record = (col(RecordRow.review) == col(TaskRow.review)) & (col(RecordRow.id) == col(TaskRow.record))
    query = (
        select(VoteRow, TaskRow, RecordRow)
        .join(TaskRow, col(TaskRow.id) == where)
        .join(RecordRow, of_record)
        .where(col(VoteRow.review) == review, col(VoteRow.person) == person, col(VoteRow.ended).is_(None))
    )
    if asked.stage is not None:
        query = query.where(col(VoteRow.stage) == asked.stage)
    if asked.answer is not None:
        query = query.where(col(VoteRow.answer) == asked.answer)
    if asked.since is not None:
        query = query.where(col(VoteRow.cast_at) >= asked.since)
    if asked.until is not None:
        query = query.where(col(VoteRow.cast_at) < asked.until)
    for word in (asked.words or "").split():
        query = query.where(col(RecordRow.title).icontains(word, autoescape=True))
    return read_page(work, query, page, col(VoteRow.id), descending=True)


def answers_between(
    work: Work, review: str, person: str, since: datetime, until: datetime, lately: datetime
) -> list[tuple[str, str, bool, int, int]]:
    """How often somebody gave which answer at which stage, as a decision or not; and how often since `lately`."""
    given = {"review": review, "person": person, "since": since, "until": until, "lately": lately}
    return [
        (stage, answer, bool(deciding), int(n), int(late))
        for stage, answer, deciding, n, late in work.rows.read(_ANSWERS_OF, given)
    ]


def work_between(work: Work, review: str, since: datetime, until: datetime) -> list[tuple[date, str, str, int, int]]:
    """How many votes everybody has cast on which day at which stage, and how many conflicts they have decided."""
    given = {"review": review, "since": since, "until": until}
    return [
        (date.fromisoformat(day), person, stage, int(votes), int(decided))
        for day, person, stage, votes, decided in work.rows.read(_WORK_OF_DAYS, given)
    ]
