"""Batches: what leads asked for many records at once, which records these are, and what became of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, literal, select
from sqlmodel import col

from services.screening.models import BatchRecordRow, BatchRow, Record, RecordRow, StatementRow, Task, TaskRow
from services.screening.store.records import task_id
from services.screening.store.statements import homes_stated
from shared.db.many import each_of
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked
from shared.wire.screening import MOST_IN_BATCH, BatchFilter, Outcome, TaskState


def batch_of(work: Work, review: str, batch: str) -> BatchRow:
    """Raises NotFound (`unknown_batch`)."""
    row = work.session.get(BatchRow, batch)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no batch {batch!r}", slug="unknown_batch")
    return row


def lock_batch(work: Work, batch: str) -> BatchRow | None:
    """A batch as it is by now, held by this work until its end."""
    return work.session.get(BatchRow, batch, with_for_update=True, populate_existing=True)


def batches_to_do(work: Work) -> list[BatchRow]:
    """Those that a job goes on with, the first asked for first."""
    query = select(BatchRow).where(col(BatchRow.ended_at).is_(None))
    return list(work.session.execute(query.order_by(col(BatchRow.id))).scalars())


def page_of_batches(work: Work, review: str, page: PageAsked) -> Found[BatchRow]:
    """The batches of a review, the newest first."""
    query = select(BatchRow).where(col(BatchRow.review) == review)
    return read_page(work, query, page, col(BatchRow.id), descending=True)


def page_of_batch_records(
    work: Work, batch: BatchRow, outcome: Outcome | None, page: PageAsked
) -> Found[tuple[BatchRecordRow, str | None]]:
    """The records of a batch by id, with their titles, where screening knows them; those with an outcome, or all."""
    of_batch = (col(RecordRow.review) == batch.review) & (col(RecordRow.id) == BatchRecordRow.record)
    query = select(BatchRecordRow, col(RecordRow.title)).outerjoin(RecordRow, of_batch)
    query = query.where(col(BatchRecordRow.batch) == batch.id)
    if outcome is not None:
        query = query.where(col(BatchRecordRow.outcome) == outcome)
    return read_page(work, query, page, col(BatchRecordRow.record))


# --- which records


def add_named(work: Work, batch: str, records: Collection[str]) -> int:
    """Has these records be a batch's; answers how many they are."""
    named = each_of(work.session, sorted(set(records)), col(BatchRecordRow.record))
    return _add(work, select(literal(batch), named))


def add_found(work: Work, batch: BatchRow, states: Sequence[TaskState], which: BatchFilter) -> int:
    """The same of the records whose task at the stage is in one of these states, and that fit; of too many it answers
    that there is one more than a batch may have."""
    query = (
        select(literal(batch.id), col(TaskRow.record))
        .join(RecordRow, (col(RecordRow.review) == TaskRow.review) & (col(RecordRow.id) == TaskRow.record))
        .where(
            col(TaskRow.review) == batch.review, col(TaskRow.stage) == batch.stage, col(TaskRow.state).in_(states),
            col(RecordRow.merged_into).is_(None), *_fitting(batch, which),
        )
        .limit(MOST_IN_BATCH + 1)
    )  # fmt: skip
    return _add(work, query)


def add_stated(work: Work, batch: BatchRow, imported: str, answers: Collection[str]) -> int:
    """The same of the records about which a file states one of these answers at the stage."""
    home = homes_stated(batch.review, batch.stage, answers, imported)
    return _add(work, select(literal(batch.id), home.c.record).distinct().limit(MOST_IN_BATCH + 1))


def _add(work: Work, found: Select[*tuple[Any, ...]]) -> int:
    inserted = insert(BatchRecordRow).from_select(["batch", "record"], found)
    return work.session.connection().execute(inserted, execution_options={"preserve_rowcount": True}).rowcount


def _fitting(batch: BatchRow, which: BatchFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.source is not None:
        found.append(col(RecordRow.source) == which.source)
    # A partial date is compared by the last, or the first, that it may mean.
    if which.published_before is not None:
        found.append(_padded("-99-99") < _written(which.published_before))
    if which.published_after is not None:
        found.append(_padded("-00-00") > _written(which.published_after))
    if which.stated is not None:
        home = homes_stated(batch.review, batch.stage, [which.stated])
        found.append(col(RecordRow.id).in_(select(home.c.record)))
    return found


def _padded(with_what: str) -> ColumnElement[str]:
    return func.substr(col(RecordRow.published).concat(with_what), 1, len("2026-01-31"))


def _written(day: date) -> str:
    return day.isoformat()


# --- what becomes of them


def next_records(work: Work, batch: BatchRow, outcome: Outcome | None, limit: int) -> list[BatchRecordRow]:
    """The next records of a batch that has come up to `after`: of those with an outcome, or without any."""
    is_it = col(BatchRecordRow.outcome).is_(None) if outcome is None else col(BatchRecordRow.outcome) == outcome
    query = select(BatchRecordRow).where(
        col(BatchRecordRow.batch) == batch.id, col(BatchRecordRow.record) > batch.after, is_it
    )
    return list(work.session.execute(query.order_by(col(BatchRecordRow.record)).limit(limit)).scalars())


def lock_with_tasks(
    work: Work, review: str, stage: str, records: Sequence[str]
) -> dict[str, tuple[Record, Task | None]]:
    """These records, by id, each with its task at a stage, where it came there: held by this work until its end, all
    records before the tasks, in their order."""
    of_records = select(RecordRow).where(
        col(RecordRow.review) == review,
        col(RecordRow.id).in_(select(each_of(work.session, records, col(RecordRow.id)))),
    )
    found = work.rows.read(of_records.order_by(col(RecordRow.id)).with_for_update(), None, RecordRow)
    work.rows.keep(RecordRow, *found)
    ids = [task_id(review, record, stage) for record in records]
    of_tasks = select(TaskRow).where(col(TaskRow.id).in_(select(each_of(work.session, ids, col(TaskRow.id)))))
    tasks = work.rows.read(of_tasks.order_by(col(TaskRow.record)).with_for_update(), None, TaskRow)
    work.rows.keep(TaskRow, *tasks)
    by_record = {task.record: task for task in tasks}
    return {record.id: (record, by_record.get(record.id)) for record in found}


def statements_about(
    work: Work, review: str, stage: str, imported: str, records: Collection[str]
) -> dict[str, list[StatementRow]]:
    """What a file states at a stage of each of these records, and of what lives on in them, in the file's order."""
    home = homes_stated(review, stage, None, imported, records=each_of(work.session, records, col(RecordRow.id)))
    query = select(StatementRow, home.c.record).join(home, home.c.statement == StatementRow.id)
    found: dict[str, list[StatementRow]] = {}
    for statement, record in work.session.execute(query.order_by(col(StatementRow.line), col(StatementRow.id))):
        found.setdefault(record, []).append(statement)
    return found
