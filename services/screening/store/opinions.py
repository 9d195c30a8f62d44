"""Opinions: what people answer in conflicts beside their votes, and who may not be waited for."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlmodel import col

from services.screening.domain import VOTERS
from services.screening.models import AbsentRow, Opinion, OpinionKind, OpinionRow, TaskRow, VoteRow
from services.screening.store.slots import Taken
from services.screening.store.tasks import IN_CONFLICT
from shared.db.said import Said
from shared.db.work import Work

_OPINIONS_ON = Said("SELECT {opinions} FROM opinions WHERE task = :task", OpinionRow)


def opinions_on(work: Work, task: str, kind: OpinionKind | None = None) -> list[Opinion]:
    """The opinions that count on a task, of one kind or all, in the order they were given."""
    found = work.rows.read(_OPINIONS_ON, {"task": task}, OpinionRow)
    return sorted((it for it in found if kind in (None, it.kind)), key=lambda opinion: opinion.number)


def opinions_given(work: Work, task: str) -> list[Opinion]:
    """Whatever opinions count on a task, or were given on it, in the order they were given."""
    query = select(OpinionRow).where((col(OpinionRow.task) == task) | (col(OpinionRow.given_on) == task))
    return sorted(work.rows.read(query, None, OpinionRow), key=lambda opinion: opinion.number)


def opinions_by_task(work: Work, tasks: Collection[str]) -> dict[str, list[Opinion]]:
    """The same of several tasks at once."""
    found: dict[str, list[Opinion]] = {task: [] for task in tasks}
    if found:
        query = select(OpinionRow).where(col(OpinionRow.task).in_(tasks)).order_by(col(OpinionRow.number))
        for opinion in work.rows.read(query, None, OpinionRow):
            found[opinion.task].append(opinion)
    return found


def conflicts_of_voter(work: Work, review: str, person: str, stages: Sequence[str] | None = None) -> list[Taken]:
    """The open conflicts that a person decides together with the others who voted, of these stages or all, in queue
    order."""
    query = (
        select(col(TaskRow.id), col(TaskRow.record), col(TaskRow.stage), col(TaskRow.position))
        .join(VoteRow, (col(VoteRow.task) == TaskRow.id) & (col(VoteRow.person) == person))
        .where(col(TaskRow.review) == review, IN_CONFLICT, col(TaskRow.adjudicators) == VOTERS)
        .order_by(col(TaskRow.position), col(TaskRow.id))
    )
    if stages is not None:
        query = query.where(col(TaskRow.stage).in_(stages))
    return [Taken(*row) for row in work.rows.read(query)]


def lock_conflicts_of_voters(work: Work, ids: Collection[str]) -> set[str]:
    """Those of these conflicts that their voters still decide, held by this work until its end. What others hold at
    this moment is passed over, since who waits for one task while holding another may wait for ever."""
    query = (
        select(TaskRow)
        .where(col(TaskRow.id).in_(ids), IN_CONFLICT, col(TaskRow.adjudicators) == VOTERS)
        .order_by(col(TaskRow.id))
        .with_for_update(skip_locked=True)
    )
    tasks = work.rows.read(query, None, TaskRow)
    work.rows.keep(TaskRow, *tasks)
    return {task.id for task in tasks}


def present(work: Work, review: str, people: Collection[str]) -> list[str]:
    """Those of these people who can still vote in a review."""
    query = select(col(AbsentRow.person)).where(col(AbsentRow.review) == review, col(AbsentRow.person).in_(people))
    absent = {person for (person,) in work.rows.read(query)}
    return [person for person in people if person not in absent]


def set_absent(work: Work, review: str, person: str, absent: bool) -> None:
    """Notes that somebody can vote in a review no more, or again."""
    row = work.session.get(AbsentRow, (review, person))
    if absent and row is None:
        work.add(AbsentRow(review=review, person=person))
    elif not absent and row is not None:
        work.session.delete(row)
    work.session.flush()
