"""What screening does when somebody leaves a review, or turns out to be whom votes of before are by a name."""

from __future__ import annotations

from services.screening import store
from services.screening.commands import queue
from shared.db.work import Work
from shared.errors import Rejected
from shared.events.people import MemberLeft, NameMapped


def return_what_they_hold(work: Work, event: MemberLeft) -> None:
    """Gives back every record, and every conflict, that somebody holds who left the review."""
    if returned := queue.return_all_of(work, event.review, event.person):
        work.note("slots of somebody who left were returned", review=event.review, slots=returned)


def give_votes_to_person(work: Work, event: NameMapped) -> None:
    """Keeps whose a name of before is; a job has its votes be that person's, some at a time. Raises Rejected for a name
    that is another's."""
    row = store.old_name_to_change(work, event.review, event.name)
    if row is None:
        return
    if row.person not in (None, event.person):
        raise Rejected(f"in review {event.review!r} the name {event.name!r} is {row.person!r}'s already")
    row.person, row.caused_by, row.correlation = event.person, work.causation, work.correlation
