"""First looks of conflicts that wait still, and conflicts taken many at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlmodel import col

from services.screening.domain import TO_DECIDE
from services.screening.models import Lease, LeaseRow, Opinion, OpinionRow, Record, RecordRow, Task, TaskRow
from services.screening.store.tasks import IN_CONFLICT
from shared.db.many import each_of
from shared.db.paging import read_plain_page
from shared.db.work import Work
from shared.paging import Found, PageAsked

#: Spelt out, not bound: the planners must see that the partial index serves.
_WAITS: ColumnElement[bool] = literal_column("waits_in <> ''")
_HAS_SLOT: ColumnElement[bool] = literal_column("places > 0")


def page_of_looked_at(
    work: Work, review: str, person: str, roles: Sequence[str], page: PageAsked
) -> Found[tuple[Opinion, Task, Record]]:
    """The first looks that somebody gave of conflicts that wait, the first first, each with its conflict and record:
    those that people of these roles decide, in which they have no vote, and that nobody else holds."""
    holds = (
        select(col(LeaseRow.id))
        .where(
            col(LeaseRow.task) == TaskRow.id, col(LeaseRow.person) == person, col(LeaseRow.kind) == TO_DECIDE,
            col(LeaseRow.ended).is_(None),
        )
        .exists()
    )  # fmt: skip
    free = _HAS_SLOT & (func.replace(col(TaskRow.takers), f"\n{person}\n", "") == TaskRow.takers)
    query = (
        select(OpinionRow, TaskRow, RecordRow)
        .join(TaskRow, col(TaskRow.id) == OpinionRow.task)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(
            col(OpinionRow.waits_in) == review, col(OpinionRow.person) == person, _WAITS, IN_CONFLICT,
            col(TaskRow.adjudicators).in_(roles), free | holds,
        )
    )  # fmt: skip
    return read_plain_page(work, query, page, col(OpinionRow.id), tables=[OpinionRow, TaskRow, RecordRow])


def looks_of(work: Work, person: str, tasks: Collection[str]) -> dict[str, Opinion]:
    """The first looks that somebody gave of these tasks, by task."""
    query = select(OpinionRow).where(
        col(OpinionRow.task).in_(tasks), col(OpinionRow.person) == person, col(OpinionRow.kind) == "look"
    )
    return {look.task: look for look in work.rows.read(query, None, OpinionRow)} if tasks else {}


def looks_given(work: Work, leases: Sequence[Lease]) -> set[str]:
    """Those of these leases of conflicts under which their persons gave their first looks."""
    if not leases:
        return set()
    query = select(col(OpinionRow.task), col(OpinionRow.person), col(OpinionRow.given_at)).where(
        col(OpinionRow.task).in_([lease.task for lease in leases]), col(OpinionRow.kind) == "look"
    )
    given = {(task, person): at for task, person, at in work.rows.read(query)}
    return {it.id for it in leases if (at := given.get((it.task, it.person))) is not None and at >= it.taken_at}


def leases_to_decide(work: Work, person: str, tasks: Collection[str]) -> dict[str, Lease]:
    """The leases that somebody has of these conflicts, live or lapsed and not returned yet, by task."""
    query = select(LeaseRow).where(
        col(LeaseRow.task).in_(tasks),
        col(LeaseRow.person) == person,
        col(LeaseRow.kind) == TO_DECIDE,
        col(LeaseRow.ended).is_(None),
    )
    return {lease.task: lease for lease in work.rows.read(query, None, LeaseRow)} if tasks else {}


def lock_with_records(work: Work, review: str, tasks: Collection[str]) -> dict[str, tuple[Task, Record]]:
    """Those of these tasks that a review has, by id, each with its record: held by this work until its end, in the
    order of the records, each before its task."""
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(
            col(TaskRow.review) == review,
            col(TaskRow.id).in_(select(each_of(work.session, tasks, col(TaskRow.id)))),
        )
        .order_by(col(RecordRow.id), col(TaskRow.id))
        .with_for_update(of=[RecordRow, TaskRow])
    )
    found = work.rows.read(query, None, TaskRow, RecordRow) if tasks else []
    for task, record in found:
        work.rows.keep(RecordRow, record)
        work.rows.keep(TaskRow, task)
    return {task.id: (task, record) for task, record in found}
