"""Tasks: a stage's question about a record, their locks and listings."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, literal_column, select
from sqlmodel import col

from services.screening.domain import RecordStates, TaskStates
from services.screening.models import Record, RecordRow, Task, TaskRow
from services.screening.store.records import task_id
from shared.db.paging import read_plain_page
from shared.db.said import Said
from shared.db.work import Work
from shared.paging import Found, PageAsked


def lock_task(work: Work, task: str) -> Task:
    """A task, held by this work until its end: whoever adds or ends a lease or vote of it holds it first."""
    held: Task | None = work.rows.hold(TaskRow, id=task)
    if held is None:
        raise LookupError(f"there is no task {task!r}")
    return held


def lock_task_at(work: Work, record: Record, stage: str) -> Task | None:
    """The task that a record has or had at a stage, held; None when it never came there."""
    held: Task | None = work.rows.hold(TaskRow, id=task_id(record.review, record.id, stage))
    return held


_WITH_RECORD = Said(
    """
SELECT {tasks}, {records} FROM tasks
JOIN records ON records.review = tasks.review AND records.id = tasks.record
WHERE tasks.id = :task AND tasks.review = :review {lock}
""",
    TaskRow, RecordRow, postgresql={"lock": "FOR UPDATE OF records, tasks"},
)  # fmt: skip


def lock_with_record(work: Work, review: str, task: str) -> tuple[Task, Record] | None:
    """A task of a review and its record, held by this work until its end, the record first; None for an unknown one."""
    found = work.rows.read(_WITH_RECORD, {"task": task, "review": review}, TaskRow, RecordRow)
    if not found:
        return None
    held: tuple[Task, Record] = found[0]
    work.rows.keep(TaskRow, held[0])
    work.rows.keep(RecordRow, held[1])
    return held


def lock_waiting_task(work: Work, record: Record) -> Task:
    """The open task or conflict of a record that is in screening, held."""
    return lock_task(work, task_id(record.review, record.id, record.stage or ""))


def hold_waiting_tasks(work: Work, records: Iterable[Record]) -> None:
    """Reads and holds the open tasks, conflicts and parked tasks of those of these records that are in screening, which
    are held, at once."""
    ids = [task_id(one.review, one.id, one.stage or "") for one in records if one.state == RecordStates.SCREENING]
    if ids:
        query = select(TaskRow).where(col(TaskRow.id).in_(ids)).order_by(col(TaskRow.id)).with_for_update()
        work.rows.keep(TaskRow, *work.rows.read(query, None, TaskRow))


def tasks_of(work: Work, record: Record, stages: Iterable[str]) -> list[Task]:
    """The tasks a record has had at these stages, the first opened first."""
    ids = [task_id(record.review, record.id, stage) for stage in stages]
    return sorted(tasks_by_id(work, ids).values(), key=lambda task: (task.opened_at, task.position))


def tasks_by_id(work: Work, ids: Collection[str]) -> dict[str, Task]:
    if not ids:
        return {}
    rows = work.rows.read(select(TaskRow).where(col(TaskRow.id).in_(ids)), None, TaskRow)
    return {task.id: task for task in rows}


#: Spelt out, not bound: the planners must see that the partial index serves.
IN_CONFLICT = col(TaskRow.state) == literal_column(f"'{TaskStates.CONFLICT}'")


def page_of_tasks(work: Work, review: str, stage: str, state: str, page: PageAsked) -> Found[tuple[Task, Record]]:
    """Tasks of a stage in a state with their records, in queue order."""
    of_stage = col(TaskRow.review) == review, col(TaskRow.stage) == stage, col(TaskRow.state) == state
    return _with_records(work, page, *of_stage)


def page_of_conflicts(work: Work, review: str, stage: str | None, page: PageAsked) -> Found[tuple[Task, Record]]:
    """Open conflicts, of one stage or all, in queue order."""
    if stage is not None:
        return page_of_tasks(work, review, stage, TaskStates.CONFLICT, page)
    return _with_records(work, page, col(TaskRow.review) == review, IN_CONFLICT)


def _with_records(work: Work, page: PageAsked, *which: ColumnElement[bool]) -> Found[tuple[Task, Record]]:
    query = (
        select(TaskRow, RecordRow)
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(*which)
    )
    return read_plain_page(work, query, page, col(TaskRow.position), col(TaskRow.id), tables=[TaskRow, RecordRow])
