"""How far the literature was searched, by the runs and the searches by hand that ingest tells of."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.models import SearchRow, WatchRow
from shared.db.work import Work
from shared.events.ingest import RunFinished, SearchFulfilled


def note_searched_through(work: Work, event: RunFinished) -> None:
    """Moves on the day through which a source is searched; a run that stopped early moves nothing."""
    if not event.complete:
        return
    _move_on(
        work,
        WatchRow(
            review=event.review,
            watch=event.watch,
            source=event.source,
            protocol_version=event.protocol_version,
            searched_through=event.searched_through,
            run=event.run,
        ),
    )


def note_search(work: Work, event: SearchFulfilled) -> None:
    """Keeps when a strategy was searched by hand, for what it asked then; the newest day counts, in whatever order they
    are heard."""
    row = store.search_by_hand(work, event.review, event.strategy, event.question)
    if row is None:
        work.add(
            SearchRow(
                review=event.review, strategy=event.strategy, question=event.question, searched_on=event.searched_on,
                search=event.search,
            )
        )  # fmt: skip
    elif event.searched_on > row.searched_on:
        row.searched_on, row.search = event.searched_on, event.search
    _move_on(
        work,
        WatchRow(
            review=event.review, watch=event.watch, source=event.source, protocol_version=event.protocol_version,
            searched_through=event.searched_on, run=event.search,
        ),
    )  # fmt: skip


def _move_on(work: Work, reached: WatchRow) -> None:
    row = store.watch(work, reached.review, reached.watch)
    if row is None:
        work.add(reached)
    elif (reached.protocol_version, reached.searched_through) > (row.protocol_version, row.searched_through):
        row.sqlmodel_update(reached)
