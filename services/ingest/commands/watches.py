"""Watches: one for each strategy of a review's newest protocol version, paused and resumed by a lead."""

from __future__ import annotations

from services.ingest import store
from services.ingest.commands.searches import accept_lack_of_search
from services.ingest.domain.watching import MORE_MISSING, RunStates, WatchStates
from services.ingest.models import RunRow, WatchRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import LackAccepted, WatchStopped
from shared.wire.ingest import Acceptance, WatchPurpose


def watch_over(work: Work, review: str, source: str, purpose: WatchPurpose, version: int) -> WatchRow:
    """The watch over all that people bring from one source, by which strategies are told from each other; there from
    the first on, and never due."""
    known = store.watch_if_any(work, store.watch_id(review, source))
    return known or work.add(
        WatchRow(
            id=store.watch_id(review, source), purpose=purpose, review=review, strategy=source, source=source,
            query=source, every_days=0, overlap_days=0, whole_every_days=0, protocol_version=version,
            asked_since=version, due_at=work.now,
        )
    )  # fmt: skip


def pause_watch(work: Work, review: str, watch: str) -> WatchRow:
    """Stops pulling a watch until it is resumed; a run that has begun is finished."""
    row = _changeable(work, review, watch)
    if row.state != WatchStates.PAUSED:
        WatchStates.turn(row, WatchStates.PAUSED)
        row.paused_at = work.now
        tell_stopped(work, row)
    return row


def resume_watch(work: Work, review: str, watch: str) -> WatchRow:
    """Pulls a paused watch again from its next time on, at once if that has passed. What failed before the pause is
    tried anew, and said to fail no more before it does."""
    row = _changeable(work, review, watch)
    if row.state != WatchStates.ACTIVE:
        WatchStates.turn(row, WatchStates.ACTIVE)
        row.paused_at, row.failures, row.trouble = None, 0, None
    return row


def pull_now(work: Work, review: str, watch: str) -> WatchRow:
    """Makes a watch due now, whatever its next time or its pause after a failure, and has its source be asked though it
    was to be left alone: the budget may have been raised, or what it said was wrong."""
    row = _changeable(work, review, watch)
    if row.state == WatchStates.PAUSED:
        raise Conflict(f"watch {watch!r} is paused; resume it first", slug="watch_paused")
    if row.purpose == "manual":
        why = "bring its files, or sign that nothing is new"
        raise Conflict(f"watch {watch!r} is searched by hand, and pulled by nobody: {why}", slug="searched_by_hand")
    row.due_at = work.now
    store.unpark(work, row.source)
    return row


def accepted_of(watch: WatchRow) -> list[Acceptance]:
    """What a lead lets the runs of a watch lack: for each purpose of a run once at most."""
    return [Acceptance.model_validate(each) for each in watch.accepted]


def accept_lack(work: Work, review: str, watch: str, lacking: int, reason: str) -> WatchRow:
    """Has runs of a watch that lack no more than its last one be complete, or with 0 no longer, and tells it.

    It holds as `Acceptance` says, until the watch asks something else. What was accepted is looked for again at once,
    as is what no longer is.
    Of a manual strategy it is its open search that lacks, and is made by this.
    Raises NotFound, and Conflict where the last run does not lack just that, so that nobody accepts what they have not
    seen.
    """
    if store.watch_of(work, review, watch).purpose == "manual":
        return accept_lack_of_search(work, review, watch, lacking, reason)
    row = _changeable(work, review, watch)
    run = _run_that_lacks(work, row, lacking) if lacking else None
    missing = run.missing if run is not None else []
    if run is not None:
        new = Acceptance(
            purpose=run.purpose, until=run.until, lacking=lacking, missing=missing, by=work.actor, at=work.now,
            reason=reason,
        )  # fmt: skip
        others = [each for each in accepted_of(row) if each.purpose != run.purpose]
        row.accepted = [each.model_dump(mode="json", exclude={"where"}) for each in (*others, new)]
        row.due_at = min(row.due_at, work.now)
    elif not row.accepted:
        raise Conflict(f"nothing that watch {watch!r} lacks was accepted", slug="nothing_accepted")
    else:
        row.accepted = []
        row.due_at = min(row.due_at, work.now)
    work.emit(
        LackAccepted(
            review=review, watch=watch, source=row.source, lack=lacking, reason=reason, missing=missing,
            run=run.id if run is not None else None,
        )
    )  # fmt: skip
    return row


def _run_that_lacks(work: Work, watch: WatchRow, lacking: int) -> RunRow:
    """The last run of a watch. Raises Conflict unless it came to its end, asked what the watch asks, and lacks just so
    many works."""
    run = store.last_run_over(work, watch.id)
    if run is None or run.state == RunStates.INCOMPLETE or run.protocol_version < watch.asked_since:
        why = "no run of what it asks has come to its end" if run is None else f"run {run.id} did not come to an end"
        if run is not None and run.state != RunStates.INCOMPLETE:
            why = f"run {run.id} asked something else"
        raise Conflict(f"nobody knows yet what watch {watch.id!r} lacks: {why}; pull it first", slug="lack_unknown")
    if run.lacking != lacking:
        raise Conflict(f"run {run.id} of watch {watch.id!r} lacks {run.lacking}, not {lacking}", slug="another_lack")
    if MORE_MISSING in run.missing:
        raise Conflict(
            f"run {run.id} lacks more ids than it keeps, so nobody can have seen which", slug="lacks_too_many"
        )
    return run


def tell_stopped(work: Work, watch: WatchRow) -> None:
    """Tells of a watch that is paused or retired that it is pulled no more, so that no trouble of it is waited for."""
    if watch.state != WatchStates.ACTIVE:
        left = store.failing_watches(work, watch.review, watch.source, or_put_off=True)
        stopped = WatchStopped(
            review=watch.review, watch=watch.id, source=watch.source, state=watch.state, still_failing=left
        )
        work.emit(stopped)


def _changeable(work: Work, review: str, watch: str) -> WatchRow:
    row = store.watch_of(work, review, watch, lock=True)
    if row.purpose in store.BROUGHT:
        raise Conflict(f"watch {watch!r} is of what people bring, which nobody pulls", slug="watch_of_files")
    if row.state == WatchStates.RETIRED:
        raise Conflict(f"watch {watch!r} is retired: the protocol no longer has {row.strategy!r}", slug="watch_retired")
    return row
