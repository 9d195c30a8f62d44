"""Watches: one for each strategy of a review's newest protocol version, paused and resumed by a lead."""

from __future__ import annotations

from services.ingest import store
from services.ingest.domain.watching import WatchStates
from services.ingest.models import WatchRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import WatchStopped


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
