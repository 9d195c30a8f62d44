"""Watches: one for each strategy of a review's newest protocol version, paused and resumed by a lead."""

from __future__ import annotations

from services.ingest import store
from services.ingest.domain.watching import MOST_MISSING, RunStates, WatchStates
from services.ingest.models import RunRow, WatchRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import LackAccepted, WatchStopped
from shared.wire.ingest import Acceptance


def pause_watch(work: Work, review: str, watch: str) -> WatchRow:
    """Stops pulling a watch until it is resumed; a run that has begun is finished."""
    row = _changeable(work, review, watch)
    if row.state != WatchStates.PAUSED:
        WatchStates.turn(row, WatchStates.PAUSED)
        tell_stopped(work, row)
    return row


def resume_watch(work: Work, review: str, watch: str) -> WatchRow:
    """Pulls a paused watch again from its next time on, at once if that has passed."""
    row = _changeable(work, review, watch)
    if row.state != WatchStates.ACTIVE:
        WatchStates.turn(row, WatchStates.ACTIVE)
    return row


def pull_now(work: Work, review: str, watch: str) -> WatchRow:
    """Makes a watch due now, whatever its next time or its pause after a failure, and has its source be asked though it
    was to be left alone: the budget may have been raised, or what it said was wrong."""
    row = _changeable(work, review, watch)
    if row.state == WatchStates.PAUSED:
        raise Conflict(f"watch {watch!r} is paused; resume it first", slug="watch_paused")
    row.due_at = work.now
    store.unpark(work, row.source)
    return row


def accepted_of(watch: WatchRow) -> Acceptance | None:
    """What a lead lets the runs of a watch lack, if anything."""
    return Acceptance.model_validate(watch.accepted) if watch.accepted is not None else None


def accept_lack(work: Work, review: str, watch: str, lacking: int, reason: str) -> WatchRow:
    """Has runs of a watch that lack no more than its last one be complete, or with 0 no longer, and tells it.

    It holds until the watch asks something else. What was accepted is looked for again at once. Raises NotFound, and
    Conflict where the last run does not lack just that, so that nobody accepts what they have not seen.
    """
    row = _changeable(work, review, watch)
    run = store.last_run_over(work, watch) if lacking else None
    if lacking:
        missing = _require_lack(row, run, lacking)
        accepted = Acceptance(lacking=lacking, missing=missing, by=work.actor, at=work.now, reason=reason)
        row.accepted = accepted.model_dump(mode="json")
        row.due_at = min(row.due_at, work.now)
    elif row.accepted is None:
        raise Conflict(f"nothing that watch {watch!r} lacks was accepted", slug="nothing_accepted")
    else:
        row.accepted, missing = None, []
    work.emit(
        LackAccepted(
            review=review, watch=watch, source=row.source, lack=lacking, reason=reason, missing=missing,
            run=run.id if run is not None else None,
        )
    )  # fmt: skip
    return row


def _require_lack(watch: WatchRow, run: RunRow | None, lacking: int) -> list[str]:
    """The ids that the last run of a watch lacks. Raises Conflict unless it came to its end, asked what the watch asks,
    and lacks just so many."""
    if run is None or run.state == RunStates.INCOMPLETE or run.protocol_version < watch.asked_since:
        why = "no run of what it asks has come to its end" if run is None else f"run {run.id} did not come to an end"
        if run is not None and run.state != RunStates.INCOMPLETE:
            why = f"run {run.id} asked something else"
        raise Conflict(f"nobody knows yet what watch {watch.id!r} lacks: {why}; pull it first", slug="lack_unknown")
    if run.lacking != lacking:
        raise Conflict(f"run {run.id} of watch {watch.id!r} lacks {run.lacking}, not {lacking}", slug="another_lack")
    if len(run.missing) >= MOST_MISSING:
        raise Conflict(
            f"run {run.id} lacks more ids than it keeps, so nobody can have seen which", slug="lacks_too_many"
        )
    return run.missing


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
    if row.state == WatchStates.RETIRED:
        raise Conflict(f"watch {watch!r} is retired: the protocol no longer has {row.strategy!r}", slug="watch_retired")
    return row
