"""Queries about files that people bring."""

from __future__ import annotations

from sqlalchemy import case, select
from sqlmodel import col

from services.ingest.domain.citations import KEYS
from services.ingest.domain.watching import ImportStates
from services.ingest.models import BroughtRow, ImportRow, ReviewRow
from services.ingest.store.common import inserting
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: Imports of the same bytes that are looked at.
_MOST = 50


def next_import(work: Work) -> ImportRow | None:
    """The import that is to be gone on with: one that is running, else the one that waits longest. A review whose keys
    are made anew waits."""
    keying = select(col(ReviewRow.review)).where(col(ReviewRow.keys) != KEYS)
    unfinished = select(ImportRow).where(
        col(ImportRow.state).in_(ImportStates.UNFINISHED), col(ImportRow.review).not_in(keying)
    )
    running_first = case((col(ImportRow.state) == ImportStates.RUNNING, 0), else_=1)
    return work.session.execute(unfinished.order_by(running_first, col(ImportRow.id)).limit(1)).scalar()


def lock_import(work: Work, imported: str) -> ImportRow:
    """An import that is there, as it is now, locked until the end of the transaction."""
    return work.session.get_one(ImportRow, imported, with_for_update=True, populate_existing=True)


def import_of(work: Work, review: str, imported: str) -> ImportRow:
    """A review's import. Raises NotFound."""
    row = work.session.get(ImportRow, imported)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no import {imported!r}")
    return row


def page_of_imports(work: Work, review: str, page: PageAsked) -> Found[ImportRow]:
    """Imports, the newest first."""
    query = select(ImportRow).where(col(ImportRow.review) == review)
    return read_page(work, query, page, col(ImportRow.id), descending=True)


def hold_bytes(work: Work, review: str, sha256: str) -> None:
    """Holds what a review is brought until the end of the transaction: whoever brings the same bytes waits, and then
    sees what came of it."""
    row = {"review": review, "sha256": sha256}
    work.session.execute(inserting(work, BroughtRow).values(row).on_conflict_do_nothing())
    work.session.get_one(BroughtRow, (review, sha256), with_for_update=True, populate_existing=True)


def imports_of_bytes(work: Work, review: str, sha256: str) -> list[ImportRow]:
    """The imports of a review that are of these bytes, the newest first, as many as tell."""
    query = select(ImportRow).where(col(ImportRow.review) == review, col(ImportRow.sha256) == sha256)
    return list(work.session.execute(query.order_by(col(ImportRow.id).desc()).limit(_MOST)).scalars())
