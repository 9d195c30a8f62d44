"""How far the literature was searched, by the runs that ingest tells of."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.models import WatchRow
from shared.db.work import Work
from shared.events.ingest import RunFinished


def note_searched_through(work: Work, event: RunFinished) -> None:
    """Moves on the day through which a source is searched; a run that stopped early moves nothing."""
    if not event.complete:
        return
    row = store.watch(work, event.review, event.watch)
    reached = WatchRow(
        review=event.review,
        watch=event.watch,
        source=event.source,
        protocol_version=event.protocol_version,
        searched_through=event.searched_through,
        run=event.run,
    )
    if row is None:
        work.add(reached)
    elif (event.protocol_version, event.searched_through) > (row.protocol_version, row.searched_through):
        row.sqlmodel_update(reached)
