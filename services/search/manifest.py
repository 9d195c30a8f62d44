"""Search: makes records, and what the synthesis says of them, findable by what they say and by where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.search import api, models, reactions
from services.search.jobs import alerts, marks, rebuild
from services.search.ports.index import SearchIndex, open_index
from shared.db.work import Work
from shared.events import ingest, people, protocol, screening, synthesis
from shared.events.search import AlertMatched
from shared.service import HIDDEN, Service, every, on
from shared.settings import Settings


def open_resources(settings: Settings) -> SearchIndex:
    """The index that the settings name."""
    return open_index(
        settings.resolved(settings.search_url), name=settings.search_index, analyzer=settings.search_analyzer
    )


def hide_what_others_seek(work: Work, events: Sequence[dict[str, Any]]) -> None:
    """Takes out of alerts whose they are and what they found: what somebody looks for is theirs."""
    for event in events:
        if event["type"] == AlertMatched.type:
            event["data"] |= {"owner": HIDDEN, "records": []}


SERVICE = Service(
    name="search",
    summary="makes records, and what the synthesis says, findable by their words and by where they stand",
    package=Path(__file__).parent,
    tables=models.Base.metadata,
    routes=api.router,
    reactions=[
        on(ingest.RecordDiscovered, reactions.describe_record),
        on(ingest.RecordUpdated, reactions.describe_record),
        on(ingest.RecordMerged, reactions.bury_merged_record),
        on(ingest.RecordSplit, reactions.describe_record),
        on(ingest.RecordNoticed, reactions.note_notice),
        on(screening.TaskOpened, reactions.note_stage),
        on(screening.RecordAdvanced, reactions.note_decision),
        on(screening.RecordIncluded, reactions.note_decision),
        on(screening.RecordExcluded, reactions.note_decision),
        on(screening.RecordReopened, reactions.note_decision),
        on(protocol.VersionPublished, reactions.describe_piece),
        on(synthesis.FragmentDescribed, reactions.describe_piece),
        on(synthesis.TheoryChanged, reactions.describe_piece),
        on(synthesis.RevisionDrafted, reactions.describe_piece),
        on(synthesis.RevisionPublished, reactions.describe_piece),
        on(synthesis.RevisionWithdrawn, reactions.describe_piece),
        on(people.MemberLeft, reactions.end_alerts),
        on(people.AccessWithdrawn, reactions.end_alerts_of_key),
    ],
    jobs=[every(seconds=5, run=rebuild.rebuild_index), every(seconds=2, run=alerts.tell_matches)],
    emits=[AlertMatched],
    hide=hide_what_others_seek,
    resources=open_resources,
    looks={"index": marks.look_at_index},
)
