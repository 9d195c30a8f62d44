"""Queries about what people decided about source records."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, or_, select
from sqlmodel import col

from services.ingest.domain.clusters import SourceKey
from services.ingest.models import RelationRow, RuledRow, RulingRow, SplitRow
from services.ingest.store.common import batches
from services.ingest.store.keys import by_source
from shared.db.many import insert_many
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: Said in words, since every arrival asks so, mostly in vain.
_RULED = Said(
    "SELECT DISTINCT ruling FROM ruled WHERE review = :review AND source = :source AND source_id {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:ids))"},
    postgresql={"among": "= ANY(:ids)"},
)


_RELATED = Said(
    "SELECT first, second, kind FROM relations WHERE first {among}"
    " UNION SELECT first, second, kind FROM relations WHERE second {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:records))"},
    postgresql={"among": "= ANY(:records)"},
)


def rulings_about(work: Work, review: str, of: Iterable[SourceKey]) -> list[RulingRow]:
    """The rulings that stand about any of these source records, the oldest first."""
    found: set[str] = set()
    for source, ids in by_source(of):
        found |= {ruling for (ruling,) in work.rows.read(_RULED, {"review": review, "source": source, "ids": ids})}
    return [
        row
        for batch in batches(sorted(found))
        for row in work.session.execute(
            select(RulingRow).where(col(RulingRow.id).in_(batch)).order_by(col(RulingRow.id))
        ).scalars()
    ]


def ruling_of(work: Work, review: str, ruling: str) -> RulingRow:
    """A review's ruling. Raises NotFound."""
    row = work.session.get(RulingRow, ruling)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no ruling {ruling!r}")
    return row


def add_ruling(work: Work, row: RulingRow) -> RulingRow:
    """Keeps a ruling, and whom it is about."""
    about = {(source, source_id) for source, source_id in [*row.one, *row.other]}
    insert_many(
        work.session, RuledRow,
        [
            {"review": row.review, "source": source, "source_id": source_id, "ruling": row.id}
            for source, source_id in sorted(about)
        ],
    )  # fmt: skip
    return work.add(row)


def take_back(work: Work, ruling: str) -> None:
    """Lets a ruling be about nothing any more."""
    work.session.execute(delete(RuledRow).where(col(RuledRow.ruling) == ruling))


def page_of_rulings(work: Work, review: str, page: PageAsked) -> Found[RulingRow]:
    """A review's rulings, the newest first, those too that were taken back."""
    query = select(RulingRow).where(col(RulingRow.review) == review)
    return read_page(work, query, page, col(RulingRow.id), descending=True)


def splits_of(work: Work, record: str) -> list[SplitRow]:
    """When a record was parted from another one, or another one from it, oldest first."""
    mine = select(SplitRow).where(or_(col(SplitRow.record) == record, col(SplitRow.out_of) == record))
    return list(work.session.execute(mine.order_by(col(SplitRow.id))).scalars())


def relations_of(work: Work, records: Iterable[str]) -> list[RelationRow]:
    """How these records hang together with others, in the order of their ids."""
    work.session.flush()
    found = {
        tuple(key) for batch in batches(sorted(set(records))) for key in work.rows.read(_RELATED, {"records": batch})
    }
    return [work.session.get_one(RelationRow, key) for key in sorted(found)]


def remove_relation(work: Work, row: RelationRow) -> None:
    work.session.delete(row)
