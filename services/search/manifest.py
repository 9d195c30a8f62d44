"""Search: makes every record findable, by what it says and by where it stands."""

from __future__ import annotations

from pathlib import Path

from services.search import api, handlers, jobs, models, standing
from services.search.index import SearchIndex, open_index
from shared.events import ingest, screening
from shared.service import Service, every, on
from shared.settings import Settings


def open_resources(settings: Settings) -> SearchIndex:
    """The index that the settings name."""
    return open_index(
        settings.place(settings.search_url), name=settings.search_index, analyzer=settings.search_analyzer
    )


SERVICE = Service(
    name="search",
    summary="makes every record findable, by what it says and by where it stands",
    package=Path(__file__).parent,
    tables=models.Base.metadata,
    routes=api.router,
    reactions=[
        on(ingest.RecordDiscovered, handlers.describe_record),
        on(ingest.RecordUpdated, handlers.describe_record),
        on(ingest.RecordMerged, handlers.bury_merged_record),
        on(screening.RecordAdvanced, handlers.note_decision),
        on(screening.RecordIncluded, handlers.note_decision),
        on(screening.RecordExcluded, handlers.note_decision),
        on(screening.RecordReopened, handlers.note_decision),
    ],
    jobs=[every(seconds=5, run=jobs.rebuild_index)],
    resources=open_resources,
    looks={"index": standing.look_at_index},
)
