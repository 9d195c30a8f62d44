"""What synthesis does when a review changes hands: it stands in the review's course."""

from __future__ import annotations

from services.synthesis.models import CourseRow
from shared.db.work import Work
from shared.events.people import HandoverAccepted


def note_handover(work: Work, event: HandoverAccepted) -> None:
    """Keeps that a review has another lead, and why, beside when it was paused and went on."""
    work.add(
        CourseRow(
            review=event.review, what="handed_over", why=event.why, by=event.before, to=event.to, at=work.occurred,
            event_id=work.causation or "",
        )
    )  # fmt: skip
