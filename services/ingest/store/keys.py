"""Queries about what source records are found by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from sqlalchemy import and_, delete, func, select
from sqlmodel import col

from services.ingest.domain.clusters import SourceKey
from services.ingest.models import AdditionRow, CorrectionRow, RecordRow, SourceKeyRow, SourceRecordRow
from services.ingest.store.common import add_all, batches
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.paging import Found, PageAsked

#: What people say of source records, in rows of their own.
About = TypeVar("About", AdditionRow, CorrectionRow)

_OF_SOURCE_RECORD = and_(
    col(SourceRecordRow.review) == SourceKeyRow.review,
    col(SourceRecordRow.source) == SourceKeyRow.source,
    col(SourceRecordRow.source_id) == SourceKeyRow.source_id,
)


#: Said in words, since every arrival asks so, and making a statement costs more than what it does.
_KEYS_OF = Said(
    'SELECT source_id, "key" FROM source_keys WHERE review = :review AND source = :source AND source_id {among}',
    sqlite={"among": "IN (SELECT value FROM json_each(:ids))"},
    postgresql={"among": "= ANY(:ids)"},
)
_HOLDERS = Said(
    """
SELECT asked."key", holders.source, holders.source_id FROM {asked} {joined} (
    SELECT {columns} FROM source_keys WHERE review = :review AND source_keys."key" = asked."key" LIMIT :most
) {named}
""",
    sqlite={
        "asked": '(SELECT value AS "key" FROM json_each(:keys)) AS asked',
        "joined": "JOIN source_keys AS holders ON holders.rowid IN",
        "columns": "rowid",
        "named": "",
    },
    postgresql={
        "asked": 'unnest(CAST(:keys AS text[])) AS asked("key")',
        "joined": "CROSS JOIN LATERAL",
        "columns": "source, source_id",
        "named": "AS holders",
    },
)


def by_source(keys: Iterable[SourceKey]) -> Iterator[tuple[str, list[str]]]:
    """Each source with ids there, in lists that fit a query."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for source, source_id in sorted(keys):
        ids[source].append(source_id)
    for source, each in ids.items():
        for batch in batches(each):
            yield source, batch


def rows_about(work: Work, table: type[About], review: str, of: Iterable[SourceKey]) -> list[About]:
    """The rows of a table that say something of these source records, the oldest first."""
    found = [
        row
        for source, ids in by_source(of)
        for row in work.session.scalars(
            select(table).where(col(table.review) == review, col(table.source) == source, col(table.source_id).in_(ids))
        )
    ]
    return sorted(found, key=lambda row: row.id)


def keys_of(work: Work, review: str, of: Iterable[SourceKey]) -> dict[SourceKey, set[str]]:
    """What these source records are found by, as it is kept."""
    found: defaultdict[SourceKey, set[str]] = defaultdict(set)
    for source, ids in by_source(of):
        for source_id, key in work.rows.read(_KEYS_OF, {"review": review, "source": source, "ids": ids}):
            found[source, source_id].add(key)
    return found


def change_keys(
    work: Work, review: str, gone: Mapping[SourceKey, Collection[str]], come: Mapping[SourceKey, Collection[str]]
) -> None:
    """Takes keys of source records away, and adds others that are not there, with what this work writes next."""
    for (source, source_id), keys in gone.items():
        if keys:
            mine = delete(SourceKeyRow).where(
                col(SourceKeyRow.review) == review,
                col(SourceKeyRow.source) == source,
                col(SourceKeyRow.source_id) == source_id,
            )
            work.session.execute(mine.where(col(SourceKeyRow.key).in_(sorted(keys))))
    rows = [
        {"review": review, "key": key, "source": source, "source_id": source_id}
        for (source, source_id), keys in come.items()
        for key in sorted(keys)
    ]
    add_all(work, SourceKeyRow, rows)


def holders_of(work: Work, review: str, keys: Collection[str], most: int) -> dict[str, set[SourceKey]]:
    """The source records that hold each of these keys, no more than `most` of each key."""
    found: dict[str, set[SourceKey]] = {key: set() for key in keys}
    if found:
        for key, source, source_id in work.rows.read(_HOLDERS, {"review": review, "keys": sorted(found), "most": most}):
            found[key].add((source, source_id))
    return found


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
    """Each key with the oldest and the newest record that holds it, those too that are not written yet."""
    for batch in batches(sorted(set(keys))):
        work.rows.flush()
        record = col(SourceRecordRow.record)
        held = (
            select(col(SourceKeyRow.key), func.min(record), func.max(record))
            .join(SourceRecordRow, _OF_SOURCE_RECORD)
            .where(col(SourceKeyRow.review) == review, col(SourceKeyRow.key).in_(batch))
        )
        yield from map(tuple, work.session.execute(held.group_by(col(SourceKeyRow.key))))
