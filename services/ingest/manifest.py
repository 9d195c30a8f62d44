"""Ingest: pulls new literature from bibliographic sources and keeps one record for each work."""

from __future__ import annotations

from pathlib import Path

from services.ingest import api, reactions, views
from services.ingest.jobs import (
    copies,
    exporting,
    importing,
    keying,
    parsing,
    previewing,
    proposing,
    pruning,
    pulling,
    quotas,
    reparsing,
    searching,
    texts,
)
from services.ingest.models import Base
from services.ingest.ports.sources.catalog import Sources
from shared.events import ingest, protocol, screening, synthesis
from shared.service import Prune, Service, every, on

SERVICE = Service(
    name="ingest",
    summary="Pulls new literature from bibliographic sources and keeps one record for each work.",
    package=Path(__file__).parent,
    tables=Base.metadata,
    routes=api.router,
    reactions=[
        on(protocol.VersionPublished, reactions.adopt_watches),
        on(screening.RecordAdvanced, reactions.note_stage),
        on(screening.RecordIncluded, reactions.note_inclusion),
        on(screening.RecordExcluded, reactions.follow_no_more),
        on(screening.RecordReopened, reactions.follow_again),
        on(synthesis.EvidenceLinked, reactions.note_coded),
        on(synthesis.LinksRejudged, reactions.forget_rejudged),
        on(synthesis.ExtractionReconciled, reactions.forget_dropped),
        on(synthesis.TheoryChanged, reactions.forget_withdrawn),
    ],
    jobs=[
        every(seconds=30, run=pulling.pull_due_watches),
        every(seconds=5, run=reparsing.reparse_answers),
        every(seconds=2, run=importing.take_in_files),
        every(seconds=2, run=exporting.make_exports),
        every(seconds=2, run=previewing.ask_ahead),
        every(seconds=5, run=keying.make_keys_anew),
        every(seconds=60, run=copies.find_open_copies),
        every(seconds=60, run=searching.announce_due_searches),
        every(seconds=60, run=texts.seek_texts_of_before),
        every(seconds=60, run=texts.fetch_open_texts),
        every(seconds=2, run=parsing.parse_texts),
        every(seconds=60, run=parsing.have_texts_parsed_anew),
        every(seconds=5, run=proposing.propose),
    ],
    prunes=[
        Prune(pruning.items_of_finished_runs, "run_item_days"),
        Prune(exporting.forget_exports, "export_days"),
        Prune(pruning.uploads_of_long_ago, "command_days"),
        Prune(pruning.previews_of_long_ago, "preview_days"),
        Prune(pruning.parses_of_long_ago, "parse_days"),
        Prune(quotas.days_of_long_ago, "quota_days"),
        Prune(pruning.answers_of_finished_runs, "raw_answer_days"),
    ],
    gauges=pulling.gauges,
    hide=views.hide_statements,
    emits=[
        ingest.RecordDiscovered,
        ingest.RecordUpdated,
        ingest.RecordMerged,
        ingest.RecordSplit,
        ingest.RecordNoticed,
        ingest.RecordCorrected,
        ingest.DecisionStated,
        ingest.RecordAdded,
        ingest.RecordRelated,
        ingest.TextSought,
        ingest.TextRetrieved,
        ingest.TextNotRetrieved,
        ingest.TextWithdrawn,
        ingest.TextParsed,
        ingest.AnchorFound,
        ingest.AnchorLost,
        ingest.RunFinished,
        ingest.SweepFinished,
        ingest.FileImported,
        ingest.SearchDue,
        ingest.SearchFulfilled,
        ingest.LackAccepted,
        ingest.WatchStopped,
        ingest.SourceDrifted,
        ingest.SourceParked,
        ingest.SourceResumed,
        ingest.ProposerEvaluated,
        ingest.ProposerSwitched,
    ],
    resources=Sources.open,
    blobs=True,
)
