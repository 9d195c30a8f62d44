"""Records in screening, and the locks on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlmodel import col

from services.screening.domain import RecordStates
from services.screening.models import Record, RecordRow
from shared.db.many import each_of
from shared.db.paging import read_plain_page
from shared.db.said import Said
from shared.db.work import Work
from shared.ids import id_of
from shared.paging import Found, PageAsked


def task_id(review: str, record: str, stage: str) -> str:
    """A record has one task a stage, and anybody can work out its id."""
    return id_of("task", review, record, stage)


def known_records(work: Work, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (review, record) pairs are here already."""
    reviews: dict[str, list[str]] = {}
    for review, record in keys:
        reviews.setdefault(review, []).append(record)
    known: set[tuple[str, str]] = set()
    for review, records in reviews.items():
        wanted = each_of(work.session, records, col(RecordRow.id))
        # A subquery for each, since planners without statistics would rather read all records of the review.
        found = (
            select(col(RecordRow.id))
            .where(col(RecordRow.review) == review, col(RecordRow.id) == wanted)
            .scalar_subquery()
        )
        query = select(wanted).where(found.is_not(None))
        known |= {(review, record) for (record,) in work.rows.read(query)}
    return known


def lock_record(work: Work, review: str, record: str) -> Record | None:
    """A record, held by this work until its end. Records are locked before tasks, tasks before leases."""
    held: Record | None = work.rows.hold(RecordRow, review=review, id=record)
    return held


def get_record(work: Work, review: str, record: str) -> Record | None:
    query = select(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    found = work.rows.read(query, None, RecordRow)
    return found[0] if found else None


_ABSORBED_BY = Said("SELECT {records} FROM records WHERE review = :review AND merged_into = :record", RecordRow)


def titles_of(work: Work, review: str, records: Collection[str]) -> dict[str, str | None]:
    """The titles of these records."""
    if not records:
        return {}
    query = select(col(RecordRow.id), col(RecordRow.title)).where(
        col(RecordRow.review) == review, col(RecordRow.id).in_(records)
    )
    return {record: title for record, title in work.rows.read(query)}


def absorbed_by(work: Work, record: Record) -> list[Record]:
    """The records that were merged into this one, the first merged first: as it is written, so that whoever merges
    writes first."""
    given = {"review": record.review, "record": record.id}
    rows = work.rows.read(_ABSORBED_BY, given, RecordRow, pending=False)
    return sorted(rows, key=lambda row: (row.merge["at"], row.id))


def absorbed_by_each(work: Work, records: Sequence[Record]) -> dict[str, list[str]]:
    """The ids of the records that were merged into each of these, of one review, where any were."""
    found: dict[str, list[str]] = {}
    if records:
        query = select(col(RecordRow.merged_into), col(RecordRow.id)).where(
            col(RecordRow.review) == records[0].review,
            col(RecordRow.merged_into).in_([record.id for record in records]),
        )
        for into, absorbed in work.rows.read(query.order_by(col(RecordRow.id))):
            found.setdefault(into, []).append(absorbed)
    return found


def lock_page_in_screening_or_ruled_out(work: Work, review: str, after: str, limit: int) -> list[Record]:
    """Some records by id that the dates may concern: in screening, or kept out by a rule."""
    query = (
        select(RecordRow)
        .where(
            col(RecordRow.review) == review,
            col(RecordRow.id) > after,
            col(RecordRow.state).in_([RecordStates.SCREENING, RecordStates.EXCLUDED]),
        )
        .order_by(col(RecordRow.id))
        .limit(limit)
        .with_for_update()
    )
    page = work.rows.read(query, None, RecordRow)
    work.rows.keep(RecordRow, *page)
    return page


def page_of_records(work: Work, review: str, state: str, page: PageAsked) -> Found[Record]:
    query = select(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.state) == state)
    return read_plain_page(work, query, page, col(RecordRow.id), tables=[RecordRow])
