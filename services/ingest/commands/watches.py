"""Watches: one for each strategy of a review's newest protocol version, paused and resumed by a lead."""

from __future__ import annotations

from services.ingest import store
from services.ingest.domain.watching import WatchStates
from services.ingest.models import WatchRow
from shared.db.work import Work
from shared.errors import Conflict


def pause_watch(work: Work, review: str, watch: str) -> WatchRow:
    """Stops pulling a watch until it is resumed; a run that has begun is finished."""
    row = _changeable(work, review, watch)
    if row.state != WatchStates.PAUSED:
        WatchStates.turn(row, WatchStates.PAUSED)
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


def _changeable(work: Work, review: str, watch: str) -> WatchRow:
    row = store.watch_of(work, review, watch, lock=True)
    if row.state == WatchStates.RETIRED:
        raise Conflict(f"watch {watch!r} is retired: the protocol no longer has {row.strategy!r}", slug="watch_retired")
    return row
