"""Reports: which records speak in the synthesis, for which study, and what a notice about one does."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.domain.states import credible
from services.synthesis.handlers import notices
from services.synthesis.handlers.ledger import Happening, mark_due, tell_theories
from services.synthesis.models import ReportRow
from shared.db.work import Work
from shared.errors import Conflict, NotFound, Rejected
from shared.events.ingest import RecordMerged
from shared.events.screening import RecordExcluded, RecordIncluded, RecordReopened
from shared.ids import id_of


def admit_report(event: RecordIncluded, work: Work) -> None:
    """Lets an included record speak, as a study of its own unless it was joined to another."""
    record, report = store.surviving(work, event.review, event.record)
    revision = event.revision if record == event.record else 0
    if report is not None and revision <= report.revision:
        return
    if report is None:
        report = _new_report(event.review, record, work)
    stood = report.stands
    report.state, report.revision, report.title = "included", revision, event.title
    report.judgements = [judgement.model_dump(mode="json") for judgement in event.judgements]
    report.credible = credible(judgement.outcome for judgement in event.judgements)
    report.correlation, report.caused_by = work.correlation, work.causation
    notices.apply_waiting(report, work)
    if report.stands and not stood:
        _tell(report, "evidence_restored", "its report is included again", work)


def withdraw_report(event: RecordExcluded | RecordReopened, work: Work) -> None:
    """A record is out, or waits for people again: its evidence no longer stands, and stays in the history."""
    report = store.report(work, event.review, event.record)
    state = "excluded" if isinstance(event, RecordExcluded) else "reopened"
    if report is None:
        # What the protocol's rule left out is most of the literature, and nobody codes it: not kept here.
        if event.stage is not None:
            _new_report(event.review, event.record, work, state=state, revision=event.revision)
        return
    if report.state == "merged" or event.revision <= report.revision:
        return
    stood = report.stands
    report.state, report.revision = state, event.revision
    if stood:
        _tell(report, "evidence_withdrawn", f"its report is {state}: {event.reason}", work)


def move_evidence_to_surviving_record(event: RecordMerged, work: Work) -> None:
    """Two records are one work: what the one that is gone had to say, the other says.

    Raises Rejected for a circle of merges.
    """
    gone = store.report(work, event.review, event.record)
    if gone is not None and gone.state == "merged":
        return
    into, survivor = store.surviving(work, event.review, event.into)
    if into == event.record:
        raise Rejected(f"record {event.record!r} cannot be merged into itself", slug="merge_circle")
    if gone is None:
        gone = _new_report(event.review, event.record, work)
    elif survivor is None:
        survivor = _take_the_place_of(gone, into, work)
    _tell(gone, "evidence_moved", f"record {event.record} is record {into}", work)
    gone.state, gone.merged_into = "merged", into
    gone.suspended_by = gone.drilled_by = None
    work.session.flush()
    store.move_evidence(work, event.review, event.record, into)
    if survivor is not None:
        store.unite_studies(work, event.review, gone.study, survivor.study)
        notices.apply_waiting(survivor, work)


def join_study(review: str, record: str, same_as: str | None, why: str, work: Work) -> ReportRow:
    """Counts a record's report as one of another's study, or as a study of its own again.

    Raises NotFound for a record that has no report here, Conflict for one that was merged away.
    """
    report, other = _present(review, record, work), _present(review, same_as, work) if same_as else None
    study = other.study if other else _own_study(review, record)
    if study != report.study:
        before, report.study = report.study, study
        _tell(report, "studies_joined" if other else "studies_parted", why, work, before=before, after=study)
    return report


def _new_report(review: str, record: str, work: Work, *, state: str = "excluded", revision: int = -1) -> ReportRow:
    return work.add(
        ReportRow(
            review=review, record=record, state=state, revision=revision, study=_own_study(review, record),
            correlation=work.correlation, caused_by=work.causation,
        )
    )  # fmt: skip


def _own_study(review: str, record: str) -> str:
    return id_of("study", review, record)


def _take_the_place_of(gone: ReportRow, into: str, work: Work) -> ReportRow:
    """A report for the surviving record, where screening has not spoken of it yet: as the gone one stood."""
    survivor = _new_report(gone.review, into, work, state=gone.state, revision=0)
    survivor.study, survivor.title = gone.study, gone.title
    survivor.judgements, survivor.credible = gone.judgements, gone.credible
    return survivor


def _present(review: str, record: str, work: Work) -> ReportRow:
    report = store.report(work, review, record)
    if report is None:
        raise NotFound(f"synthesis has no report of record {record!r} in review {review!r}")
    if report.merged_into is not None:
        raise Conflict(f"record {record!r} was merged into {report.merged_into!r}: join that one", slug="merged")
    return report


def _tell(report: ReportRow, happened: str, why: str, work: Work, **change: str | None) -> None:
    """Tells every CMOC that a report speaks to what became of its evidence, and marks the review due."""
    touched = store.touched(work, report.review, report.record)
    if not touched:
        return
    review = store.review(work, report.review)
    happenings = [Happening(one.cmoc, happened, why, links=one.links, **change) for one in touched]
    told = tell_theories(work, review, happenings)
    mark_due(work, report.review, work.causation or told[0])
