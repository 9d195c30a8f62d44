"""Queries about watches: what is watched, what is due, what fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, case, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.ingest.domain.watching import RunStates, WatchStates
from services.ingest.models import ParkedRow, RunRow, WatchRow
from shared.db.work import Work
from shared.errors import NotFound
from shared.ids import id_of
from shared.wire.ingest import WatchPurpose

#: The purposes of watches over what people bring, and of those that nobody pulls, what people search by hand with them.
BROUGHT: tuple[WatchPurpose, ...] = ("import", "addition")
NEVER_PULLED: tuple[WatchPurpose, ...] = (*BROUGHT, "manual")


def watch_id(review: str, strategy: str) -> str:
    return id_of("watch", review, strategy)


def watches_of(work: Work, review: str, *purposes: WatchPurpose) -> list[WatchRow]:
    """A review's watches of these purposes, by the names of their strategies."""
    mine = select(WatchRow).where(col(WatchRow.review) == review, col(WatchRow.purpose).in_(purposes))
    return list(work.session.execute(mine.order_by(col(WatchRow.strategy))).scalars())


def not_swept(work: Work) -> list[tuple[str, str]]:
    """Every review and source of which there is a search or a chase, and no watch over what the source changes."""
    swept = aliased(WatchRow)
    of_same = (
        select(col(swept.id))
        .where(
            col(swept.review) == WatchRow.review,
            col(swept.source) == WatchRow.source,
            col(swept.purpose) == "changes",
        )
        .exists()
    )
    asking = col(WatchRow.purpose).in_(("search", "citations"))
    pairs = select(col(WatchRow.review), col(WatchRow.source)).where(asking, ~of_same)
    return [(review, source) for review, source in work.session.execute(pairs.distinct())]


def sweep_from(work: Work, review: str, day: date) -> None:
    """Has the next sweeps of a review look back to a day."""
    mine = update(WatchRow).where(
        col(WatchRow.review) == review,
        col(WatchRow.purpose) == "changes",
        col(WatchRow.searched_through) > day,
    )
    work.session.execute(mine.values(searched_through=day).execution_options(synchronize_session=False))


def watch_of(work: Work, review: str, watch: str, *, lock: bool = False) -> WatchRow:
    """A review's watch. Raises NotFound."""
    row = work.session.get(WatchRow, watch, with_for_update=lock)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no watch {watch!r}")
    return row


def watch_if_any(work: Work, watch: str) -> WatchRow | None:
    """The watch with this id, if there is one."""
    return work.session.get(WatchRow, watch)


class DueWatch(NamedTuple):
    """A watch that is due. Of its row no more is read: one that cannot be is in no other's way."""

    id: str
    review: str
    source: str


def due_watches(work: Work, now: datetime) -> list[DueWatch]:
    """Active watches whose time has come and that no run is pulling, the longest due first."""
    due = select(col(WatchRow.id), col(WatchRow.review), col(WatchRow.source)).where(*_is_due(now))
    return [DueWatch(*row) for row in work.session.execute(due.order_by(col(WatchRow.due_at), col(WatchRow.id)))]


def due_watch(work: Work, watch: str, now: datetime) -> WatchRow | None:
    """This one, if it is due."""
    return work.session.execute(select(WatchRow).where(col(WatchRow.id) == watch, *_is_due(now))).scalar()


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    busy = select(col(RunRow.watch)).where(col(RunRow.state) == RunStates.RUNNING)
    return (
        col(WatchRow.state) == WatchStates.ACTIVE,
        col(WatchRow.purpose).not_in(NEVER_PULLED),
        col(WatchRow.due_at) <= now,
        col(WatchRow.id).not_in(busy),
    )


def note_trouble(work: Work, watch: str, trouble: str, next_try: Callable[[int], datetime]) -> None:
    """Counts a failure of a watch, with its reason; `next_try` says after so many when it is tried again. Its row need
    not be readable."""
    mine = col(WatchRow.id) == watch
    failures = 1 + work.session.execute(select(col(WatchRow.failures)).where(mine).with_for_update()).scalar_one()
    noted = update(WatchRow).where(mine).values(failures=failures, trouble=trouble, due_at=next_try(failures))
    work.session.execute(noted.execution_options(synchronize_session=False))


def troubled_watches(work: Work) -> dict[tuple[str, ...], float]:
    """How many active watches of each source there are that failed last, by source."""
    failing = func.coalesce(func.sum(case((col(WatchRow.failures) > 0, 1), else_=0)), 0)
    query = (
        select(col(WatchRow.source), failing)
        .where(col(WatchRow.state) == WatchStates.ACTIVE)
        .group_by(col(WatchRow.source))
    )
    return {(source,): float(count) for source, count in work.session.execute(query)}


def failing_watches(work: Work, review: str, source: str, *, or_put_off: bool = False) -> int:
    """How many active watches of a review and source failed last; or wait, too, since the source is left alone."""
    work.session.flush()
    fails = col(WatchRow.failures) > 0
    if or_put_off:
        parked = select(col(ParkedRow.source)).where(col(ParkedRow.source) == source, col(ParkedRow.until) > work.now)
        fails = or_(fails, parked.exists())
    failing = (
        select(func.count())
        .select_from(WatchRow)
        .where(
            col(WatchRow.review) == review,
            col(WatchRow.source) == source,
            col(WatchRow.state) == WatchStates.ACTIVE,
            fails,
        )
    )
    return work.session.scalars(failing).one()


def oldest_watermarks(work: Work) -> dict[str, date]:
    """The day through which each source's active search that lags most was searched completely; none of one that never
    was."""
    searched = select(col(WatchRow.source), func.min(WatchRow.searched_through)).where(
        col(WatchRow.state) == WatchStates.ACTIVE, col(WatchRow.purpose) == "search"
    )
    rows = work.session.execute(searched.group_by(col(WatchRow.source)))
    return {source: day for source, day in rows if day is not None}


#: Made once, since every arrival asks so.
_CONCEPTS = select(col(WatchRow.concepts)).where(col(WatchRow.id) == bindparam("watch"))


def concepts_of(work: Work, watch: str) -> dict[str, Any] | None:
    """The strategy that works of a watch are held against, where there is one."""
    work.session.flush()
    concepts: dict[str, Any] | None = work.rows.connection.execute(_CONCEPTS, {"watch": watch}).scalar()
    return concepts


def put_off(work: Work, source: str, until: datetime) -> list[str]:
    """The reviews of which an active watch over a source is due by then."""
    due = select(col(WatchRow.review)).where(
        col(WatchRow.source) == source, col(WatchRow.state) == WatchStates.ACTIVE, col(WatchRow.due_at) <= until
    )
    return list(work.session.scalars(due.distinct().order_by(col(WatchRow.review))))


def watched_sources(work: Work) -> list[str]:
    """The sources of all active watches, but for those over what people bring and search."""
    active = select(col(WatchRow.source)).where(
        col(WatchRow.state) == WatchStates.ACTIVE, col(WatchRow.purpose).not_in(NEVER_PULLED)
    )
    return list(work.session.scalars(active.distinct().order_by(col(WatchRow.source))))
