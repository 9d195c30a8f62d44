"""Watches: one for each strategy of a review's newest protocol version, paused and resumed by a lead."""

from __future__ import annotations

from services.ingest import store
from services.ingest.models import Review, Watch
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.protocol import Protocol, Strategy, VersionPublished


def adopt_watches(event: VersionPublished, work: Work) -> None:
    """Watches what the newest protocol version asks for; a strategy it no longer has is retired.

    A changed question (source, query, first day) is asked anew from the beginning, since what was searched
    through was searched for something else; all else keeps its place.
    """
    review = work.session.get(Review, event.review, with_for_update=True)
    if review is not None and review.protocol_version >= event.version:
        return
    search_from = event.protocol.search_from or event.protocol.published_after
    asks_earlier = review is not None and review.search_from != search_from
    if review is None:
        review = work.add(Review(review=event.review, protocol_version=event.version))
    review.protocol_version = event.version
    review.search_from = search_from
    known = {watch.strategy: watch for watch in store.watches_of(work.session, event.review)}
    for strategy in event.protocol.strategies:
        watch = known.pop(strategy.id, None)
        if watch is None:
            work.add(_new_watch(event.protocol, strategy, event.version, work))
        else:
            _adopt(watch, strategy, event.version, work, asks_anew=asks_earlier)
    for watch in known.values():
        watch.state = "retired"


def pause_watch(work: Work, review: str, watch: str) -> Watch:
    """Stops pulling a watch until it is resumed; a run that has begun is finished."""
    row = _changeable(work, review, watch)
    row.state = "paused"
    return row


def resume_watch(work: Work, review: str, watch: str) -> Watch:
    """Pulls a paused watch again from its next time on, at once if that has passed."""
    row = _changeable(work, review, watch)
    row.state = "active"
    return row


def pull_now(work: Work, review: str, watch: str) -> Watch:
    """Makes a watch due now, whatever its next time or its pause after a failure."""
    row = _changeable(work, review, watch)
    if row.state == "paused":
        raise Conflict(f"watch {watch!r} is paused; resume it first", slug="watch_paused")
    row.due_at = work.now
    return row


def _changeable(work: Work, review: str, watch: str) -> Watch:
    row = store.watch_of(work.session, review, watch, lock=True)
    if row.state == "retired":
        raise Conflict(f"watch {watch!r} is retired: the protocol no longer has {row.strategy!r}", slug="watch_retired")
    return row


def _new_watch(protocol: Protocol, strategy: Strategy, version: int, work: Work) -> Watch:
    return Watch(
        id=store.watch_id(protocol.review, strategy.id),
        review=protocol.review,
        strategy=strategy.id,
        source=strategy.source,
        query=strategy.query,
        every_days=strategy.every_days,
        overlap_days=strategy.overlap_days,
        protocol_version=version,
        asked_since=version,
        due_at=work.now,
    )


def _adopt(watch: Watch, strategy: Strategy, version: int, work: Work, *, asks_anew: bool) -> None:
    if asks_anew or (watch.source, watch.query) != (strategy.source, strategy.query):
        watch.asked_since, watch.searched_through, watch.goes_on_from = version, None, None
        watch.failures, watch.trouble, watch.due_at = 0, None, work.now
    watch.source, watch.query = strategy.source, strategy.query
    watch.every_days, watch.overlap_days = strategy.every_days, strategy.overlap_days
    watch.protocol_version = version
    if watch.state == "retired":
        watch.state = "active"
