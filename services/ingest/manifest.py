"""Ingest: pulls new literature from bibliographic sources and keeps one record for each work."""

from __future__ import annotations

from pathlib import Path

import httpx

from services.ingest import api, handlers, jobs, pruning
from services.ingest.models import Base
from services.ingest.sources.catalog import open_sources
from services.ingest.sources.port import Source
from shared.events import ingest, protocol
from shared.service import Prune, Service, every, on
from shared.settings import Settings


class Sources(dict[str, Source]):
    """The sources by their names, on one HTTP client."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.Client()
        super().__init__(open_sources(settings, self._client))

    def close(self) -> None:
        self._client.close()


SERVICE = Service(
    name="ingest",
    summary="Pulls new literature from bibliographic sources and keeps one record for each work.",
    package=Path(__file__).parent,
    tables=Base.metadata,
    routes=api.router,
    reactions=[
        on(protocol.VersionPublished, handlers.watches.adopt_watches),
    ],
    jobs=[every(seconds=30, run=jobs.pull_due_watches)],
    prunes=[Prune(pruning.items_of_finished_runs, "run_item_days")],
    gauges=jobs.gauges,
    emits=[
        ingest.RecordDiscovered,
        ingest.RecordUpdated,
        ingest.RecordMerged,
        ingest.RecordNoticed,
        ingest.RunFinished,
        ingest.SourceDrifted,
    ],
    resources=Sources,
)
