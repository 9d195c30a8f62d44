"""Which records speak in the synthesis, as screening and ingest tell of them."""

from __future__ import annotations

from typing import Any

from services.synthesis import store
from services.synthesis.commands import extraction, notices
from services.synthesis.commands.history import mark_due
from services.synthesis.commands.reports import new_report, own_study, tell_evidence
from services.synthesis.domain.reports import ReportStates
from services.synthesis.domain.states import credible
from services.synthesis.models import ReportRow
from shared.db.work import Work
from shared.errors import Rejected
from shared.events.ingest import RecordMerged, RecordSplit
from shared.events.screening import RecordExcluded, RecordIncluded, RecordReopened
from shared.wire.synthesis import ReportState


def admit_report(work: Work, event: RecordIncluded) -> None:
    """Lets an included record speak, as a study of its own unless it was joined to another."""
    record, report = store.surviving(work, event.review, event.record)
    revision = event.revision if record == event.record else 0
    if record != event.record:
        _note(work, event, ReportStates.INCLUDED)
    if report is not None and revision <= report.revision:
        return
    if report is None:
        report = new_report(work, event.review, record)
    stood, was_credible = report.stands, report.credible
    _redescribe(work, report)
    ReportStates.turn(report, ReportStates.INCLUDED)
    report.revision = revision
    _describe(report, event)
    report.correlation, report.caused_by = work.correlation, work.causation
    notices.apply_waiting(work, report)
    extraction.follow(work, report)
    if report.stands and not stood:
        tell_evidence(work, report, "evidence_restored", "its report is included again")
    elif report.credible != was_credible:
        touched = store.touched(work, event.review, record)
        mark_due(work, event.review, work.causation or event.record, [one.cmoc for one in touched])


def withdraw_report(work: Work, event: RecordExcluded | RecordReopened) -> None:
    """A record is out, or waits for people again: its evidence no longer stands, and stays in the history."""
    report = store.report(work, event.review, event.record)
    state: ReportState = ReportStates.EXCLUDED if isinstance(event, RecordExcluded) else ReportStates.REOPENED
    if report is None:
        # What the protocol's rule left out is most of the literature, and nobody codes it: not kept here.
        if event.stage is not None:
            new_report(work, event.review, event.record, state=state, revision=event.revision)
        return
    if report.state == ReportStates.MERGED:
        _note(work, event, state)
        return
    if event.revision <= report.revision:
        return
    stood = report.stands
    _redescribe(work, report)
    ReportStates.turn(report, state)
    report.revision = event.revision
    extraction.follow(work, report)
    if stood:
        tell_evidence(work, report, "evidence_withdrawn", f"its report is {state}: {event.reason}")


def move_evidence_to_surviving_record(work: Work, event: RecordMerged) -> None:
    """Two records are one work: what the one that is gone had to say, the other says.

    Raises Rejected for a circle of merges.
    """
    store.hold_studies(work, event.review, alone=True)
    gone = store.report(work, event.review, event.record)
    if gone is not None and gone.state == ReportStates.MERGED:
        return
    into, survivor = store.surviving(work, event.review, event.into)
    if into == event.record:
        raise Rejected(f"record {event.record!r} cannot be merged into itself", slug="merge_circle")
    if gone is None:
        gone = new_report(work, event.review, event.record)
    elif survivor is None:
        survivor = _replace(work, gone, into)
    tell_evidence(work, gone, "evidence_moved", f"record {event.record} is record {into}")
    joined = store.records_of_study(work, event.review, gone.study)
    gone.was = {"state": gone.state, "study": gone.study, "joined": joined}
    ReportStates.turn(gone, ReportStates.MERGED)
    gone.merged_into = into
    gone.suspended_by = gone.drilled_by = None
    work.session.flush()
    store.move_evidence(work, event.review, event.record, into)
    if survivor is not None:
        extraction.go_with(work, event.record, survivor)
        store.unite_studies(work, event.review, gone.study, survivor.study)
        store.mark_undescribed_of(work, event.review, joined)
        # Other reports may be of that study, and speak to other CMOCs.
        mark_due(work, event.review, work.causation or event.record, None)
        notices.apply_waiting(work, survivor)


def return_evidence_to_parted_record(work: Work, event: RecordSplit) -> None:
    """A record that was merged into another is one of its own again: what was coded on it before speaks for it, as its
    report stood then or as screening has said since; what was coded since the merger speaks for the other."""
    store.hold_studies(work, event.review, alone=True)
    report = store.report(work, event.review, event.record)
    if report is None or report.state != ReportStates.MERGED:
        return
    _, left = store.surviving(work, event.review, event.out_of)
    was: dict[str, Any] = report.was or {"state": ReportStates.EXCLUDED, "study": None, "joined": []}
    ReportStates.turn(report, was["state"])
    study = was["study"] or own_study(event.review, event.record)
    joined, report.merged_into, report.was = report.study, None, None
    for other in event.brings:
        brought = store.report(work, event.review, other)
        if brought is not None and brought.state == ReportStates.MERGED:
            brought.merged_into = event.record
    work.session.flush()
    store.part_studies(work, event.review, [event.record, *was["joined"]], study, left.study if left else joined)
    work.session.refresh(report)
    store.return_fragments(work, event.review, [event.record, *event.brings], event.record)
    store.mark_undescribed_of(work, event.review, was["joined"])
    extraction.return_to(work, report, event.brings, left)
    notices.apply_waiting(work, report)
    tell_evidence(work, report, "evidence_moved", f"record {event.record} is not record {event.out_of}")
    mark_due(work, event.review, work.causation or event.record, None)


def _redescribe(work: Work, report: ReportRow) -> None:
    """Has it told anew what was coded of a suspended report, of which no CMOC is told as it comes and goes."""
    if report.suspended:
        store.mark_undescribed_of(work, report.review, [report.record])


def _note(work: Work, event: RecordIncluded | RecordExcluded | RecordReopened, state: ReportState) -> None:
    """Notes what screening says of a record that is merged here: it was parted already, or not merged yet, there."""
    gone = store.report(work, event.review, event.record)
    if gone is None or gone.was is None or event.revision <= gone.revision:
        return
    if isinstance(event, RecordExcluded) and event.stage is None:
        # That it lives on in another one is no judgement of it.
        return
    gone.revision, gone.was = event.revision, {**gone.was, "state": state}
    if isinstance(event, RecordIncluded):
        _describe(gone, event)


def _describe(report: ReportRow, event: RecordIncluded) -> None:
    report.title = event.title
    report.judgements = [judgement.model_dump(mode="json") for judgement in event.judgements]
    report.credible = credible(judgement.outcome for judgement in event.judgements)


def _replace(work: Work, gone: ReportRow, into: str) -> ReportRow:
    """A report for the surviving record, where screening has not spoken of it yet: as the gone one stood."""
    survivor = new_report(work, gone.review, into, state=gone.state, revision=0)
    survivor.study, survivor.title = gone.study, gone.title
    survivor.judgements, survivor.credible = gone.judgements, gone.credible
    return survivor
