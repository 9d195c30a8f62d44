"""What all queries of ingest share: batches of an IN list, rows that go in together, and the lock on a review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from services.ingest.domain.citations import KEYS
from services.ingest.models import Base, ReviewRow
from shared.db.work import Work
from shared.errors import UnknownReview

Item = TypeVar("Item")


#: Values of one IN list.
_BATCH = 1000


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cuts items into lists that fit a query."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def lock_review(work: Work, review: str) -> ReviewRow:
    """The review, locked until the end of the transaction: who changes its records does so alone."""
    row = lock_review_if_known(work, review)
    if row is None:
        raise UnknownReview(review)
    return row


def lock_review_if_known(work: Work, review: str) -> ReviewRow | None:
    """The review, locked until the end of the transaction; None before its protocol has come."""
    return work.session.get(ReviewRow, review, with_for_update=True)


def review_if_known(work: Work, review: str) -> ReviewRow | None:
    """What is kept of a review; None before its protocol is known."""
    return work.session.get(ReviewRow, review)


def review_of(work: Work, review: str) -> ReviewRow:
    """The review. Raises NotFound."""
    row = review_if_known(work, review)
    if row is None:
        raise UnknownReview(review)
    return row


def reviews_to_key(work: Work) -> set[str]:
    """The reviews whose source records are found by what an earlier release found them by."""
    return set(work.session.execute(select(col(ReviewRow.review)).where(col(ReviewRow.keys) != KEYS)).scalars())


def instant_of(value: datetime | str | None) -> datetime | None:
    """An instant as a statement in words reads it."""
    if isinstance(value, str):  # SQLite, which keeps it as text.
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value and value.astimezone(UTC)


def inserting(work: Work, model: type[Base]) -> Any:
    """An insert that can say what becomes of a row that is there already."""
    dialect = sqlite if work.session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(model)


def add_all(work: Work, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows that this work does not look at again, with what it writes last; each must have every column."""
    work.rows.insert(model, rows)
