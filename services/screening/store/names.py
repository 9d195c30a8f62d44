"""Names under which people voted before they had ids."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.screening.models import (
    LeaseRow,
    OldNameRow,
    OpinionRow,
    Record,
    RecordRow,
    RevisedVoteRow,
    Task,
    TaskRow,
    VoteRow,
)
from shared.db.work import Work


def old_names(work: Work, review: str) -> list[OldNameRow]:
    """The names of before in a review that are nobody's yet."""
    query = select(OldNameRow).where(col(OldNameRow.review) == review, col(OldNameRow.person).is_(None))
    return list(work.session.execute(query.order_by(col(OldNameRow.name))).scalars())


def names_to_replace(work: Work) -> list[OldNameRow]:
    """The names of before whose person is known, while votes bear them."""
    query = select(OldNameRow).where(col(OldNameRow.person).is_not(None))
    return list(work.session.execute(query.order_by(col(OldNameRow.review), col(OldNameRow.name))).scalars())


def old_name_to_change(work: Work, review: str, name: str) -> OldNameRow | None:
    """A name of before, held by this work until its end."""
    return work.session.get(OldNameRow, (review, name), with_for_update=True)


def forget_old_name(work: Work, row: OldNameRow) -> None:
    work.session.delete(row)


def lock_tasks_of(work: Work, review: str, person: str, after: str, limit: int) -> list[tuple[Task, Record]]:
    """Some tasks, by id, that somebody voted on or held, with their records, held by this work until its end."""
    mark, voted_on = f"\n{person}\n", select(col(VoteRow.task)).where(col(VoteRow.person) == person)
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(
            col(TaskRow.review) == review,
            col(TaskRow.id) > after,
            # Whoever decided a conflict that a merge brought is none of the takers.
            (func.replace(col(TaskRow.takers), mark, "") != TaskRow.takers) | col(TaskRow.id).in_(voted_on),
        )
        .order_by(col(TaskRow.id))
        .limit(limit)
        .with_for_update(of=[RecordRow, TaskRow])
    )
    rows = work.rows.read(query, None, TaskRow, RecordRow)
    for task, record in rows:
        work.rows.keep(TaskRow, task)
        work.rows.keep(RecordRow, record)
    return rows


def replace_name(work: Work, review: str, name: str, person: str) -> None:
    """Puts a person for a name in what no task leads to: leases that have ended, votes that count nowhere, revised ones
    among them, and opinions, of which the person's own stays where they gave one too."""
    work.rows.flush()
    of_review = select(col(TaskRow.id)).where(col(TaskRow.review) == review)
    votes = update(VoteRow).where(col(VoteRow.person) == name, col(VoteRow.cast_on).in_(of_review))
    revised = update(RevisedVoteRow).where(col(RevisedVoteRow.person) == name, col(RevisedVoteRow.task).in_(of_review))
    leases = update(LeaseRow).where(col(LeaseRow.review) == review, col(LeaseRow.person) == name)
    opinions = update(OpinionRow).where(col(OpinionRow.person) == name, col(OpinionRow.given_on).in_(of_review))
    same = aliased(OpinionRow)
    twice = select(col(same.id)).where(
        col(same.task) == OpinionRow.task, col(same.kind) == OpinionRow.kind, col(same.person) == person
    )
    work.rows.connection.execute(opinions.where(twice.exists()).values(task=None))
    for words in (votes, revised, leases, opinions):
        work.rows.connection.execute(words.values(person=person))
