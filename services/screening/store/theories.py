"""Changes of theories, and the exclusions that they concern."""

from __future__ import annotations

from sqlalchemy import select, tuple_
from sqlmodel import col

from services.screening.domain import TaskStates
from services.screening.models import Record, RecordRow, Task, TaskRow, TheoryChangeRow
from shared.db.work import Work


def theory_changes(work: Work) -> list[TheoryChangeRow]:
    """The changes by which some exclusions were not gone through yet."""
    query = select(TheoryChangeRow).order_by(col(TheoryChangeRow.review), col(TheoryChangeRow.last_position))
    return list(work.session.execute(query).scalars())


def theory_change(work: Work, event: str, stage: str) -> TheoryChangeRow | None:
    """One of them, held by this work until its end."""
    return work.session.get(TheoryChangeRow, (event, stage), with_for_update=True)


def forget_theory_change(work: Work, row: TheoryChangeRow) -> None:
    work.session.delete(row)


def lock_exclusions(work: Work, change: TheoryChangeRow, limit: int) -> list[tuple[Task, Record]]:
    """The next tasks that led their record out, in the order of the queue, with their records, held by this work until
    its end: those that were in the queue when the theory changed."""
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(
            col(TaskRow.review) == change.review,
            col(TaskRow.stage) == change.stage,
            col(TaskRow.state) == TaskStates.EXCLUDED,
            col(TaskRow.position) <= change.last_position,
            tuple_(col(TaskRow.position), col(TaskRow.id)) > tuple_(change.position, change.task),
        )
        .order_by(col(TaskRow.position), col(TaskRow.id))
        .limit(limit)
        .with_for_update(of=[RecordRow, TaskRow])
    )
    rows = work.rows.read(query, None, TaskRow, RecordRow)
    for task, record in rows:
        work.rows.keep(TaskRow, task)
        work.rows.keep(RecordRow, record)
    return rows
