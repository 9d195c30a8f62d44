"""A retraction suspends the evidence of a report, and a reinstatement brings back exactly what was there before."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.commands import notices
from services.synthesis.models import NoticeRow
from shared.db.work import Work
from shared.events.ingest import RecordNoticed


def suspend_or_restore_fragments(work: Work, event: RecordNoticed) -> None:
    """Keeps a notice, and applies it to the record's report, or as soon as there is one. One that is told again of
    another record went there when two records were parted or made one."""
    store.hold_studies(work, event.review, alone=True)
    record, report = store.surviving(work, event.review, event.record)
    known = store.notice(work, event.review, event.notice)
    if known is not None:
        if known.record != record and (known.emitted_at is None or known.emitted_at < work.occurred):
            notices.move(work, known, record, report)
            known.emitted_at = work.occurred
        return
    work.add(
        NoticeRow(
            review=event.review, notice=event.notice, record=record, kind=event.kind, reason=event.reason,
            source=event.source, drill=event.drill, emitted_at=work.occurred, heard_at=work.now,
            correlation=work.correlation, event_id=work.causation,
        )
    )  # fmt: skip
    if report is not None:
        notices.apply_waiting(work, report)
