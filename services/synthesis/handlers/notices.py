"""Notices: a retraction suspends a report's evidence, a reinstatement brings back exactly what was there before."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.domain.notices import effect_of
from services.synthesis.domain.triggers import REPORT_NOTICED, Fired
from services.synthesis.handlers.ledger import Happening, log_triggers, mark_due, tell_theories
from services.synthesis.models import NoticeRow, RejudgementRow, ReportRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import RecordNoticed
from shared.events.synthesis import RejudgementClosed, RejudgementOpened
from shared.ids import id_of


def suspend_or_restore_fragments(event: RecordNoticed, work: Work) -> None:
    """Keeps a notice, and applies it to the record's report, or as soon as there is one."""
    if store.notice(work, event.review, event.notice) is not None:
        return
    record, report = store.surviving(work, event.review, event.record)
    work.add(
        NoticeRow(
            review=event.review, notice=event.notice, record=record, kind=event.kind, reason=event.reason,
            source=event.source, drill=event.drill, heard_at=work.now, correlation=work.correlation,
            event_id=work.causation,
        )
    )  # fmt: skip
    if report is not None:
        apply_waiting(report, work)


def apply_waiting(report: ReportRow, work: Work) -> None:
    """Applies the notices that waited for this report to be included, in the order they came."""
    if report.state != "included":
        return
    work.session.flush()
    for notice in store.notices(work, report.review, [report.record]):
        if not notice.applied:
            notice.applied = True
            with work.following(notice.correlation, notice.event_id):
                _apply(notice, report, work)


def close_rejudgement(review: str, rejudgement: str, how: str, work: Work) -> RejudgementRow:
    """A person judged the CMOC anew. Raises NotFound, and Conflict when that was done already."""
    row = store.rejudgement_to_change(work, review, rejudgement)
    if row.state != "open":
        raise Conflict(f"re-judgement {rejudgement!r} was closed by {row.closed_by}: {row.how}", slug="closed")
    with work.following(row.correlation, row.event_id):
        mark_due(work, review, _close(row, how, work))
    return row


def _apply(notice: NoticeRow, report: ReportRow, work: Work) -> None:
    """A drill and the real thing suspend a report apart from each other, so that the end of a drill cannot
    bring back what was retracted in earnest."""
    effect, by = effect_of(notice.kind), "drilled_by" if notice.drill else "suspended_by"
    touched = store.touched(work, report.review, report.record)
    if effect == "flags":
        _open_rejudgements(notice, report, touched, work)
    elif effect == "suspends" and getattr(report, by) is None:
        setattr(report, by, notice.notice)
        _tell(notice, report, touched, "evidence_withdrawn", work)
        _open_rejudgements(notice, report, touched, work)
    elif effect == "lifts" and getattr(report, by) is not None:
        setattr(report, by, None)
        _tell(notice, report, touched, "reinstated", work)
        _close_what_it_opened(notice, report, work)
    if touched:
        fired = [Fired(REPORT_NOTICED, notice.notice, _why(notice, report))]
        log_triggers(work, store.review(work, report.review), fired, drill=notice.drill)
        mark_due(work, report.review, work.causation or notice.notice)


def _tell(notice: NoticeRow, report: ReportRow, touched: list[store.Touched], happened: str, work: Work) -> None:
    if touched:
        happenings = [Happening(one.cmoc, happened, _why(notice, report), links=one.links) for one in touched]
        tell_theories(work, store.review(work, report.review), happenings, drill=notice.drill)


def _why(notice: NoticeRow, report: ReportRow) -> str:
    return f"{notice.kind} of record {report.record}: {notice.reason}"


def _open_rejudgements(notice: NoticeRow, report: ReportRow, touched: list[store.Touched], work: Work) -> None:
    for one in touched:
        rejudgement = id_of("rejudge", report.review, notice.notice, one.cmoc)
        if work.session.get(RejudgementRow, rejudgement) is not None:
            continue
        why = f"{len(one.links)} of its links come from record {report.record} ({notice.kind}: {notice.reason})"
        event_id = work.emit(
            RejudgementOpened(
                review=report.review, rejudgement=rejudgement, cmoc=one.cmoc, record=report.record,
                notice=notice.notice, why=why, drill=notice.drill,
            )
        )  # fmt: skip
        work.add(
            RejudgementRow(
                id=rejudgement, review=report.review, cmoc=one.cmoc, record=report.record, notice=notice.notice,
                kind=notice.kind, why=why, drill=notice.drill, opened_at=work.now, correlation=work.correlation,
                event_id=event_id,
            )
        )  # fmt: skip


def _close_what_it_opened(notice: NoticeRow, report: ReportRow, work: Work) -> None:
    work.session.flush()
    for row in store.rejudgements_a_reinstatement_ends(work, report.review, report.record, notice.drill):
        _close(row, "no longer needed: the report was reinstated", work)


def _close(row: RejudgementRow, how: str, work: Work) -> str:
    row.state, row.closed_at, row.closed_by, row.how = "closed", work.now, work.actor, how
    return work.emit(RejudgementClosed(review=row.review, rejudgement=row.id, cmoc=row.cmoc, how=how, drill=row.drill))
