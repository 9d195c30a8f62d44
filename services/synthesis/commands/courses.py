"""The course of a review: a lead says that it rests, has ended, or goes on, and why."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.models import CourseRow, ReviewRow
from shared.db.work import Work
from shared.events.synthesis import CourseChanged
from shared.wire.synthesis import NewCourse


def set_course(work: Work, review_id: str, wish: NewCourse) -> ReviewRow:
    """Has a review go on, rest or end. While it rests nobody is told that it is late; once it goes on, it is due as it
    was before. What it is already changes nothing but why."""
    review = store.review_to_change(work, review_id)
    if (review.course, review.course_why) == (wish.course, wish.why):
        return review
    before, review.course, review.course_why = review.course, wish.course, wish.why
    if before != wish.course:
        review.course_since = work.now
    event_id = work.emit(
        CourseChanged(
            review=review_id, course=wish.course, before=before, why=wish.why, by=work.actor, since=review.course_since
        )
    )  # fmt: skip
    work.add(CourseRow(review=review_id, what=wish.course, why=wish.why, by=work.actor, at=work.now, event_id=event_id))
    return review
