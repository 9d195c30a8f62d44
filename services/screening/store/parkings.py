"""Parked tasks, and how leases came to nothing."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import col

from services.screening.models import Parking, ParkingRow, Record, RecordRow, ReturnRow, Task, TaskRow
from shared.db.paging import read_plain_page
from shared.db.work import Work
from shared.paging import Found, PageAsked


def parkings_now(work: Work, task: Task) -> list[Parking]:
    """The parking of a task that is parked, which is held; none of another."""
    query = select(ParkingRow).where(col(ParkingRow.task) == task.id, col(ParkingRow.ended).is_(None))
    return work.rows.read(query, None, ParkingRow)


def parkings_due(work: Work, limit: int) -> list[tuple[str, str, str]]:
    """The (review, record, task) of some that come back by now, by record, so that no two workers wait for each
    other."""
    due = (
        select(col(ParkingRow.task))
        .where(col(ParkingRow.ended).is_(None), col(ParkingRow.until) <= work.now)
        .order_by(col(ParkingRow.until))
        .limit(limit)
    )
    query = select(col(TaskRow.review), col(TaskRow.record), col(TaskRow.id)).where(col(TaskRow.id).in_(due))
    return sorted((review, record, task) for review, record, task in work.rows.read(query))


def page_of_parked(work: Work, review: str, person: str | None, page: PageAsked) -> Found[tuple[Parking, Task, Record]]:
    """The parked tasks of a review with their records, the first parked first; of one person, those they parked."""
    query = (
        select(ParkingRow, TaskRow, RecordRow)
        .join(TaskRow, col(TaskRow.id) == ParkingRow.task)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(col(ParkingRow.review) == review, col(ParkingRow.ended).is_(None))
    )
    if person is not None:
        query = query.where(col(ParkingRow.person) == person)
    return read_plain_page(work, query, page, col(ParkingRow.id), tables=[ParkingRow, TaskRow, RecordRow])


def parkings_of(work: Work, tasks: Collection[str]) -> dict[str, list[Parking]]:
    """Every parking of these tasks, the first first."""
    found: dict[str, list[Parking]] = {task: [] for task in tasks}
    if found:
        query = select(ParkingRow).where(col(ParkingRow.task).in_(tasks)).order_by(col(ParkingRow.id))
        for parking in work.rows.read(query, None, ParkingRow):
            found[parking.task].append(parking)
    return found


def returns_of(work: Work, tasks: Collection[str]) -> dict[str, list[ReturnRow]]:
    """How leases of these tasks came to nothing, the first first."""
    found: dict[str, list[ReturnRow]] = {task: [] for task in tasks}
    if found:
        query = select(ReturnRow).where(col(ReturnRow.task).in_(tasks)).order_by(col(ReturnRow.id))
        for row in work.session.execute(query).scalars():
            found[row.task].append(row)
    return found
