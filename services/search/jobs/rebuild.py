"""Search's long work: rebuilding the index from the log while people go on searching."""

from __future__ import annotations

from collections.abc import Callable

from services.search import store
from services.search.domain import Document, Piece, RebuildStates, document_of, pieces_of
from services.search.jobs import marks
from services.search.ports.index import SearchIndex, write, write_pieces
from shared import logging
from shared.bus.port import Consumer
from shared.errors import Rejected, Unavailable
from shared.events import registry
from shared.events.base import Envelope
from shared.ids import new_id
from shared.runtime import checks
from shared.service import Context
from shared.wire.search import RebuildState

log = logging.get(__name__)

_BATCH = 500


def rebuild_index(running: Context) -> None:
    """Makes the index anew from the log, if someone asked for it; a rebuild that a crash cut short begins again."""
    with running.work("search:rebuild") as work:
        asked = store.unfinished(work)
        if asked is None:
            return
        RebuildStates.turn(asked, RebuildStates.RUNNING)
    try:
        events, skipped = _rebuild(running)
    except Exception as error:
        if running.stopping.is_set():
            return  # It stays unfinished, and the next process begins it again.
        _finish(running, asked.id, RebuildStates.FAILED, error=str(error))
        raise
    _finish(running, asked.id, RebuildStates.DONE, events=events, skipped=skipped)


def _rebuild(running: Context) -> tuple[int, int]:
    """A new generation takes in the whole log; then it becomes the live one; then what came meanwhile follows.

    What the listener wrote to the old generation during the rebuild is on the log before the second reading
    ends, and what it writes after the swap goes to the new one: so nothing is missed, and writes commute.
    A log that has less than search has heard is no ground for a new index: the old one stays.
    """
    index = running.resource(SearchIndex)
    checks.check_log(running.service, running.database, running.event_log, embedded=running.settings.embedded)
    known = _events_heard(running)
    group, topics = new_id("search-rebuild"), running.service.topics
    consumer = running.event_log.subscribe(group, topics)
    new = index.fresh()
    try:
        lag = lambda: running.event_log.lag(group, topics)  # noqa: E731
        first = _read_into(running, new, consumer, lag)
        if first[0] < known:
            raise Unavailable(f"the log has {first[0]} messages, and search has heard {known} events of it: look at it")
        new.refresh()
        marks.expect(running, new)
        index.swap(new)
        rest = _read_into(running, index, consumer, lag)
        index.refresh()
        marks.keep(running, index)
    except Exception:
        new.drop()
        raise
    finally:
        new.close()
        consumer.close()
    return first[0] + rest[0], first[1] + rest[1]


def _events_heard(running: Context) -> int:
    with running.database.session(readonly=True) as session:
        return store.events_heard(session, running.service.name)


def _read_into(running: Context, index: SearchIndex, consumer: Consumer, lag: Callable[[], int]) -> tuple[int, int]:
    """Reads to the end of the log as it is now; answers how many events it took and how many it could not read."""
    left, events, skipped = lag(), 0, 0
    while left > 0:
        if running.stopping.is_set():
            raise Unavailable("the platform is stopping")
        batch = consumer.poll(1.0, _BATCH)
        news = [_news(delivery.value) for delivery in batch]
        write(index, [it for it in news if isinstance(it, Document)])
        write_pieces(index.pieces, [piece for it in news if isinstance(it, list) for piece in it])
        consumer.store(batch)
        events += len(batch)
        skipped += sum(isinstance(it, Rejected) for it in news)
        left = left - len(batch) if batch else lag()
    return events, skipped


def _news(value: bytes) -> Document | list[Piece] | Rejected:
    """A delivery's news; a delivery that is no event is a dead letter already, and only counted here."""
    try:
        envelope = Envelope.from_json(value)
        event = registry.decode(envelope)
        return document_of(event, envelope.occurred) or pieces_of(event, envelope.occurred, envelope.id)
    except Rejected as why:
        return why


def _finish(running: Context, rebuild: str, state: RebuildState, **fields: object) -> None:
    with running.work("search:rebuild") as work:
        row = store.rebuild(work, rebuild)
        RebuildStates.turn(row, state)
        row.finished_at = work.now
        row.sqlmodel_update(fields)
    log.info("rebuild over", rebuild=rebuild, state=state, **fields)
