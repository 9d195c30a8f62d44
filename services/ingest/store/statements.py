"""Queries about the decisions that files state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, and_, select
from sqlmodel import col

from services.ingest.domain.clusters import SourceKey
from services.ingest.models import ImportRow, SourceRecordRow, StatementRow
from services.ingest.store.common import add_all, batches
from services.ingest.store.keys import by_source
from shared.db.paging import read_page
from shared.db.work import Work
from shared.paging import Found, PageAsked

#: Statements of one record that are shown with it; all of them are listed.
_SHOWN = 100

_OF_SOURCE_RECORD = and_(
    col(SourceRecordRow.review) == StatementRow.review,
    col(SourceRecordRow.source) == StatementRow.source,
    col(SourceRecordRow.source_id) == StatementRow.source_id,
)
_ORDER = (col(StatementRow.imported), col(StatementRow.line), col(StatementRow.id))


def known_statements(work: Work, ids: Iterable[str]) -> set[str]:
    """Those of these statements that are kept."""
    return {
        known
        for batch in batches(ids)
        for known in work.session.execute(select(col(StatementRow.id)).where(col(StatementRow.id).in_(batch))).scalars()
    }


def add_statements(work: Work, rows: Sequence[dict[str, Any]]) -> None:
    """Keeps statements; each must have every column."""
    add_all(work, StatementRow, rows)


def statements_of(work: Work, record: str) -> list[StatementRow]:
    """What files state was decided about a record's source records: the first of them."""
    return list(work.session.execute(_about(record).order_by(*_ORDER).limit(_SHOWN)).scalars())


def page_of_statements(
    work: Work, review: str, page: PageAsked, *, record: str | None, imported: str | None, stage: str | None
) -> Found[StatementRow]:
    """What files state was decided, the file that was brought first first, in its order."""
    query = select(StatementRow) if record is None else _about(record)
    query = query.where(col(StatementRow.review) == review)
    if imported is not None:
        query = query.where(col(StatementRow.imported) == imported)
    if stage is not None:
        query = query.where(col(StatementRow.stage) == stage)
    return read_page(work, query, page, *_ORDER)


def homes_of(work: Work, review: str, keys: Iterable[SourceKey]) -> dict[SourceKey, str]:
    """The record that each of these source records is in."""
    homes = select(col(SourceRecordRow.source_id), col(SourceRecordRow.record))
    return {
        (source, source_id): record
        for source, ids in by_source(keys)
        for source_id, record in work.session.execute(
            homes.where(
                col(SourceRecordRow.review) == review,
                col(SourceRecordRow.source) == source,
                col(SourceRecordRow.source_id).in_(ids),
            )
        )
    }


def names_of_imports(work: Work, ids: Iterable[str]) -> dict[str, str]:
    """What the files of imports are called."""
    named = select(col(ImportRow.id), col(ImportRow.name))
    return {
        imported: name
        for batch in batches(sorted(set(ids)))
        for imported, name in work.session.execute(named.where(col(ImportRow.id).in_(batch)))
    }


def _about(record: str) -> Select[StatementRow]:
    return select(StatementRow).join(SourceRecordRow, _OF_SOURCE_RECORD).where(col(SourceRecordRow.record) == record)
