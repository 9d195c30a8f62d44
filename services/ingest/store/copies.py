"""Queries about where texts are open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlmodel import col

from services.ingest.models import PASSED, OpenCopiesRow, RecordRow
from services.ingest.store.common import batches
from shared.db.paging import read_page
from shared.db.work import Work
from shared.paging import Found, PageAsked

_SAME_DOI = col(OpenCopiesRow.doi) == col(RecordRow.doi)


def dois_to_ask(work: Work, before: datetime, limit: int) -> list[str]:
    """DOIs of records of any review of which it is to be asked where they are open: those never asked first, then those
    that were answered before then, then those that were asked in vain and whose pause is over; of each kind those that
    wait the longest first."""
    is_due = or_(
        col(OpenCopiesRow.doi).is_(None),
        col(OpenCopiesRow.retry_at) <= work.now,
        and_(col(OpenCopiesRow.retry_at).is_(None), col(OpenCopiesRow.answered_at) <= before),
    )
    due = (
        select(col(RecordRow.doi))
        .outerjoin(OpenCopiesRow, _SAME_DOI)
        .where(PASSED, col(RecordRow.doi).is_not(None), is_due)
        .group_by(col(RecordRow.doi), col(OpenCopiesRow.retry_at), col(OpenCopiesRow.answered_at))
        .order_by(
            col(OpenCopiesRow.retry_at).nulls_first(), col(OpenCopiesRow.answered_at).nulls_first(), col(RecordRow.doi)
        )
    )
    return [doi for doi in work.session.execute(due.limit(limit)).scalars() if doi is not None]


def reviews_of_passed(work: Work) -> list[str]:
    """The reviews of which records are asked for."""
    asked = select(col(RecordRow.review)).where(PASSED, col(RecordRow.doi).is_not(None))
    return list(work.session.execute(asked.distinct().order_by(col(RecordRow.review))).scalars())


def lock_copies(work: Work, doi: str) -> OpenCopiesRow:
    """What is known of where a work is open, locked until the end of the transaction; a new row where nothing is."""
    row = work.session.get(OpenCopiesRow, doi, with_for_update=True)
    return row or work.add(OpenCopiesRow(doi=doi))


def open_copies(work: Work, dois: Iterable[str]) -> dict[str, OpenCopiesRow]:
    """What is known of where these works are open, of those of which that was asked."""
    return {
        row.doi: row
        for batch in batches(dois)
        for row in work.session.execute(select(OpenCopiesRow).where(col(OpenCopiesRow.doi).in_(batch))).scalars()
    }


def page_of_passed(work: Work, review: str, page: PageAsked) -> Found[RecordRow]:
    """The records whose open copies are asked for, the oldest first."""
    return read_page(work, select(RecordRow).where(col(RecordRow.review) == review, PASSED), page, col(RecordRow.id))


class Copies(NamedTuple):
    """How many records have a DOI or none, were answered so (None: not asked or in vain), and in vain last or not."""

    has_doi: bool
    found: str | None
    is_troubled: bool
    records: int


def count_copies(work: Work, review: str) -> list[Copies]:
    """The records of a review whose open copies are asked for, counted by what is known of them."""
    by = col(RecordRow.doi).is_not(None), col(OpenCopiesRow.found), col(OpenCopiesRow.trouble).is_not(None)
    counted = select(*by, func.count()).select_from(RecordRow).outerjoin(OpenCopiesRow, _SAME_DOI)
    counted = counted.where(col(RecordRow.review) == review, PASSED).group_by(*by)
    return [
        Copies(bool(has), found, bool(troubled), count) for has, found, troubled, count in work.session.execute(counted)
    ]


def trouble_with_copies(work: Work, review: str) -> str | None:
    """Why it could not be learnt where one of a review's records is open; None where it could of all."""
    troubled = select(col(OpenCopiesRow.trouble)).join(RecordRow, _SAME_DOI)
    troubled = troubled.where(col(RecordRow.review) == review, PASSED, col(OpenCopiesRow.trouble).is_not(None))
    return work.session.execute(troubled.order_by(col(OpenCopiesRow.retry_at).desc()).limit(1)).scalar()


def count_all_copies(work: Work) -> tuple[dict[str, int], int]:
    """How many DOIs were answered so last, of all reviews together; and how many were asked in vain last."""
    counted = select(col(OpenCopiesRow.found), func.count()).group_by(col(OpenCopiesRow.found))
    found = {found: count for found, count in work.session.execute(counted) if found is not None}
    troubled = select(func.count()).select_from(OpenCopiesRow).where(col(OpenCopiesRow.trouble).is_not(None))
    return found, work.session.execute(troubled).scalar_one()
