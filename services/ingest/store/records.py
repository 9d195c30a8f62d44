"""Queries about source records and canonical records: what is known, what is followed, how it is found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Update, delete, func, or_, select, update
from sqlmodel import col

from services.ingest.domain.clusters import COMMON
from services.ingest.models import MergeRow, NoticeRow, OriginRow, RecordKeyRow, RecordRow, SourceRecordRow
from services.ingest.store.common import batches, inserting
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked


def any_record_of(work: Work, review: str, source: str) -> bool:
    """Whether a review has a source record of a source."""
    mine = select(col(SourceRecordRow.source_id)).where(
        col(SourceRecordRow.review) == review, col(SourceRecordRow.source) == source
    )
    return work.session.execute(mine.limit(1)).scalar() is not None


def followed(work: Work, review: str, source: str, *, after: str, limit: int) -> list[str]:
    """Ids behind `after`, in order, of those source records of a source whose record is not excluded or has a notice
    that stands."""
    noticed = (
        select(col(NoticeRow.id))
        .where(col(NoticeRow.record) == SourceRecordRow.record, col(NoticeRow.stands).is_(True))
        .exists()
    )
    mine = (
        select(col(SourceRecordRow.source_id))
        .join(RecordRow, col(RecordRow.id) == SourceRecordRow.record)
        .where(
            col(SourceRecordRow.review) == review,
            col(SourceRecordRow.source) == source,
            col(SourceRecordRow.source_id) > after,
            or_(col(RecordRow.followed).is_(True), noticed),
        )
    )
    return list(work.session.execute(mine.order_by(col(SourceRecordRow.source_id)).limit(limit)).scalars())


def note_standing(work: Work, review: str, record: str, **standing: Any) -> None:
    """Notes where a record stands in screening, and so whether what sources change about it matters."""
    mine = update(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    work.session.execute(mine.values(**standing))


def excluded_on(work: Work, review: str, record: str) -> date | None:
    """The day on which a record was excluded last; None for one that never was."""
    mine = select(col(RecordRow.excluded_on)).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    return work.session.execute(mine).scalar()


def note_origins(work: Work, review: str, source: str, ids: Iterable[str], watch: str) -> None:
    """Notes that a watch has met these source records."""
    rows = [{"review": review, "source": source, "source_id": each, "watch": watch} for each in sorted(set(ids))]
    if rows:
        work.session.connection().execute(inserting(work, OriginRow).on_conflict_do_nothing(), rows)


def forget_origins(work: Work, review: str, watch: str) -> None:
    """Forgets what a watch brought, since it asks for something else now."""
    mine = delete(OriginRow).where(col(OriginRow.review) == review, col(OriginRow.watch) == watch)
    work.session.execute(mine)


class Known(NamedTuple):
    """What is kept of a source record: its canonical record, its content hash, the last walk that met it, and when the
    answer came that it is from."""

    record: str
    content_hash: str
    seen_in: str
    answered_at: datetime | None


def source_records(work: Work, review: str, source: str, ids: Iterable[str]) -> dict[str, Known]:
    """Of these ids of a source, those that are known."""
    columns = (
        col(SourceRecordRow.source_id),
        col(SourceRecordRow.record),
        col(SourceRecordRow.content_hash),
        col(SourceRecordRow.seen_in),
        col(SourceRecordRow.answered_at),
    )
    mine = select(*columns).where(col(SourceRecordRow.review) == review, col(SourceRecordRow.source) == source)
    return {
        row[0]: Known(*row[1:])
        for batch in batches(ids)
        for row in work.session.execute(mine.where(col(SourceRecordRow.source_id).in_(batch)))
    }


def mark_seen(
    work: Work, review: str, source: str, ids: Iterable[str], changed: Collection[str], walk: str, at: datetime | None
) -> None:
    """Notes that a walk has met these source records, some of them changed, in answers from `at` on."""
    for batch in batches(ids):
        again = col(SourceRecordRow.source_id).in_([each for each in batch if each in changed])
        mine = _of_source(review, source, batch).where(or_(col(SourceRecordRow.seen_in) != walk, again))
        work.session.connection().execute(mine.values(seen_in=walk, answered_at=at))


def mark_read_again(
    work: Work, review: str, source: str, ids: Iterable[str], at: datetime, *, new_in: str | None
) -> None:
    """Notes that source records are now as an answer of that time has them; `new_in` is the reparse that met them
    first."""
    values: dict[str, Any] = {"answered_at": at} | ({"seen_in": new_in} if new_in else {})
    for batch in batches(ids):
        work.session.connection().execute(_of_source(review, source, batch).values(values))


def _of_source(review: str, source: str, ids: list[str]) -> Update:
    return update(SourceRecordRow).where(
        col(SourceRecordRow.review) == review,
        col(SourceRecordRow.source) == source,
        col(SourceRecordRow.source_id).in_(ids),
    )


def members_of(work: Work, records: Iterable[str]) -> list[SourceRecordRow]:
    """The source records of canonical records."""
    return [
        row
        for batch in batches(records)
        for row in work.session.execute(
            select(SourceRecordRow)
            .where(col(SourceRecordRow.record).in_(batch))
            .order_by(col(SourceRecordRow.source), col(SourceRecordRow.source_id))
        ).scalars()
    ]


def holders_of(work: Work, review: str, keys: Iterable[str]) -> tuple[set[str], set[str]]:
    """The records that hold any of these keys, and those keys that are common (held by more than COMMON)."""
    records: set[str] = set()
    common: set[str] = set()
    for batch in batches(keys):
        mine = col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch)
        counted = select(col(RecordKeyRow.key), func.count()).where(*mine).group_by(col(RecordKeyRow.key))
        held = {key: count for key, count in work.session.execute(counted)}
        common |= {key for key, count in held.items() if count > COMMON}
        telling = [key for key in held if key not in common]
        if telling:
            holders = (
                select(col(RecordKeyRow.record))
                .where(col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(telling))
                .distinct()
            )
            records |= set(work.session.execute(holders).scalars())
    return records, common


def records_by_key(work: Work, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The oldest record that holds each key."""
    found: dict[str, str] = {}
    for batch in batches(keys):
        mine = select(col(RecordKeyRow.key), func.min(RecordKeyRow.record)).where(
            col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch)
        )
        found |= {key: record for key, record in work.session.execute(mine.group_by(col(RecordKeyRow.key)))}
    return found


def sole_holders(work: Work, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The record that holds each key, where one alone does."""
    found: dict[str, str] = {}
    for batch in batches(keys):
        mine = select(col(RecordKeyRow.key), func.min(RecordKeyRow.record)).where(
            col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch)
        )
        sole = mine.group_by(col(RecordKeyRow.key)).having(func.count(col(RecordKeyRow.record).distinct()) == 1)
        found |= {key: record for key, record in work.session.execute(sole)}
    return found


def page_of_holders(work: Work, review: str, key: str, page: PageAsked) -> Found[RecordRow]:
    """The records that hold a key, oldest first."""
    holders = select(col(RecordKeyRow.record)).where(col(RecordKeyRow.review) == review, col(RecordKeyRow.key) == key)
    return read_page(work, select(RecordRow).where(col(RecordRow.id).in_(holders)), page, col(RecordRow.id))


def records(work: Work, ids: Iterable[str]) -> dict[str, RecordRow]:
    return {
        row.id: row
        for batch in batches(ids)
        for row in work.session.execute(select(RecordRow).where(col(RecordRow.id).in_(batch))).scalars()
    }


def record_of(work: Work, review: str, record: str) -> RecordRow:
    """A review's record, absorbed or not. Raises NotFound."""
    row = work.session.get(RecordRow, record)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no record {record!r}")
    return row


def page_of_records(work: Work, review: str, page: PageAsked) -> Found[RecordRow]:
    """The records that were not absorbed, oldest first."""
    query = select(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.merged_into).is_(None))
    return read_page(work, query, page, col(RecordRow.id))


def merges_into(work: Work, record: str) -> list[MergeRow]:
    """The mergers that ended in a record, directly or through others, oldest first."""
    ended = (
        select(MergeRow)
        .join(RecordRow, col(RecordRow.id) == MergeRow.absorbed)
        .where(col(RecordRow.merged_into) == record)
    )
    return list(work.session.execute(ended.order_by(col(MergeRow.merged_at), col(MergeRow.absorbed))).scalars())


def absorb(work: Work, absorbed: str, into: str) -> None:
    """Moves what hangs on an absorbed record to its survivor: source records, and records absorbed earlier."""
    work.session.execute(update(SourceRecordRow).where(col(SourceRecordRow.record) == absorbed).values(record=into))
    work.session.execute(update(RecordRow).where(col(RecordRow.merged_into) == absorbed).values(merged_into=into))


def remove_keys(work: Work, review: str, record: str, keys: Iterable[str]) -> None:
    for batch in batches(keys):
        mine = col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch), col(RecordKeyRow.record) == record
        work.session.execute(delete(RecordKeyRow).where(*mine))


def add_keys(work: Work, review: str, keys: Iterable[tuple[str, str]]) -> None:
    """Adds (key, record) pairs; one that is there already stays."""
    rows = [{"review": review, "key": key, "record": record} for key, record in keys]
    if rows:
        work.session.connection().execute(inserting(work, RecordKeyRow).on_conflict_do_nothing(), rows)
