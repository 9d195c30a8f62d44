"""Queries about pairs of records that might be one."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select, union_all
from sqlmodel import col

from services.ingest.domain.clusters import PairStates
from services.ingest.models import DuplicateRow
from services.ingest.store.common import batches
from shared.db.paging import read_page
from shared.db.said import Said
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: Said in words, since every arrival asks so, mostly in vain.
_PAIRS_OF = Said(
    "SELECT id FROM duplicates WHERE first {among} UNION SELECT id FROM duplicates WHERE second {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:records))"},
    postgresql={"among": "= ANY(:records)"},
)


_SIDES = (col(DuplicateRow.first), col(DuplicateRow.second))


def pairs_of(work: Work, records: Iterable[str]) -> list[DuplicateRow]:
    """The pairs that have any of these records, whatever became of them."""
    work.session.flush()
    found = {pair for batch in batches(sorted(records)) for (pair,) in work.rows.read(_PAIRS_OF, {"records": batch})}
    return [
        row
        for batch in batches(sorted(found))
        for row in work.session.execute(
            select(DuplicateRow).where(col(DuplicateRow.id).in_(batch)).order_by(col(DuplicateRow.id))
        ).scalars()
    ]


def duplicate_of(work: Work, review: str, duplicate: str) -> DuplicateRow:
    """A review's pair, locked. Raises NotFound."""
    row = work.session.get(DuplicateRow, duplicate, with_for_update=True)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no pair {duplicate!r}")
    return row


def remove_pair(work: Work, pair: DuplicateRow) -> None:
    """Takes away what is known of two records, since it is now told of two others."""
    work.session.delete(pair)


def page_of_duplicates(work: Work, review: str, state: str, record: str | None, page: PageAsked) -> Found[DuplicateRow]:
    query = select(DuplicateRow).where(col(DuplicateRow.review) == review, col(DuplicateRow.state) == state)
    if record is not None:
        # Each by its own index: those of a record are few, and those that are open may be many.
        sides = (select(col(DuplicateRow.id)).where(side == record) for side in _SIDES)
        query = query.where(col(DuplicateRow.id).in_(union_all(*sides)))
    return read_page(work, query, page, col(DuplicateRow.id))


def open_duplicates(work: Work, review: str) -> int:
    counted = (
        select(func.count())
        .select_from(DuplicateRow)
        .where(col(DuplicateRow.review) == review, col(DuplicateRow.state) == PairStates.OPEN)
    )
    count: int = work.session.execute(counted).scalar_one()
    return count
