"""Queries about runs: their items, their walks and their rejections."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import orjson
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Mapped
from sqlmodel import col

from services.ingest.domain.drift import ENOUGH_BEFORE
from services.ingest.domain.watching import RunStates
from services.ingest.models import RejectionRow, ReviewRow, RunItemRow, RunRow, WalkItemRow
from services.ingest.store.common import batches
from shared.db.many import each_of
from shared.db.paging import read_page
from shared.db.said import LOCK, Said
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: Said in words, since every arrival does so, and making a statement costs more than what it does.
_MEET = Said(
    "INSERT INTO walk_items (walk, source_id) SELECT {given} ON CONFLICT DO NOTHING RETURNING source_id",
    sqlite={"given": ":walk, value FROM json_each(:ids) WHERE true"},
    postgresql={"given": "CAST(:walk AS text), unnest(CAST(:ids AS text[]))"},
)
_LOCK_REVIEW_OF = Said(
    "SELECT 1 FROM reviews WHERE review = (SELECT review FROM runs WHERE id = :run) {lock}", postgresql=LOCK
)
#: Made once, too.
_REVIEW_AND_RUN = (
    select(ReviewRow, RunRow)
    .join(RunRow, col(RunRow.review) == ReviewRow.review)
    .where(col(RunRow.id) == bindparam("run"))
    .with_for_update(of=RunRow)
    .execution_options(populate_existing=True)
)
_FIELDS_BEFORE = Said(
    "SELECT CAST(fields AS text) FROM runs WHERE watch = :watch AND purpose = :purpose AND id < :run"
    " AND found - rejected >= :enough ORDER BY id DESC LIMIT :most"
)


def is_chase(work: Work, run: str) -> bool:
    """Whether a run asked for citations."""
    row = work.session.get(RunRow, run)
    return row is not None and row.purpose == "citations"


def chases_among(work: Work, runs: Collection[str]) -> set[str]:
    """Those of these runs that asked for citations."""
    wanted = each_of(work.session, sorted(runs), col(RunRow.id))
    query = select(col(RunRow.id)).where(col(RunRow.id).in_(select(wanted)), col(RunRow.purpose) == "citations")
    return set(work.session.execute(query).scalars())


def running_runs(work: Work) -> list[RunRow]:
    """Pulls that have begun and not ended, the oldest first."""
    running = select(RunRow).where(col(RunRow.state) == RunStates.RUNNING, col(RunRow.purpose) != "import")
    return list(work.session.execute(running.order_by(col(RunRow.id))).scalars())


def run_of(work: Work, review: str, run: str) -> RunRow:
    """A review's run. Raises NotFound."""
    row = work.session.get(RunRow, run)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no run {run!r}")
    return row


def runs(work: Work, ids: Iterable[str]) -> dict[str, RunRow]:
    """These runs, by their ids."""
    return {
        row.id: row
        for batch in batches(ids)
        for row in work.session.execute(select(RunRow).where(col(RunRow.id).in_(batch))).scalars()
    }


def run_if_any(work: Work, run: str | None) -> RunRow | None:
    """The run that is named; None where none is."""
    return work.session.get(RunRow, run) if run is not None else None


def lock_run(work: Work, run: str) -> RunRow:
    """A run that is there, as it is now, locked until the end of the transaction."""
    return work.session.get_one(RunRow, run, with_for_update=True, populate_existing=True)


def lock_review_and_run(work: Work, run: str) -> tuple[ReviewRow, RunRow]:
    """A run that is there and its review, both locked, the review first, as by everyone who locks both."""
    work.session.flush()
    work.rows.read(_LOCK_REVIEW_OF, {"run": run})
    review, locked = work.session.execute(_REVIEW_AND_RUN, {"run": run}).one()
    return review, locked


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
    wanted = sorted(set(ids))
    return {each for (each,) in work.rows.read(_MEET, {"walk": walk, "ids": wanted})} if wanted else set()


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


def fields_of_last_runs(work: Work, run: RunRow, limit: int) -> list[dict[str, int]]:
    """What the records of the newest runs of the same watch and purpose, before this one, had."""
    asked = {"watch": run.watch, "purpose": run.purpose, "run": run.id, "enough": ENOUGH_BEFORE, "most": limit}
    return [orjson.loads(fields) for (fields,) in work.rows.read(_FIELDS_BEFORE, asked)]


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
    return oldest_that_ended(work, col(RunItemRow.run))


def oldest_that_ended(work: Work, run: Mapped[str]) -> str | None:
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
        mine = mine.where(IS_OPEN if is_open else ~IS_OPEN)
    return read_page(work, mine, page, col(RejectionRow.run), col(RejectionRow.id), descending=True)


def open_rejections(work: Work, run: str, page: int) -> list[RejectionRow]:
    """Those of a page of a run that are no records yet, in the order of their places."""
    mine = select(RejectionRow).where(col(RejectionRow.run) == run, col(RejectionRow.page) == page, IS_OPEN)
    return list(work.session.execute(mine.order_by(col(RejectionRow.position), col(RejectionRow.id))).scalars())


def rejections_of_walk(work: Work, run: RunRow, excerpts: Iterable[str]) -> list[RejectionRow]:
    """Those of a run's walk that begin in one of these ways."""
    walked = select(col(RunRow.id)).where(col(RunRow.watch) == run.watch, col(RunRow.walk) == run.walk)
    mine = select(RejectionRow).where(col(RejectionRow.run).in_(walked))
    return [
        row
        for batch in batches(excerpts)
        for row in work.session.execute(mine.where(col(RejectionRow.excerpt).in_(batch))).scalars()
    ]


IS_OPEN = col(RejectionRow.resolved_at).is_(None)


def newest_run(work: Work, review: str) -> str:
    """The id of a review's newest run; nothing where it has none."""
    newest = select(func.max(col(RunRow.id))).where(col(RunRow.review) == review)
    return work.session.execute(newest).scalar() or ""


def known_items(work: Work, run: str, ids: Iterable[str]) -> set[str]:
    """Those of a run's items of which it is known where they went."""
    mine = select(col(RunItemRow.source_id)).where(col(RunItemRow.run) == run)
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(mine.where(col(RunItemRow.source_id).in_(batch))).scalars()
    }


def known_rejections(work: Work, ids: Iterable[str]) -> set[str]:
    return {
        found
        for batch in batches(ids)
        for found in work.session.execute(select(col(RejectionRow.id)).where(col(RejectionRow.id).in_(batch))).scalars()
    }
