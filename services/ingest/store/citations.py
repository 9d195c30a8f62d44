"""Queries about which included reports cite what was found, or are cited by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.ingest.domain.watching import Standings
from services.ingest.models import CitationRow, RecordRow, RunRow, SourceRecordRow
from services.ingest.ports.sources.port import Link
from services.ingest.store.common import batches, inserting
from shared.db.paging import read_page
from shared.db.work import Work
from shared.paging import Found, PageAsked


def included(work: Work, review: str, *, after: str, limit: int) -> list[tuple[str, str | None]]:
    """Included records behind `after`, in the order of their ids, each with its DOI if it has one."""
    mine = select(col(RecordRow.id), col(RecordRow.doi)).where(
        col(RecordRow.review) == review,
        col(RecordRow.id) > after,
        col(RecordRow.standing) == Standings.INCLUDED,
        col(RecordRow.merged_into).is_(None),
    )
    rows = work.session.execute(mine.order_by(col(RecordRow.id)).limit(limit))
    return [(record, doi) for record, doi in rows]


def ids_at(work: Work, source: str, records: Collection[str]) -> list[tuple[str, str]]:
    """Each of these records with each of its ids at a source, in their order."""
    mine = select(col(SourceRecordRow.record), col(SourceRecordRow.source_id)).where(
        col(SourceRecordRow.record).in_(records), col(SourceRecordRow.source) == source
    )
    rows = work.session.execute(mine.order_by(col(SourceRecordRow.record), col(SourceRecordRow.source_id)))
    return [(record, source_id) for record, source_id in rows]


def note_citations(work: Work, run: RunRow, links: Iterable[Link]) -> None:
    """Notes which reports the source records that a run found cite or are cited by; what is known stays as it is."""
    rows = [
        {"review": run.review, "source": run.source, "source_id": each.found, "seed": each.seed,
         "direction": each.direction, "run": run.id}
        for each in links
    ]  # fmt: skip
    for batch in batches(rows):
        work.session.connection().execute(inserting(work, CitationRow).on_conflict_do_nothing(), batch)


def linked(work: Work, review: str, source: str, ids: Iterable[str]) -> set[str]:
    """Those of these ids of a source that a chase found."""
    mine = select(col(CitationRow.source_id)).where(
        col(CitationRow.review) == review, col(CitationRow.source) == source
    )
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(mine.where(col(CitationRow.source_id).in_(batch))).scalars()
    }


def page_of_citations(
    work: Work, review: str, record: str | None, page: PageAsked
) -> Found[tuple[CitationRow, str, str]]:
    """A review's links of chases, or those of one record that was found; each with the record that was found and that
    of the report, as they are after merging."""
    seed = aliased(RecordRow)
    same = and_(
        col(SourceRecordRow.review) == CitationRow.review,
        col(SourceRecordRow.source) == CitationRow.source,
        col(SourceRecordRow.source_id) == CitationRow.source_id,
    )
    query = (
        select(CitationRow, col(SourceRecordRow.record), func.coalesce(col(seed.merged_into), col(seed.id)))
        .join(SourceRecordRow, same)
        .join(seed, col(seed.id) == CitationRow.seed)
        .where(col(CitationRow.review) == review)
    )
    if record is not None:
        query = query.where(col(SourceRecordRow.record) == record)
    by = col(CitationRow.source), col(CitationRow.source_id), col(CitationRow.seed), col(CitationRow.direction)
    return read_page(work, query, page, *by)
