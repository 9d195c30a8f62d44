"""What screening does when somebody leaves a review: what they hold goes to others, what they decided stands."""

from __future__ import annotations

from services.screening.commands import queue
from shared.db.work import Work
from shared.events.people import MemberLeft


def return_what_they_hold(work: Work, event: MemberLeft) -> None:
    """Gives back every record, and every conflict, that somebody holds who left the review."""
    if returned := queue.return_all_of(work, event.review, event.person):
        work.note("slots of somebody who left were returned", review=event.review, slots=returned)
