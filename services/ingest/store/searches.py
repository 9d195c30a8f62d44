"""Queries about searches that people make by hand: what is due, what was made, and the files of each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import col

from services.ingest.domain.watching import ImportStates, SearchStates, WatchStates
from services.ingest.models import ImportRow, SearchRow, WatchRow
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked
from shared.wire.ingest import ImportState


class File(NamedTuple):
    """A file of a search: the import, its hash, how far it is, and the records that it holds."""

    search: str
    imported: str
    sha256: str
    state: ImportState
    entries: int


def searches_to_announce(work: Work, now: datetime) -> list[str]:
    """The active watches of which it was not told yet that they are due, or past, the longest due first."""
    query = select(col(WatchRow.id)).where(*_unannounced(now)).order_by(col(WatchRow.due_at), col(WatchRow.id))
    return list(work.session.scalars(query))


def search_to_announce(work: Work, watch: str, now: datetime) -> WatchRow | None:
    """This one, if it still is to be told; locked until this work ends."""
    query = select(WatchRow).where(col(WatchRow.id) == watch, *_unannounced(now)).with_for_update()
    return work.session.execute(query).scalar()


def _unannounced(now: datetime) -> tuple[ColumnElement[bool], ...]:
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    due, overdue = col(WatchRow.due_emitted), col(WatchRow.overdue_emitted)
    is_past = and_(col(WatchRow.due_at) < today, or_(overdue.is_(None), overdue != WatchRow.due_at))
    return (
        col(WatchRow.state) == WatchStates.ACTIVE,
        col(WatchRow.purpose) == "manual",
        col(WatchRow.due_at) <= now,
        or_(due.is_(None), due != WatchRow.due_at, is_past),
    )


def search_of(work: Work, review: str, search: str, *, lock: bool = False) -> SearchRow:
    """A review's search. Raises NotFound."""
    row = work.session.get(SearchRow, search, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no search {search!r}")
    return row


def page_of_searches(work: Work, review: str, watch: str | None, page: PageAsked) -> Found[SearchRow]:
    """Searches, the newest first; of one watch where given."""
    query = select(SearchRow).where(col(SearchRow.review) == review)
    if watch is not None:
        query = query.where(col(SearchRow.watch) == watch)
    return read_page(work, query, page, col(SearchRow.id), descending=True)


def last_searches(work: Work, watches: Collection[str], most: int) -> list[SearchRow]:
    """The last searches of each watch, at most so many each, the newest first."""
    number = func.row_number().over(partition_by=col(SearchRow.watch), order_by=col(SearchRow.id).desc())
    numbered = select(col(SearchRow.id), number.label("number")).where(col(SearchRow.watch).in_(watches)).subquery()
    newest = select(numbered.c.id).where(numbered.c.number <= most)
    query = select(SearchRow).where(col(SearchRow.id).in_(newest)).order_by(col(SearchRow.id).desc())
    return list(work.session.scalars(query))


def open_searches(work: Work, watch: str) -> list[SearchRow]:
    """The searches of a watch that are not whole, the oldest first, locked until this work ends."""
    query = select(SearchRow).where(col(SearchRow.watch) == watch, col(SearchRow.state) == SearchStates.OPEN)
    query = query.order_by(col(SearchRow.id)).with_for_update().execution_options(populate_existing=True)
    return list(work.session.scalars(query))


def same_statement(
    work: Work, watch: WatchRow, person: str, query: str, searched_on: date, reported: int | None
) -> SearchRow | None:
    """The search of which a person signed this already, for what the watch asks now."""
    same = select(SearchRow).where(
        col(SearchRow.watch) == watch.id,
        col(SearchRow.question) == watch.question,
        col(SearchRow.made) == "nothing_new",
        col(SearchRow.asked_by) == person,
        col(SearchRow.query) == query,
        col(SearchRow.searched_on) == searched_on,
        col(SearchRow.reported).is_not_distinct_from(reported),
    )
    return work.session.scalars(same.order_by(col(SearchRow.id).desc()).limit(1)).first()


def last_day_of(work: Work, watch: str, question: str) -> date | None:
    """The last day on which a question of a watch was searched for; None where it never was."""
    query = select(func.max(col(SearchRow.searched_on))).where(
        col(SearchRow.watch) == watch,
        col(SearchRow.question) == question,
        col(SearchRow.state) == SearchStates.FULFILLED,
    )
    return work.session.scalars(query).one()


def files_of(work: Work, searches: Collection[str]) -> list[File]:
    """The files of searches, in the order in which they were brought; those that could not be read too."""
    query = select(
        col(ImportRow.search), col(ImportRow.id), col(ImportRow.sha256), col(ImportRow.state), col(ImportRow.entries)
    )
    query = query.where(col(ImportRow.search).in_(searches)).order_by(col(ImportRow.id))
    return [File(*row) for row in work.session.execute(query)]


def has_unfinished_files(work: Work, search: str) -> bool:
    """Whether a file of a search is still to be taken in, to its end."""
    query = select(col(ImportRow.id)).where(
        col(ImportRow.search) == search, col(ImportRow.state).in_(ImportStates.UNFINISHED)
    )
    return work.session.execute(query.limit(1)).first() is not None


def has_files(work: Work, search: str) -> bool:
    """Whether any file of a search was brought."""
    query = select(col(ImportRow.id)).where(col(ImportRow.search) == search)
    return work.session.execute(query.limit(1)).first() is not None
