"""Synthesis: holds the coded evidence against the theories, and keeps the signed revisions of what they say."""

from __future__ import annotations

from pathlib import Path

from services.synthesis import api, jobs, models
from services.synthesis.ports.dois.open import open_dois
from services.synthesis.reactions import cadence, handovers, notices, people, quotes, reports, theories
from shared.events import ingest, protocol, screening, synthesis
from shared.events.people import HandoverAccepted, NameMapped
from shared.service import Prune, Service, every, on

SERVICE = Service(
    name="synthesis",
    summary="holds the coded evidence against the theories, and keeps the signed revisions of what they say",
    package=Path(__file__).parent,
    tables=models.Base.metadata,
    routes=api.router,
    reactions=[
        on(protocol.VersionPublished, theories.adopt_theories),
        on(screening.RecordIncluded, reports.admit_report),
        on(screening.RecordExcluded, reports.withdraw_report),
        on(screening.RecordReopened, reports.withdraw_report),
        on(ingest.RecordMerged, reports.move_evidence_to_surviving_record),
        on(ingest.RecordSplit, reports.return_evidence_to_parted_record),
        on(ingest.RecordNoticed, notices.suspend_or_restore_fragments),
        on(ingest.AnchorFound, quotes.find_quote_again),
        on(ingest.AnchorLost, quotes.lose_quote),
        on(ingest.RunFinished, cadence.note_searched_through),
        on(ingest.SearchFulfilled, cadence.note_search),
        on(HandoverAccepted, handovers.note_handover),
        on(NameMapped, people.put_person_for_old_name),
    ],
    jobs=[
        every(seconds=2, run=jobs.resynthesise),
        every(seconds=2, run=jobs.describe_fragments),
        every(seconds=5, run=jobs.open_extractions),
        every(minutes=1, run=jobs.return_lapsed_codings),
        every(minutes=1, run=jobs.deposit_revisions),
        every(hours=1, run=jobs.watch_cadence),
    ],
    prunes=[Prune(jobs.triggers_of_earlier_cycles, "trigger_days")],
    emits=[
        synthesis.EvidenceLinked,
        synthesis.FragmentDescribed,
        synthesis.LinkAppraised,
        synthesis.ExtractionOpened,
        synthesis.ExtractionFinished,
        synthesis.ExtractionReconciled,
        synthesis.CharacteristicsRecorded,
        synthesis.ConfidenceJudged,
        synthesis.TheoryChanged,
        synthesis.ProposalOpened,
        synthesis.ProposalClosed,
        synthesis.RejudgementOpened,
        synthesis.RejudgementClosed,
        synthesis.LinksQuestioned,
        synthesis.LinksRejudged,
        synthesis.CommentMade,
        synthesis.CommentAnswered,
        synthesis.CommentResolved,
        synthesis.RevisionDrafted,
        synthesis.RevisionPublished,
        synthesis.RevisionWithdrawn,
        synthesis.DoiAssigned,
        synthesis.ReviewOverdue,
        synthesis.CourseChanged,
        synthesis.ReportTextWritten,
    ],
    resources=open_dois,
)
