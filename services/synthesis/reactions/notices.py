"""A retraction suspends the evidence of a report, and a reinstatement brings back exactly what was there before."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.commands import notices
from services.synthesis.models import NoticeRow
from shared.db.work import Work
from shared.events.ingest import RecordNoticed


def suspend_or_restore_fragments(work: Work, event: RecordNoticed) -> None:
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
        notices.apply_waiting(work, report)
