"""Every query of ingest. Look-ups for a page of a run are batched: a few queries a page, not per record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Update,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from services.ingest.domain.clusters import COMMON, PairStates
from services.ingest.domain.coverage import Brought, Days
from services.ingest.domain.drift import ENOUGH_BEFORE
from services.ingest.domain.watching import ReparseStates, RunStates, Standings, WatchStates
from services.ingest.models import (
    Base,
    CitationRow,
    DuplicateRow,
    MergeRow,
    NoticeRow,
    OpenCopiesRow,
    OriginRow,
    ParkedRow,
    QuotaRow,
    RawAnswerRow,
    RecordKeyRow,
    RecordRow,
    RejectionRow,
    ReparseRow,
    ReviewRow,
    RunItemRow,
    RunRow,
    SourceRecordRow,
    WalkItemRow,
    WatchRow,
)
from services.ingest.ports.sources.port import Link
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound, UnknownReview
from shared.ids import id_of
from shared.paging import Found, PageAsked
from shared.wire.ingest import WatchPurpose

Item = TypeVar("Item")

#: Values of one IN list.
_BATCH = 1000


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cuts items into lists that fit a query."""
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch


# Reviews


def lock_review(work: Work, review: str) -> ReviewRow:
    """The review, locked until the end of the transaction: who changes its records does so alone."""
    row = lock_review_if_known(work, review)
    if row is None:
        raise UnknownReview(review)
    return row


def lock_review_if_known(work: Work, review: str) -> ReviewRow | None:
    """The review, locked until the end of the transaction; None before its protocol has come."""
    return work.session.get(ReviewRow, review, with_for_update=True)


def review_of(work: Work, review: str) -> ReviewRow:
    """The review. Raises NotFound."""
    row = work.session.get(ReviewRow, review)
    if row is None:
        raise UnknownReview(review)
    return row


# Watches and runs


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
    pairs = select(col(WatchRow.review), col(WatchRow.source)).where(col(WatchRow.purpose) != "changes", ~of_same)
    return [(review, source) for review, source in work.session.execute(pairs.distinct())]


def any_record_of(work: Work, review: str, source: str) -> bool:
    """Whether a review has a source record of a source."""
    mine = select(col(SourceRecordRow.source_id)).where(
        col(SourceRecordRow.review) == review, col(SourceRecordRow.source) == source
    )
    return work.session.execute(mine.limit(1)).scalar() is not None


def followed(work: Work, review: str, source: str, *, after: str, limit: int) -> list[str]:
    """Ids behind `after`, in order, of those source records of a source whose record is not excluded or has a notice
    that stands."""
    noticed = (
        select(col(NoticeRow.id))
        .where(col(NoticeRow.record) == SourceRecordRow.record, col(NoticeRow.stands).is_(True))
        .exists()
    )
    mine = (
        select(col(SourceRecordRow.source_id))
        .join(RecordRow, col(RecordRow.id) == SourceRecordRow.record)
        .where(
            col(SourceRecordRow.review) == review,
            col(SourceRecordRow.source) == source,
            col(SourceRecordRow.source_id) > after,
            or_(col(RecordRow.followed).is_(True), noticed),
        )
    )
    return list(work.session.execute(mine.order_by(col(SourceRecordRow.source_id)).limit(limit)).scalars())


def note_standing(work: Work, review: str, record: str, **standing: Any) -> None:
    """Notes where a record stands in screening, and so whether what sources change about it matters."""
    mine = update(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    work.session.execute(mine.values(**standing))


def excluded_on(work: Work, review: str, record: str) -> date | None:
    """The day on which a record was excluded last; None for one that never was."""
    mine = select(col(RecordRow.excluded_on)).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    return work.session.execute(mine).scalar()


def sweep_from(work: Work, review: str, day: date) -> None:
    """Has the next sweeps of a review look back to a day."""
    mine = update(WatchRow).where(
        col(WatchRow.review) == review,
        col(WatchRow.purpose) == "changes",
        col(WatchRow.searched_through) > day,
    )
    work.session.execute(mine.values(searched_through=day).execution_options(synchronize_session=False))


def note_origins(work: Work, review: str, source: str, ids: Iterable[str], watch: str) -> None:
    """Notes that a watch has met these source records."""
    rows = [{"review": review, "source": source, "source_id": each, "watch": watch} for each in sorted(set(ids))]
    if rows:
        work.session.connection().execute(_inserting(work, OriginRow).on_conflict_do_nothing(), rows)


def forget_origins(work: Work, review: str, watch: str) -> None:
    """Forgets what a watch brought, since it asks for something else now."""
    mine = delete(OriginRow).where(col(OriginRow.review) == review, col(OriginRow.watch) == watch)
    work.session.execute(mine)


def brought(work: Work, review: str, days: Days) -> list[Brought]:
    """How many of the records found in these days each source and watch brought, and all of them together, by how far
    those came: counted where they lie, in one statement, as they may be a hundred thousand."""
    found = _found(review, days).cte("found")
    parts = [_counted(found, "source", found.c.source), _counted(found, "watch", found.c.watch)]
    counted = union_all(*parts, _counted(found, "all", literal("")))
    return [Brought(*row) for row in work.session.execute(counted)]


def _counted(found: CTE, kind: str, by: ColumnElement[str]) -> Select[Any]:
    columns = found.c.record, found.c.standing, found.c.stage, by.label("name")
    each = (
        select(*columns, func.count().over(partition_by=found.c.record).label("brought_by"))
        .group_by(*columns)
        .subquery()
    )
    included, only = each.c.standing == Standings.INCLUDED, each.c.brought_by == 1
    counts = func.count(), _how_many(included), _how_many(only), _how_many(and_(included, only))
    return select(literal(kind), each.c.name, each.c.stage, *counts).group_by(each.c.name, each.c.stage)


def _found(review: str, days: Days) -> Select[Any]:
    """Records found in these days, both included, with the watches that brought them."""
    same = and_(
        col(SourceRecordRow.review) == OriginRow.review,
        col(SourceRecordRow.source) == OriginRow.source,
        col(SourceRecordRow.source_id) == OriginRow.source_id,
    )
    columns: tuple[Any, ...] = (
        col(RecordRow.id).label("record"), col(RecordRow.standing).label("standing"),
        col(RecordRow.stage).label("stage"), col(OriginRow.source).label("source"), col(OriginRow.watch).label("watch"),
    )  # fmt: skip
    query = (
        select(*columns)
        .select_from(OriginRow)
        .join(SourceRecordRow, same)
        .join(RecordRow, col(RecordRow.id) == SourceRecordRow.record)
        .where(col(OriginRow.review) == review)
    )
    since, until = days
    if since is not None:
        query = query.where(col(RecordRow.discovered_at) >= datetime.combine(since, time(), UTC))
    if until is not None:
        query = query.where(col(RecordRow.discovered_at) <= datetime.combine(until, time.max, UTC))
    return query


def _how_many(are: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((are, 1), else_=0)), 0)


# Citations


def included(work: Work, review: str, *, after: str, limit: int) -> list[tuple[str, str | None]]:
    """Included records behind `after`, in the order of their ids, each with its DOI if it has one."""
    mine = select(col(RecordRow.id), col(RecordRow.doi)).where(
        col(RecordRow.review) == review,
        col(RecordRow.id) > after,
        col(RecordRow.standing) == Standings.INCLUDED,
        col(RecordRow.merged_into).is_(None),
    )
    rows = work.session.execute(mine.order_by(col(RecordRow.id)).limit(limit))
    return [(record, doi) for record, doi in rows]


def ids_at(work: Work, source: str, records: Collection[str]) -> list[tuple[str, str]]:
    """Each of these records with each of its ids at a source, in their order."""
    mine = select(col(SourceRecordRow.record), col(SourceRecordRow.source_id)).where(
        col(SourceRecordRow.record).in_(records), col(SourceRecordRow.source) == source
    )
    rows = work.session.execute(mine.order_by(col(SourceRecordRow.record), col(SourceRecordRow.source_id)))
    return [(record, source_id) for record, source_id in rows]


def note_citations(work: Work, run: RunRow, links: Iterable[Link]) -> None:
    """Notes which reports the source records that a run found cite or are cited by; what is known stays as it is."""
    rows = [
        {"review": run.review, "source": run.source, "source_id": each.found, "seed": each.seed,
         "direction": each.direction, "run": run.id}
        for each in links
    ]  # fmt: skip
    for batch in batches(rows):
        work.session.connection().execute(_inserting(work, CitationRow).on_conflict_do_nothing(), batch)


def linked(work: Work, review: str, source: str, ids: Iterable[str]) -> set[str]:
    """Those of these ids of a source that a chase found."""
    mine = select(col(CitationRow.source_id)).where(
        col(CitationRow.review) == review, col(CitationRow.source) == source
    )
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(mine.where(col(CitationRow.source_id).in_(batch))).scalars()
    }


def page_of_citations(
    work: Work, review: str, record: str | None, page: PageAsked
) -> Found[tuple[CitationRow, str, str]]:
    """A review's links of chases, or those of one record that was found; each with the record that was found and that
    of the report, as they are after merging."""
    seed = aliased(RecordRow)
    same = and_(
        col(SourceRecordRow.review) == CitationRow.review,
        col(SourceRecordRow.source) == CitationRow.source,
        col(SourceRecordRow.source_id) == CitationRow.source_id,
    )
    query = (
        select(CitationRow, col(SourceRecordRow.record), func.coalesce(col(seed.merged_into), col(seed.id)))
        .join(SourceRecordRow, same)
        .join(seed, col(seed.id) == CitationRow.seed)
        .where(col(CitationRow.review) == review)
    )
    if record is not None:
        query = query.where(col(SourceRecordRow.record) == record)
    by = col(CitationRow.source), col(CitationRow.source_id), col(CitationRow.seed), col(CitationRow.direction)
    return read_page(work, query, page, *by)


def watch_of(work: Work, review: str, watch: str, *, lock: bool = False) -> WatchRow:
    """A review's watch. Raises NotFound."""
    row = work.session.get(WatchRow, watch, with_for_update=lock)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no watch {watch!r}")
    return row


class DueWatch(NamedTuple):
    """A watch that is due. Of its row no more is read: one that cannot be is in no other's way."""

    id: str
    source: str


def due_watches(work: Work, now: datetime) -> list[DueWatch]:
    """Active watches whose time has come and that no run is pulling, the longest due first."""
    due = select(col(WatchRow.id), col(WatchRow.source)).where(*_is_due(now))
    return [DueWatch(*row) for row in work.session.execute(due.order_by(col(WatchRow.due_at), col(WatchRow.id)))]


def due_watch(work: Work, watch: str, now: datetime) -> WatchRow | None:
    """This one, if it is due."""
    return work.session.execute(select(WatchRow).where(col(WatchRow.id) == watch, *_is_due(now))).scalar()


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    busy = select(col(RunRow.watch)).where(col(RunRow.state) == RunStates.RUNNING)
    return (
        col(WatchRow.state) == WatchStates.ACTIVE,
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


def running_runs(work: Work) -> list[RunRow]:
    """Runs that have begun and not ended, the oldest first."""
    running = select(RunRow).where(col(RunRow.state) == RunStates.RUNNING)
    return list(work.session.execute(running.order_by(col(RunRow.id))).scalars())


def run_of(work: Work, review: str, run: str) -> RunRow:
    """A review's run. Raises NotFound."""
    row = work.session.get(RunRow, run)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no run {run!r}")
    return row


def run_if_any(work: Work, run: str | None) -> RunRow | None:
    """The run that is named; None where none is."""
    return work.session.get(RunRow, run) if run is not None else None


def lock_run(work: Work, run: str) -> RunRow:
    """A run that is there, as it is now, locked until the end of the transaction."""
    return work.session.get_one(RunRow, run, with_for_update=True, populate_existing=True)


def lock_review_and_run(work: Work, run: str) -> tuple[ReviewRow, RunRow]:
    """A run that is there and its review, both locked, the review first, as by everyone who locks both."""
    review = lock_review(work, work.session.get_one(RunRow, run).review)
    return review, lock_run(work, run)


def page_of_runs(work: Work, review: str, watch: str | None, page: PageAsked) -> Found[RunRow]:
    """Runs, the newest first; of one watch where given."""
    query = select(RunRow).where(col(RunRow.review) == review)
    if watch is not None:
        query = query.where(col(RunRow.watch) == watch)
    return read_page(work, query, page, col(RunRow.id), descending=True)


def last_run_over(work: Work, watch: str) -> RunRow | None:
    """The newest run of a watch that is over."""
    over = select(RunRow).where(col(RunRow.watch) == watch, col(RunRow.state) != RunStates.RUNNING)
    return work.session.execute(over.order_by(col(RunRow.id).desc()).limit(1)).scalar()


def last_runs(work: Work, watches: Iterable[str]) -> dict[str, RunRow]:
    """The newest run of each watch that has one."""
    newest = select(func.max(RunRow.id)).where(col(RunRow.watch).in_(list(watches))).group_by(col(RunRow.watch))
    return {run.watch: run for run in work.session.execute(select(RunRow).where(col(RunRow.id).in_(newest))).scalars()}


def meet(work: Work, walk: str, ids: Iterable[str]) -> set[str]:
    """Notes that a walk has met these items; answers with those that it had not met before."""
    wanted = set(ids)
    fresh = wanted - met(work, walk, wanted)
    add_all(work, WalkItemRow, [{"walk": walk, "source_id": each} for each in sorted(fresh)])
    return fresh


def met(work: Work, walk: str, ids: Iterable[str]) -> set[str]:
    """Those of these items that a walk has met."""
    mine = select(col(WalkItemRow.source_id)).where(col(WalkItemRow.walk) == walk)
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(mine.where(col(WalkItemRow.source_id).in_(batch))).scalars()
    }


def forget_walks(work: Work, watch: str, *, but: str | None) -> None:
    """Forgets what the walks of a watch have met, but for one that may be taken up again."""
    walks = select(col(RunRow.walk)).where(col(RunRow.watch) == watch)
    mine = delete(WalkItemRow).where(col(WalkItemRow.walk).in_(walks))
    work.session.execute(mine.where(col(WalkItemRow.walk) != but) if but else mine)


def concepts_of(work: Work, watch: str) -> dict[str, Any] | None:
    """The strategy that works of a watch are held against, where there is one."""
    return work.session.execute(select(col(WatchRow.concepts)).where(col(WatchRow.id) == watch)).scalar()


def fields_of_last_runs(work: Work, run: RunRow, limit: int) -> list[dict[str, int]]:
    """What the records of the newest runs of the same watch and purpose, before this one, had."""
    before = (
        select(col(RunRow.fields))
        .where(
            col(RunRow.watch) == run.watch,
            col(RunRow.purpose) == run.purpose,
            col(RunRow.id) < run.id,
            col(RunRow.found) - col(RunRow.rejected) >= ENOUGH_BEFORE,
        )
        .order_by(col(RunRow.id).desc())
        .limit(limit)
    )
    return list(work.session.execute(before).scalars())


def take_from_outside(work: Work, run: str, ids: Iterable[str]) -> set[str]:
    """Forgets of these items of a run that they were outside of its strategy; answers with those that were."""
    mine = select(col(RunItemRow.source_id)).where(col(RunItemRow.run) == run, col(RunItemRow.outcome) == "outside")
    found = {
        each
        for batch in batches(ids)
        for each in work.session.execute(mine.where(col(RunItemRow.source_id).in_(batch))).scalars()
    }
    for batch in batches(found):
        gone = delete(RunItemRow).where(col(RunItemRow.run) == run, col(RunItemRow.source_id).in_(batch))
        work.session.execute(gone)
    return found


def page_of_items(work: Work, run: str, page: PageAsked) -> Found[RunItemRow]:
    return read_page(work, select(RunItemRow).where(col(RunItemRow.run) == run), page, col(RunItemRow.source_id))


def oldest_run_with_items(work: Work) -> str | None:
    """The oldest run that has ended and of which it is still known where its items went."""
    return _oldest_that_ended(work, col(RunItemRow.run))


def oldest_run_with_answers(work: Work) -> str | None:
    """The oldest run that has ended and of which raw answers are kept."""
    return _oldest_that_ended(work, col(RawAnswerRow.run))


def _oldest_that_ended(work: Work, run: Mapped[str]) -> str | None:
    under_way = select(col(RunRow.id)).where(col(RunRow.state) == RunStates.RUNNING)
    return work.session.execute(select(func.min(run)).where(run.not_in(under_way))).scalar()


def forget_items(work: Work, run: str, limit: int) -> None:
    """Takes away where some items of a run went."""
    of_run = (
        select(col(RunItemRow.source_id))
        .where(col(RunItemRow.run) == run)
        .order_by(col(RunItemRow.source_id))
        .limit(limit)
    )
    items = work.session.execute(of_run).scalars().all()
    work.session.execute(delete(RunItemRow).where(col(RunItemRow.run) == run, col(RunItemRow.source_id).in_(items)))


def page_of_rejections(work: Work, run: str, page: PageAsked) -> Found[RejectionRow]:
    return read_page(work, select(RejectionRow).where(col(RejectionRow.run) == run), page, col(RejectionRow.id))


def page_of_rejections_of(
    work: Work, review: str, source: str | None, run: str | None, is_open: bool | None, page: PageAsked
) -> Found[RejectionRow]:
    """A review's rejections, those of the newest run first; `is_open` are those that are no records yet."""
    mine = select(RejectionRow).where(col(RejectionRow.review) == review)
    if source is not None:
        mine = mine.where(col(RejectionRow.source) == source)
    if run is not None:
        mine = mine.where(col(RejectionRow.run) == run)
    if is_open is not None:
        mine = mine.where(_IS_OPEN if is_open else ~_IS_OPEN)
    return read_page(work, mine, page, col(RejectionRow.run), col(RejectionRow.id), descending=True)


def open_rejections(work: Work, run: str, page: int) -> list[RejectionRow]:
    """Those of a page of a run that are no records yet, in the order of their places."""
    mine = select(RejectionRow).where(col(RejectionRow.run) == run, col(RejectionRow.page) == page, _IS_OPEN)
    return list(work.session.execute(mine.order_by(col(RejectionRow.position), col(RejectionRow.id))).scalars())


def count_open_rejections(work: Work, reparse: ReparseRow) -> int:
    """How many items of the runs that are read again are no records."""
    mine = (
        select(func.count())
        .select_from(RejectionRow)
        .join(RunRow, col(RunRow.id) == RejectionRow.run)
        .where(*_is_read_again(reparse), _IS_OPEN)
    )
    count: int = work.session.execute(mine).scalar_one()
    return count


def rejections_of_walk(work: Work, run: RunRow, excerpts: Iterable[str]) -> list[RejectionRow]:
    """Those of a run's walk that begin in one of these ways."""
    walked = select(col(RunRow.id)).where(col(RunRow.watch) == run.watch, col(RunRow.walk) == run.walk)
    mine = select(RejectionRow).where(col(RejectionRow.run).in_(walked))
    return [
        row
        for batch in batches(excerpts)
        for row in work.session.execute(mine.where(col(RejectionRow.excerpt).in_(batch))).scalars()
    ]


_IS_OPEN = col(RejectionRow.resolved_at).is_(None)


# Answers that are read again


def reparse_of(work: Work, review: str, reparse: str) -> ReparseRow:
    """A review's reparse. Raises NotFound."""
    row = work.session.get(ReparseRow, reparse)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no reparse {reparse!r}")
    return row


def reparse(work: Work, reparse: str) -> ReparseRow:
    """One that is there."""
    return work.session.get_one(ReparseRow, reparse)


def lock_reparse(work: Work, reparse: str) -> ReparseRow:
    """One that is there, as it is now, locked until the end of the transaction."""
    return work.session.get_one(ReparseRow, reparse, with_for_update=True, populate_existing=True)


def unfinished_reparses(work: Work, review: str | None = None) -> list[ReparseRow]:
    """Those that are not over, the oldest first; of one review where given."""
    waiting = select(ReparseRow).where(col(ReparseRow.state).in_(ReparseStates.UNFINISHED))
    if review is not None:
        waiting = waiting.where(col(ReparseRow.review) == review)
    return list(work.session.execute(waiting.order_by(col(ReparseRow.id))).scalars())


def newest_run(work: Work, review: str) -> str:
    """The id of a review's newest run; nothing where it has none."""
    newest = select(func.max(col(RunRow.id))).where(col(RunRow.review) == review)
    return work.session.execute(newest).scalar() or ""


def next_answered_page(work: Work, reparse: ReparseRow) -> tuple[RunRow, int] | None:
    """The first page of which there are answers to be read again, behind the place where a reparse stands."""
    page = _next_page(work, reparse, reparse.at_run, reparse.at_page)
    run = reparse.at_run
    while page is None:
        following = select(func.min(col(RunRow.id))).where(*_is_read_again(reparse), col(RunRow.id) > run)
        if (run := work.session.execute(following).scalar() or "") == "":
            return None
        page = _next_page(work, reparse, run, -1)
    return work.session.get_one(RunRow, run), page


def _next_page(work: Work, reparse: ReparseRow, run: str, after: int) -> int | None:
    pages = select(func.min(col(RawAnswerRow.page))).where(col(RawAnswerRow.run) == run, col(RawAnswerRow.page) > after)
    if reparse.rejected_only:
        of_page = and_(col(RejectionRow.run) == RawAnswerRow.run, col(RejectionRow.page) == RawAnswerRow.page)
        pages = pages.where(select(col(RejectionRow.id)).where(of_page, _IS_OPEN).exists())
    return work.session.execute(pages).scalar()


def _is_read_again(reparse: ReparseRow) -> list[ColumnElement[bool]]:
    where = [col(RunRow.review) == reparse.review, col(RunRow.id) <= reparse.through]
    if reparse.source is not None:
        where.append(col(RunRow.source) == reparse.source)
    if reparse.run is not None:
        where.append(col(RunRow.id) == reparse.run)
    return where


def answers_of_page(work: Work, run: str, page: int) -> list[RawAnswerRow]:
    """The raw answers that a page of a run was read from, in the order in which they came."""
    mine = select(RawAnswerRow).where(col(RawAnswerRow.run) == run, col(RawAnswerRow.page) == page)
    return list(work.session.execute(mine.order_by(col(RawAnswerRow.number))).scalars())


def known_items(work: Work, run: str, ids: Iterable[str]) -> set[str]:
    """Those of a run's items of which it is known where they went."""
    mine = select(col(RunItemRow.source_id)).where(col(RunItemRow.run) == run)
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(mine.where(col(RunItemRow.source_id).in_(batch))).scalars()
    }


def last_answer(work: Work, run: str) -> int:
    """The number of a run's newest raw answer; 0 where it has none."""
    newest = work.session.execute(
        select(func.max(col(RawAnswerRow.number))).where(col(RawAnswerRow.run) == run)
    ).scalar()
    return newest or 0


def page_of_answers(work: Work, run: str, page: PageAsked) -> Found[RawAnswerRow]:
    """A run's raw answers, in the order in which they came."""
    return read_page(work, select(RawAnswerRow).where(col(RawAnswerRow.run) == run), page, col(RawAnswerRow.number))


def forget_answer(work: Work, answer: RawAnswerRow) -> None:
    work.session.delete(answer)


def answer_of(work: Work, run: str, number: int) -> RawAnswerRow:
    """One raw answer of a run. Raises NotFound."""
    row = work.session.get(RawAnswerRow, (run, number))
    if row is None:
        raise NotFound(f"run {run!r} has no raw answer {number}, or it was kept for long enough")
    return row


def known_rejections(work: Work, ids: Iterable[str]) -> set[str]:
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(select(col(RejectionRow.id)).where(col(RejectionRow.id).in_(batch))).scalars()
    }


# Source records and canonical records


class Known(NamedTuple):
    """What is kept of a source record: its canonical record, its content hash, the last walk that met it, and when the
    answer came that it is from."""

    record: str
    content_hash: str
    seen_in: str
    answered_at: datetime | None


def source_records(work: Work, review: str, source: str, ids: Iterable[str]) -> dict[str, Known]:
    """Of these ids of a source, those that are known."""
    columns = (
        col(SourceRecordRow.source_id),
        col(SourceRecordRow.record),
        col(SourceRecordRow.content_hash),
        col(SourceRecordRow.seen_in),
        col(SourceRecordRow.answered_at),
    )
    mine = select(*columns).where(col(SourceRecordRow.review) == review, col(SourceRecordRow.source) == source)
    return {
        row[0]: Known(*row[1:])
        for batch in batches(ids)
        for row in work.session.execute(mine.where(col(SourceRecordRow.source_id).in_(batch)))
    }


def mark_seen(
    work: Work, review: str, source: str, ids: Iterable[str], changed: Collection[str], walk: str, at: datetime | None
) -> None:
    """Notes that a walk has met these source records, some of them changed, in answers from `at` on."""
    for batch in batches(ids):
        again = col(SourceRecordRow.source_id).in_([each for each in batch if each in changed])
        mine = _of_source(review, source, batch).where(or_(col(SourceRecordRow.seen_in) != walk, again))
        work.session.connection().execute(mine.values(seen_in=walk, answered_at=at))


def mark_read_again(
    work: Work, review: str, source: str, ids: Iterable[str], at: datetime, *, new_in: str | None
) -> None:
    """Notes that source records are now as an answer of that time has them; `new_in` is the reparse that met them
    first."""
    values: dict[str, Any] = {"answered_at": at} | ({"seen_in": new_in} if new_in else {})
    for batch in batches(ids):
        work.session.connection().execute(_of_source(review, source, batch).values(values))


def _of_source(review: str, source: str, ids: list[str]) -> Update:
    return update(SourceRecordRow).where(
        col(SourceRecordRow.review) == review,
        col(SourceRecordRow.source) == source,
        col(SourceRecordRow.source_id).in_(ids),
    )


def members_of(work: Work, records: Iterable[str]) -> list[SourceRecordRow]:
    """The source records of canonical records."""
    return [
        row
        for batch in batches(records)
        for row in work.session.execute(
            select(SourceRecordRow)
            .where(col(SourceRecordRow.record).in_(batch))
            .order_by(col(SourceRecordRow.source), col(SourceRecordRow.source_id))
        ).scalars()
    ]


def holders_of(work: Work, review: str, keys: Iterable[str]) -> tuple[set[str], set[str]]:
    """The records that hold any of these keys, and those keys that are common (held by more than COMMON)."""
    records: set[str] = set()
    common: set[str] = set()
    for batch in batches(keys):
        mine = col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch)
        counted = select(col(RecordKeyRow.key), func.count()).where(*mine).group_by(col(RecordKeyRow.key))
        held = {key: count for key, count in work.session.execute(counted)}
        common |= {key for key, count in held.items() if count > COMMON}
        telling = [key for key in held if key not in common]
        if telling:
            holders = (
                select(col(RecordKeyRow.record))
                .where(col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(telling))
                .distinct()
            )
            records |= set(work.session.execute(holders).scalars())
    return records, common


def records_by_key(work: Work, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The oldest record that holds each key."""
    found: dict[str, str] = {}
    for batch in batches(keys):
        mine = select(col(RecordKeyRow.key), func.min(RecordKeyRow.record)).where(
            col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch)
        )
        found |= {key: record for key, record in work.session.execute(mine.group_by(col(RecordKeyRow.key)))}
    return found


def sole_holders(work: Work, review: str, keys: Iterable[str]) -> dict[str, str]:
    """The record that holds each key, where one alone does."""
    found: dict[str, str] = {}
    for batch in batches(keys):
        mine = select(col(RecordKeyRow.key), func.min(RecordKeyRow.record)).where(
            col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch)
        )
        sole = mine.group_by(col(RecordKeyRow.key)).having(func.count(col(RecordKeyRow.record).distinct()) == 1)
        found |= {key: record for key, record in work.session.execute(sole)}
    return found


def page_of_holders(work: Work, review: str, key: str, page: PageAsked) -> Found[RecordRow]:
    """The records that hold a key, oldest first."""
    holders = select(col(RecordKeyRow.record)).where(col(RecordKeyRow.review) == review, col(RecordKeyRow.key) == key)
    return read_page(work, select(RecordRow).where(col(RecordRow.id).in_(holders)), page, col(RecordRow.id))


def records(work: Work, ids: Iterable[str]) -> dict[str, RecordRow]:
    return {
        row.id: row
        for batch in batches(ids)
        for row in work.session.execute(select(RecordRow).where(col(RecordRow.id).in_(batch))).scalars()
    }


def record_of(work: Work, review: str, record: str) -> RecordRow:
    """A review's record, absorbed or not. Raises NotFound."""
    row = work.session.get(RecordRow, record)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no record {record!r}")
    return row


def page_of_records(work: Work, review: str, page: PageAsked) -> Found[RecordRow]:
    """The records that were not absorbed, oldest first."""
    query = select(RecordRow).where(col(RecordRow.review) == review, col(RecordRow.merged_into).is_(None))
    return read_page(work, query, page, col(RecordRow.id))


def merges_into(work: Work, record: str) -> list[MergeRow]:
    """The mergers that ended in a record, directly or through others, oldest first."""
    ended = (
        select(MergeRow)
        .join(RecordRow, col(RecordRow.id) == MergeRow.absorbed)
        .where(col(RecordRow.merged_into) == record)
    )
    return list(work.session.execute(ended.order_by(col(MergeRow.merged_at), col(MergeRow.absorbed))).scalars())


def absorb(work: Work, absorbed: str, into: str) -> None:
    """Moves what hangs on an absorbed record to its survivor: source records, and records absorbed earlier."""
    work.session.execute(update(SourceRecordRow).where(col(SourceRecordRow.record) == absorbed).values(record=into))
    work.session.execute(update(RecordRow).where(col(RecordRow.merged_into) == absorbed).values(merged_into=into))


def remove_keys(work: Work, review: str, record: str, keys: Iterable[str]) -> None:
    for batch in batches(keys):
        mine = col(RecordKeyRow.review) == review, col(RecordKeyRow.key).in_(batch), col(RecordKeyRow.record) == record
        work.session.execute(delete(RecordKeyRow).where(*mine))


def add_keys(work: Work, review: str, keys: Iterable[tuple[str, str]]) -> None:
    """Adds (key, record) pairs; one that is there already stays."""
    rows = [{"review": review, "key": key, "record": record} for key, record in keys]
    if rows:
        work.session.connection().execute(_inserting(work, RecordKeyRow).on_conflict_do_nothing(), rows)


def _inserting(work: Work, model: type[Base]) -> Any:
    """An insert that can say what becomes of a row that is there already."""
    dialect = sqlite if work.session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(model)


def add_all(work: Work, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Inserts many rows in one go; each must have every column."""
    if rows:
        work.session.connection().execute(insert(model.__table__), list(rows))


# Duplicates


def known_pairs(work: Work, records: Iterable[str]) -> list[DuplicateRow]:
    """The pairs of these records that are open, or that a person keeps apart."""
    return [
        row
        for batch in batches(records)
        for row in work.session.execute(
            select(DuplicateRow).where(
                or_(col(DuplicateRow.first).in_(batch), col(DuplicateRow.second).in_(batch)),
                col(DuplicateRow.state) != PairStates.SAME,
            )
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


def page_of_duplicates(work: Work, review: str, state: str, page: PageAsked) -> Found[DuplicateRow]:
    query = select(DuplicateRow).where(col(DuplicateRow.review) == review, col(DuplicateRow.state) == state)
    return read_page(work, query, page, col(DuplicateRow.id))


def open_duplicates(work: Work, review: str) -> int:
    counted = (
        select(func.count())
        .select_from(DuplicateRow)
        .where(col(DuplicateRow.review) == review, col(DuplicateRow.state) == PairStates.OPEN)
    )
    count: int = work.session.execute(counted).scalar_one()
    return count


# Notices


def notices_of(work: Work, records: Iterable[str]) -> list[NoticeRow]:
    """The notices of these records in the order in which they were told, those last that never were."""
    order = col(NoticeRow.told_at).is_(None), col(NoticeRow.told_at), col(NoticeRow.id)
    return [
        row
        for batch in batches(records)
        for row in work.session.execute(
            select(NoticeRow).where(col(NoticeRow.record).in_(batch)).order_by(*order)
        ).scalars()
    ]


def claims_of(work: Work, review: str, source: str, carriers: Iterable[str]) -> list[NoticeRow]:
    """What these source records claim and still stands."""
    mine = select(NoticeRow).where(
        col(NoticeRow.review) == review, col(NoticeRow.source) == source, col(NoticeRow.stands).is_(True)
    )
    return [
        row
        for batch in batches(carriers)
        for row in work.session.execute(
            mine.where(col(NoticeRow.carrier).in_(batch)).order_by(col(NoticeRow.id))
        ).scalars()
    ]


def waiting_notices(work: Work, review: str, keys: Iterable[str]) -> list[NoticeRow]:
    """Notices that strike a work found by one of these keys and have no record yet."""
    mine = select(NoticeRow).where(col(NoticeRow.review) == review, col(NoticeRow.record).is_(None))
    return [
        row
        for batch in batches(keys)
        for row in work.session.execute(
            mine.where(col(NoticeRow.waits_for).in_(batch)).order_by(col(NoticeRow.id))
        ).scalars()
    ]


# Open copies

#: Records whose open copies are asked for: they passed a stage, are not excluded and were not absorbed.
_PASSED = and_(
    # As a plain NULL it would have SQLite read every row by the index of what was absorbed.
    func.coalesce(col(RecordRow.merged_into), "") == "",
    or_(
        col(RecordRow.standing) == Standings.INCLUDED,
        and_(col(RecordRow.standing) == Standings.WAITING, col(RecordRow.stage).is_not(None)),
    ),
)
_SAME_DOI = col(OpenCopiesRow.doi) == col(RecordRow.doi)


def dois_to_ask(work: Work, before: datetime, limit: int) -> list[str]:
    """DOIs of records of any review of which it is to be asked where they are open: those never asked first, then those
    that were answered before then, the longest ago first; one that was asked in vain comes when its pause is over."""
    is_due = or_(
        col(OpenCopiesRow.doi).is_(None),
        col(OpenCopiesRow.retry_at) <= work.now,
        and_(col(OpenCopiesRow.retry_at).is_(None), col(OpenCopiesRow.answered_at) <= before),
    )
    due = (
        select(col(RecordRow.doi))
        .outerjoin(OpenCopiesRow, _SAME_DOI)
        .where(_PASSED, col(RecordRow.doi).is_not(None), is_due)
        .group_by(col(RecordRow.doi), col(OpenCopiesRow.answered_at))
        .order_by(col(OpenCopiesRow.answered_at).nulls_first(), col(RecordRow.doi))
    )
    return [doi for doi in work.session.execute(due.limit(limit)).scalars() if doi is not None]


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
    return read_page(work, select(RecordRow).where(col(RecordRow.review) == review, _PASSED), page, col(RecordRow.id))


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
    counted = counted.where(col(RecordRow.review) == review, _PASSED).group_by(*by)
    return [
        Copies(bool(has), found, bool(troubled), count) for has, found, troubled, count in work.session.execute(counted)
    ]


def trouble_with_copies(work: Work, review: str) -> str | None:
    """Why it could not be learnt where one of a review's records is open; None where it could of all."""
    troubled = select(col(OpenCopiesRow.trouble)).join(RecordRow, _SAME_DOI)
    troubled = troubled.where(col(RecordRow.review) == review, _PASSED, col(OpenCopiesRow.trouble).is_not(None))
    return work.session.execute(troubled.order_by(col(OpenCopiesRow.retry_at).desc()).limit(1)).scalar()


def count_all_copies(work: Work) -> tuple[dict[str, int], int]:
    """How many DOIs were answered so last, of all reviews together; and how many were asked in vain last."""
    counted = select(col(OpenCopiesRow.found), func.count()).group_by(col(OpenCopiesRow.found))
    found = {found: count for found, count in work.session.execute(counted) if found is not None}
    troubled = select(func.count()).select_from(OpenCopiesRow).where(col(OpenCopiesRow.trouble).is_not(None))
    return found, work.session.execute(troubled).scalar_one()


# Quotas and parked sources


def quota_of(work: Work, source: str, day: str) -> QuotaRow:
    """The row of a source and day, locked until the end of the transaction; a new one where there is none."""
    row = work.session.get(QuotaRow, (source, day), with_for_update=True)
    return row or work.add(QuotaRow(source=source, day=day, heard_at=work.now))


def quotas_of_day(work: Work, day: str) -> list[QuotaRow]:
    return list(work.session.scalars(select(QuotaRow).where(col(QuotaRow.day) == day).order_by(col(QuotaRow.source))))


def page_of_quotas(work: Work, page: PageAsked) -> Found[QuotaRow]:
    """Sources and days, the newest day first."""
    return read_page(work, select(QuotaRow), page, col(QuotaRow.day), col(QuotaRow.source), descending=True)


def forget_quotas(work: Work, before: str, limit: int) -> int:
    """Takes away what is of days before this one, the oldest first; answers how many rows."""
    key = tuple_(col(QuotaRow.day), col(QuotaRow.source))
    old = select(col(QuotaRow.day), col(QuotaRow.source)).where(col(QuotaRow.day) < before)
    rows = work.session.execute(old.order_by(col(QuotaRow.day), col(QuotaRow.source)).limit(limit)).all()
    if rows:
        work.session.execute(delete(QuotaRow).where(key.in_([tuple(row) for row in rows])))
    return len(rows)


def parked_source(work: Work, source: str) -> ParkedRow | None:
    """That a source is left alone, also where its time is over, locked until the end of the transaction."""
    return work.session.get(ParkedRow, source, with_for_update=True)


def parked_sources(work: Work, now: datetime) -> list[ParkedRow]:
    """The sources that are left alone now, by name."""
    parked = select(ParkedRow).where(col(ParkedRow.until) > now)
    return list(work.session.scalars(parked.order_by(col(ParkedRow.source))))


def unpark(work: Work, source: str) -> None:
    """Has a source be asked again."""
    work.session.execute(delete(ParkedRow).where(col(ParkedRow.source) == source))


def unpark_due(work: Work) -> None:
    """Forgets those that were left alone for as long as they asked."""
    work.session.execute(delete(ParkedRow).where(col(ParkedRow.until) <= work.now))


def put_off(work: Work, source: str, until: datetime) -> list[str]:
    """The reviews of which an active watch over a source is due by then."""
    due = select(col(WatchRow.review)).where(
        col(WatchRow.source) == source, col(WatchRow.state) == WatchStates.ACTIVE, col(WatchRow.due_at) <= until
    )
    return list(work.session.scalars(due.distinct().order_by(col(WatchRow.review))))


def watched_sources(work: Work) -> list[str]:
    """The sources of all active watches."""
    active = select(col(WatchRow.source)).where(col(WatchRow.state) == WatchStates.ACTIVE)
    return list(work.session.scalars(active.distinct().order_by(col(WatchRow.source))))
