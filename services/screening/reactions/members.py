"""What screening does when somebody joins or leaves a review or has another role, or turns out to be whom votes of
before are by a name."""

from __future__ import annotations

from services.screening import store
from services.screening.commands import assigning, conflicts, queue
from shared.db.work import Work
from shared.errors import Rejected
from shared.events.people import MemberJoined, MemberLeft, NameMapped, RoleChanged


def return_what_they_hold(work: Work, event: MemberLeft) -> None:
    """Gives back every record, and every conflict, that somebody holds who left the review."""
    if returned := queue.return_all_of(work, event.review, event.person):
        work.note("slots of somebody who left were returned", review=event.review, slots=returned)


def go_on_without(work: Work, event: MemberLeft) -> None:
    """Has the conflicts that somebody was to decide with others go on without them."""
    conflicts.go_on_without(work, event.review, event.person)


def leave_pools(work: Work, event: MemberLeft) -> None:
    """Leaves what somebody was assigned to the others, or to anybody."""
    assigning.go_on_without(work, event.review, event.person)


def wait_for_member(work: Work, event: MemberJoined) -> None:
    """Has conflicts wait for somebody again who may vote."""
    _follow(work, event.review, event.person, event.role)


def follow_role(work: Work, event: RoleChanged) -> None:
    """Has conflicts, and what is assigned, wait no more for a voter who only reads from now on, and conflicts for one
    who may vote again."""
    _follow(work, event.review, event.person, event.role)


def _follow(work: Work, review: str, person: str, role: str) -> None:
    if role == "reader":
        assigning.go_on_without(work, review, person)
        conflicts.go_on_without(work, review, person)
    else:
        store.set_absent(work, review, person, False)


def give_votes_to_person(work: Work, event: NameMapped) -> None:
    """Keeps whose a name of before is; a job has its votes be that person's, some at a time. Raises Rejected for a name
    that is another's."""
    row = store.old_name_to_change(work, event.review, event.name)
    if row is None:
        return
    if row.person not in (None, event.person):
        raise Rejected(f"in review {event.review!r} the name {event.name!r} is {row.person!r}'s already")
    row.person, row.caused_by, row.correlation = event.person, work.causation, work.correlation
    # Nobody acts under that name any more.
    assigning.go_on_without(work, event.review, event.name)
