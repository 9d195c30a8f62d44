"""Queries of protocol."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import col

from services.protocol.models import ReviewRow, VersionRow
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound, UnknownReview
from shared.paging import Found, PageAsked
from shared.tokens import ALL_REVIEWS


def review_to_change(work: Work, review: str) -> ReviewRow | None:
    """The review, locked until this work ends, so that a second lead waits and then sees what the first did."""
    return work.session.get(ReviewRow, review, with_for_update=True)


def review(work: Work, review: str) -> ReviewRow:
    """Raises NotFound."""
    row = work.session.get(ReviewRow, review)
    if row is None:
        raise UnknownReview(review)
    return row


def newest(work: Work, review: str) -> int:
    """The newest version of a review; 0 before the first."""
    row = work.session.get(ReviewRow, review)
    return row.version if row is not None else 0


def version(work: Work, review: str, number: int) -> VersionRow:
    """Raises NotFound."""
    row = work.session.get(VersionRow, (review, number))
    if row is None:
        raise NotFound(f"review {review!r} has no protocol version {number}")
    return row


def version_of(work: Work, review: str, sha256: str) -> int | None:
    """The last version that had this content; None where none had."""
    query = select(func.max(col(VersionRow.version))).where(
        col(VersionRow.review) == review, col(VersionRow.sha256) == sha256
    )
    found: int | None = work.session.scalar(query)
    return found


def reviews(work: Work, held: Sequence[str], page: PageAsked) -> Found[ReviewRow]:
    """Reviews among those a token holds for, by name."""
    query = select(ReviewRow)
    if ALL_REVIEWS not in held:
        query = query.where(col(ReviewRow.review).in_(held))
    return read_page(work, query, page, col(ReviewRow.review))


def versions(work: Work, review: str, page: PageAsked, *, newest_first: bool) -> Found[VersionRow]:
    """Versions of a review, oldest first or newest."""
    mine = select(VersionRow).where(col(VersionRow.review) == review)
    return read_page(work, mine, page, col(VersionRow.version), descending=newest_first)
