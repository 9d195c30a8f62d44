"""Queries about files of records that leave."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import col

from services.ingest.domain.watching import ExportStates
from services.ingest.models import ExportRow, RecordRow
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked


def next_export(work: Work) -> ExportRow | None:
    """The export that waits longest."""
    waiting = select(ExportRow).where(col(ExportRow.state) == ExportStates.WAITING)
    return work.session.execute(waiting.order_by(col(ExportRow.id)).limit(1)).scalar()


def waiting_exports(work: Work, review: str) -> list[ExportRow]:
    """A review's exports that are not made yet."""
    mine = select(ExportRow).where(col(ExportRow.state) == ExportStates.WAITING, col(ExportRow.review) == review)
    return list(work.session.execute(mine.order_by(col(ExportRow.id))).scalars())


def lock_export(work: Work, export: str) -> ExportRow:
    """An export that is there, as it is now, locked until the end of the transaction."""
    return work.session.get_one(ExportRow, export, with_for_update=True, populate_existing=True)


def export_of(work: Work, review: str, export: str) -> ExportRow:
    """A review's export. Raises NotFound."""
    row = work.session.get(ExportRow, export)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no export {export!r}")
    return row


def page_of_exports(work: Work, review: str, page: PageAsked) -> Found[ExportRow]:
    """Exports, the newest first."""
    query = select(ExportRow).where(col(ExportRow.review) == review)
    return read_page(work, query, page, col(ExportRow.id), descending=True)


def exports_before(work: Work, before: datetime, limit: int) -> list[ExportRow]:
    """Exports that were over before then."""
    over = select(ExportRow).where(col(ExportRow.ended_at) < before).order_by(col(ExportRow.id))
    return list(work.session.execute(over.limit(limit)).scalars())


def forget_export(work: Work, row: ExportRow) -> None:
    work.session.delete(row)


def records_to_export(
    work: Work, row: ExportRow, first_stage: str | None, *, after: str, limit: int
) -> list[RecordRow]:
    """The next records of an export behind an id, the oldest first. One that was never decided is at the first stage,
    unless a rule kept it out of every stage."""
    mine: list[ColumnElement[bool]] = [
        col(RecordRow.review) == row.review,
        col(RecordRow.id) > after,
        # As a plain NULL it would have SQLite read every row by the index of what was absorbed.
        func.coalesce(col(RecordRow.merged_into), "") == "",
    ]
    if row.standing is not None:
        mine.append(col(RecordRow.standing) == row.standing)
    if row.stage is not None:
        undecided = and_(col(RecordRow.at_stage).is_(None), col(RecordRow.reason).is_(None))
        here = col(RecordRow.at_stage) == row.stage
        mine.append(or_(here, undecided) if row.stage == first_stage else here)
    query = select(RecordRow).where(*mine).order_by(col(RecordRow.id)).limit(limit)
    return list(work.session.execute(query).scalars())
