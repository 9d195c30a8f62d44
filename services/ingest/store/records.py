"""Queries about source records and canonical records: what is known, what is followed, how it is found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Update, and_, bindparam, delete, or_, select, update
from sqlmodel import col

from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.identities import Absorbed
from services.ingest.models import MergeRow, NoticeRow, OriginRow, RecordRow, SourceRecordRow
from services.ingest.store.common import batches, instant_of
from services.ingest.store.keys import by_source
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: Said in words, since every arrival asks and notes so, and making a statement costs more than what it does.
_KNOWN = Said(
    "SELECT source_id, record, content_hash, seen_in, answered_at FROM source_records"
    " WHERE review = :review AND source = :source AND source_id {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:ids))"},
    postgresql={"among": "= ANY(:ids)"},
)
_NOTE_ORIGINS = Said(
    "INSERT INTO origins (review, source, source_id, watch) SELECT {given} ON CONFLICT DO NOTHING",
    sqlite={"given": ":review, :source, value, :watch FROM json_each(:ids) WHERE true"},
    postgresql={"given": "CAST(:review AS text), CAST(:source AS text), unnest(CAST(:ids AS text[])), :watch"},
)
_MARK_SEEN = Said(
    "UPDATE source_records SET seen_in = :walk, answered_at = :at WHERE review = :review AND source = :source"
    " AND source_id {ids} AND (seen_in <> :walk OR source_id {changed})",
    sqlite={
        "ids": "IN (SELECT value FROM json_each(:ids))",
        "changed": "IN (SELECT value FROM json_each(:changed))",
    },
    postgresql={"ids": "= ANY(:ids)", "changed": "= ANY(:changed)"},
)
_KEPT_AT = Said(
    "SELECT source, source_id, record, CAST(content AS text), run FROM source_records"
    " WHERE review = :review AND source = :source AND source_id {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:ids))"},
    postgresql={"among": "= ANY(:ids)"},
)
_KEPT_IN = Said(
    "SELECT source, source_id, record, CAST(content AS text), run FROM source_records WHERE record {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:records))"},
    postgresql={"among": "= ANY(:records)"},
)
_ABSORBED_IN = Said(
    """
SELECT records.id, records.merged_into, merges."into", CAST(members AS text), CAST(beside AS text)
FROM records JOIN merges ON merges.absorbed = records.id
WHERE records.merged_into {among} ORDER BY merges.merged_at, records.id
""",
    sqlite={"among": "IN (SELECT value FROM json_each(:records))"},
    postgresql={"among": "= ANY(:records)"},
)
_COUNT_MORE = Said(
    "UPDATE reviews SET records = records + :records, source_records = source_records + :source_records"
    " WHERE review = :review"
)


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


def note_origins(work: Work, review: str, source: str, ids: Iterable[str], watch: str) -> None:
    """Notes that a watch has met these source records, with what this work writes last."""
    if met := sorted(set(ids)):
        work.rows.later(_NOTE_ORIGINS, {"review": review, "source": source, "ids": met, "watch": watch})


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
    asked = {"review": review, "source": source, "ids": sorted(set(ids))}
    return {
        source_id: Known(record, content_hash, seen_in, instant_of(answered_at))
        for source_id, record, content_hash, seen_in, answered_at in work.rows.read(_KNOWN, asked)
    }


def mark_seen(
    work: Work, review: str, source: str, ids: Iterable[str], changed: Collection[str], walk: str, at: datetime | None
) -> None:
    """Notes that a walk has met these source records, some of them changed, in answers from `at` on; with what this
    work writes last."""
    if seen := sorted(set(ids)):
        about = {"review": review, "source": source, "ids": seen, "changed": sorted(changed), "walk": walk, "at": at}
        work.rows.later(_MARK_SEEN, about)


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


class Kept(NamedTuple):
    """A source record as it is kept: its canonical record, what it says, and the run that brought it."""

    source: str
    source_id: str
    record: str
    content: dict[str, Any]
    run: str


_KEPT = [col(getattr(SourceRecordRow, name)) for name in Kept._fields]


def kept(work: Work, review: str, keys: Iterable[SourceKey]) -> list[Kept]:
    """Those of these source records that are known."""
    return [
        each
        for source, ids in by_source(keys)
        for each in _kept(work, _KEPT_AT, {"review": review, "source": source, "ids": ids})
    ]


def kept_in(work: Work, records: Iterable[str]) -> list[Kept]:
    """The source records of canonical records."""
    return [each for batch in batches(sorted(records)) for each in _kept(work, _KEPT_IN, {"records": batch})]


def _kept(work: Work, query: Said, given: dict[str, object]) -> Iterator[Kept]:
    for source, source_id, record, content, run in work.rows.read(query, given):
        yield Kept(source, source_id, record, orjson.loads(content), run)


def page_of_kept(work: Work, review: str, after: SourceKey, limit: int) -> list[Kept]:
    """Source records of a review behind one, in their order."""
    source, source_id = col(SourceRecordRow.source), col(SourceRecordRow.source_id)
    behind = or_(source > after[0], and_(source == after[0], source_id > after[1]))
    mine = select(*_KEPT).where(col(SourceRecordRow.review) == review, source >= after[0], behind)
    return [Kept(*row) for row in work.session.execute(mine.order_by(source, source_id).limit(limit))]


#: Made once, since every arrival asks so.
_RECORDS = select(RecordRow).where(col(RecordRow.id).in_(bindparam("ids", expanding=True)))


def records(work: Work, ids: Iterable[str]) -> dict[str, RecordRow]:
    return {row.id: row for batch in batches(ids) for row in work.session.execute(_RECORDS, {"ids": batch}).scalars()}


def record_of(work: Work, review: str, record: str) -> RecordRow:
    """A review's record, absorbed or not. Raises NotFound."""
    row = work.session.get(RecordRow, record)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no record {record!r}")
    return row


def record_with(work: Work, review: str, key: tuple[str, str]) -> str:
    """The record that a source record is in."""
    source, source_id = key
    mine = select(col(SourceRecordRow.record)).where(
        col(SourceRecordRow.review) == review,
        col(SourceRecordRow.source) == source,
        col(SourceRecordRow.source_id) == source_id,
    )
    record: str = work.session.execute(mine).scalar_one()
    return record


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


def absorbed_in(work: Work, records: Iterable[str]) -> list[Absorbed]:
    """The records that live on in these, directly or through others, the first absorbed first."""
    work.session.flush()
    return [
        Absorbed(record, lives_in, _keys(members), _keys(beside if into == lives_in else "[]"))
        for batch in batches(sorted(records))
        for record, lives_in, into, members, beside in work.rows.read(_ABSORBED_IN, {"records": batch})
    ]


def _keys(listed: str) -> frozenset[SourceKey]:
    return frozenset((source, source_id) for source, source_id in orjson.loads(listed))


def merge_of(work: Work, absorbed: str) -> MergeRow | None:
    """How a record was absorbed; None for one that was not."""
    return work.session.get(MergeRow, absorbed)


def remove_merge(work: Work, absorbed: str) -> None:
    work.session.execute(delete(MergeRow).where(col(MergeRow.absorbed) == absorbed))


def count_more(work: Work, review: str, *, records: int, source_records: int) -> None:
    """Counts that a review has so many more, with what this work writes last."""
    work.rows.later(_COUNT_MORE, {"review": review, "records": records, "source_records": source_records})


def change_source_record(work: Work, review: str, key: SourceKey, content: dict[str, Any], content_hash: str) -> None:
    """Keeps what a source record says now."""
    mine = _of_source(review, key[0], [key[1]])
    work.session.execute(mine.values(content=content, content_hash=content_hash))


def move_source_records(work: Work, review: str, keys: Iterable[SourceKey], record: str) -> None:
    """Makes source records those of another record."""
    for source, ids in by_source(keys):
        work.session.execute(_of_source(review, source, ids).values(record=record))


def live_in(work: Work, records: Iterable[str], record: str | None) -> None:
    """Has absorbed records live on in another one; or in none, where they are back."""
    for batch in batches(sorted(records)):
        work.session.execute(update(RecordRow).where(col(RecordRow.id).in_(batch)).values(merged_into=record))


def absorb(work: Work, absorbed: str, into: str) -> None:
    """Has whatever was absorbed in an absorbed record live on in its survivor."""
    work.session.execute(update(RecordRow).where(col(RecordRow.merged_into) == absorbed).values(merged_into=into))
