"""Screening as one table: what it keeps, what it does on which event, its jobs and its routes."""

from __future__ import annotations

from pathlib import Path

from services.screening import api, jobs, views
from services.screening.models import Base
from services.screening.reactions import cycles, members, protocols, records, statements, texts, theories
from services.screening.store import Plans
from shared.events.ingest import (
    DecisionStated,
    RecordDiscovered,
    RecordMerged,
    RecordNoticed,
    RecordSplit,
    RecordUpdated,
    TextNotRetrieved,
    TextRetrieved,
    TextSought,
    TextWithdrawn,
)
from shared.events.people import MemberJoined, MemberLeft, NameMapped, RoleChanged
from shared.events.protocol import VersionPublished
from shared.events.screening import (
    AgreementFell,
    AgreementRecovered,
    ConflictOpened,
    QueueMoved,
    RecordAdvanced,
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
    TaskParked,
    TaskResumed,
    VoteRevised,
)
from shared.events.synthesis import RevisionPublished, TheoryChanged
from shared.service import Prune, Service, every, on

SERVICE = Service(
    name="screening",
    summary="Hands records to reviewers stage by stage and turns their independent votes into decisions.",
    package=Path(__file__).parent,
    tables=Base.metadata,
    routes=api.router,
    resources=lambda settings: Plans(),
    reactions=[
        on(VersionPublished, protocols.adopt_stages),
        on(RecordDiscovered, records.open_first_task),
        on(RecordUpdated, records.describe_record_anew),
        on(RecordUpdated, statements.follow_moved_sources),
        on(RecordMerged, records.move_votes_to_surviving_record),
        on(RecordSplit, records.return_votes_to_parted_record),
        on(RecordSplit, statements.follow_parted_sources),
        on(DecisionStated, statements.keep_statement),
        on(RecordNoticed, records.flag_report),
        on(TextSought, texts.note_text_is_sought),
        on(TextRetrieved, texts.note_text_is_here),
        on(TextNotRetrieved, texts.note_text_is_not_to_be_had),
        on(TextWithdrawn, texts.note_copy_is_gone),
        on(TheoryChanged, theories.ask_anew_about_exclusions),
        on(MemberJoined, members.wait_for_member),
        on(RoleChanged, members.follow_role),
        # First, since an assignment is locked before tasks are.
        on(MemberLeft, members.leave_pools),
        on(MemberLeft, members.return_what_they_hold),
        on(MemberLeft, members.go_on_without),
        on(NameMapped, members.give_votes_to_person),
        on(RevisionPublished, cycles.end_cycle),
    ],
    jobs=[
        every(minutes=1, run=jobs.return_lapsed_leases),
        every(minutes=1, run=jobs.resume_what_is_due),
        every(minutes=1, run=jobs.apply_amendments),
        every(seconds=5, run=jobs.fold_counts),
        every(seconds=5, run=jobs.replace_old_names),
        every(minutes=5, run=jobs.watch_agreement),
        every(minutes=1, run=jobs.tell_progress),
        every(seconds=5, run=jobs.reopen_for_theories),
        every(seconds=2, run=jobs.carry_out_batches),
        every(seconds=2, run=jobs.move_assigned),
    ],
    prunes=[Prune(jobs.ended_leases, "lease_days"), Prune(jobs.old_conflict_turns, "stream_days")],
    gauges=views.gauges,
    hide=views.hide_what_leads,
    emits=[
        TaskOpened,
        TaskClosed,
        TaskParked,
        TaskResumed,
        VoteRevised,
        ConflictOpened,
        RecordAdvanced,
        RecordIncluded,
        RecordExcluded,
        RecordReopened,
        AgreementFell,
        AgreementRecovered,
        QueueMoved,
    ],
)
