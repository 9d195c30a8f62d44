"""Queries about what people add by hand."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import and_, select
from sqlmodel import col

from services.ingest.domain.clusters import SourceKey
from services.ingest.models import AdditionRow, SourceRecordRow
from services.ingest.store.keys import rows_about
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked


def same_addition(work: Work, review: str, digest: str) -> AdditionRow | None:
    """The addition that says just the same, if there is one."""
    mine = select(AdditionRow).where(col(AdditionRow.review) == review, col(AdditionRow.digest) == digest)
    return work.session.execute(mine).scalar()


def addition_of(work: Work, review: str, addition: str) -> AdditionRow:
    """A review's addition. Raises NotFound."""
    row = work.session.get(AdditionRow, addition)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no addition {addition!r}")
    return row


def additions_of(work: Work, review: str, of: Iterable[SourceKey]) -> list[AdditionRow]:
    """What people said of these source records as they added them, the oldest first."""
    return rows_about(work, AdditionRow, review, of)


def page_of_additions(work: Work, review: str, record: str | None, page: PageAsked) -> Found[AdditionRow]:
    """Additions, the newest first; of one record if given."""
    query = select(AdditionRow).where(col(AdditionRow.review) == review)
    if record is not None:
        of_record = and_(
            col(SourceRecordRow.review) == AdditionRow.review,
            col(SourceRecordRow.source) == AdditionRow.source,
            col(SourceRecordRow.source_id) == AdditionRow.source_id,
        )
        query = query.join(SourceRecordRow, of_record).where(col(SourceRecordRow.record) == record)
    return read_page(work, query, page, col(AdditionRow.id), descending=True)
