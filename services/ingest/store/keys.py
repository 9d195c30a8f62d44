"""Queries about what source records are found by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlmodel import col

from services.ingest.domain.clusters import COMMON, SourceKey
from services.ingest.models import RecordRow, SourceKeyRow, SourceRecordRow
from services.ingest.store.common import batches
from shared.db.many import insert_many
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.paging import Found, PageAsked

_OF_SOURCE_RECORD = and_(
    col(SourceRecordRow.review) == SourceKeyRow.review,
    col(SourceRecordRow.source) == SourceKeyRow.source,
    col(SourceRecordRow.source_id) == SourceKeyRow.source_id,
)


def by_source(keys: Iterable[SourceKey]) -> Iterator[tuple[str, list[str]]]:
    """Each source with ids there, in lists that fit a query."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for source, source_id in sorted(keys):
        ids[source].append(source_id)
    for source, each in ids.items():
        for batch in batches(each):
            yield source, batch


def keys_of(work: Work, review: str, of: Iterable[SourceKey]) -> dict[SourceKey, set[str]]:
    """What these source records are found by, as it is kept."""
    found: defaultdict[SourceKey, set[str]] = defaultdict(set)
    for source, ids in by_source(of):
        mine = select(col(SourceKeyRow.source_id), col(SourceKeyRow.key)).where(*_of(review, source, ids))
        for source_id, key in work.session.execute(mine):
            found[source, source_id].add(key)
    return found


def change_keys(
    work: Work, review: str, gone: Mapping[SourceKey, Collection[str]], come: Mapping[SourceKey, Collection[str]]
) -> None:
    """Takes keys of source records away, and adds others that are not there."""
    for (source, source_id), keys in gone.items():
        if keys:
            mine = *_of(review, source, [source_id]), col(SourceKeyRow.key).in_(sorted(keys))
            work.session.execute(delete(SourceKeyRow).where(*mine))
    rows = [
        {"review": review, "key": key, "source": source, "source_id": source_id}
        for (source, source_id), keys in come.items()
        for key in sorted(keys)
    ]
    insert_many(work.session, SourceKeyRow, rows)


#: Said in words, since every arrival asks so, and making a statement costs more than what it does.
_COUNTED = Said(
    """
SELECT asked."key", (
    SELECT count(*) FROM (
        SELECT 1 FROM source_keys WHERE review = :review AND source_keys."key" = asked."key" LIMIT :most
    ) AS holders
) FROM {asked}
""",
    sqlite={"asked": '(SELECT value AS "key" FROM json_each(:keys)) AS asked'},
    postgresql={"asked": 'unnest(CAST(:keys AS text[])) AS asked("key")'},
)
_HOLDING = Said(
    'SELECT "key", source, source_id FROM source_keys WHERE review = :review AND "key" {among}',
    sqlite={"among": "IN (SELECT value FROM json_each(:keys))"},
    postgresql={"among": "= ANY(:keys)"},
)


def count_holders(work: Work, review: str, keys: Collection[str], most: int) -> dict[str, int]:
    """How many source records hold each of these keys, counted no further than `most`."""
    given = {"review": review, "keys": sorted(keys), "most": most}
    return {key: count for key, count in work.rows.read(_COUNTED, given)}


def holders_of(work: Work, review: str, keys: Collection[str], counted: Mapping[str, int]) -> dict[str, set[SourceKey]]:
    """The source records that hold each of these keys; none of a common one. Some are `counted` already."""
    if rest := [key for key in keys if key not in counted]:
        counted = {**counted, **count_holders(work, review, rest, COMMON + 1)}
    found: defaultdict[str, set[SourceKey]] = defaultdict(set)
    for key, one in _holding(work, review, [key for key in keys if counted[key] <= COMMON]):
        found[key].add(one)
    return found


def all_holders_of(work: Work, review: str, keys: Iterable[str]) -> set[SourceKey]:
    """The source records that hold any of these keys, common ones too."""
    return {one for _, one in _holding(work, review, keys)}


def _holding(work: Work, review: str, keys: Iterable[str]) -> Iterator[tuple[str, SourceKey]]:
    if wanted := sorted(keys):
        for key, source, source_id in work.rows.read(_HOLDING, {"review": review, "keys": wanted}):
            yield key, (source, source_id)


def records_by_key(work: Work, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The oldest record that holds each key."""
    return {key: first for key, first, _ in _records_of(work, review, keys)}


def sole_holders(work: Work, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The record that holds each key, where one alone does."""
    return {key: first for key, first, last in _records_of(work, review, keys) if first == last}


def page_of_holders(work: Work, review: str, key: str, page: PageAsked) -> Found[RecordRow]:
    """The records that hold a key, oldest first."""
    holders = (
        select(col(SourceRecordRow.record))
        .join(SourceKeyRow, _OF_SOURCE_RECORD)
        .where(col(SourceKeyRow.review) == review, col(SourceKeyRow.key) == key)
    )
    return read_page(work, select(RecordRow).where(col(RecordRow.id).in_(holders)), page, col(RecordRow.id))


def _records_of(work: Work, review: str, keys: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Each key with the oldest and the newest record that holds it."""
    for batch in batches(sorted(set(keys))):
        record = col(SourceRecordRow.record)
        held = (
            select(col(SourceKeyRow.key), func.min(record), func.max(record))
            .join(SourceRecordRow, _OF_SOURCE_RECORD)
            .where(col(SourceKeyRow.review) == review, col(SourceKeyRow.key).in_(batch))
        )
        yield from map(tuple, work.session.execute(held.group_by(col(SourceKeyRow.key))))


def _of(review: str, source: str, ids: list[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(SourceKeyRow.review) == review,
        col(SourceKeyRow.source) == source,
        col(SourceKeyRow.source_id).in_(ids),
    )
