"""Who belongs to a review: founding one, coming in, another role, leaving, and being forgotten by name."""

from __future__ import annotations

from datetime import datetime

from services.people import store
from services.people.commands.standing import (
    lock_review,
    require_key,
    require_role,
    require_whole_key,
    role_now,
    withdraw,
)
from services.people.domain.access import require_grantable
from services.people.domain.handovers import HandoverStates
from services.people.domain.names import look_of
from services.people.models import MemberRow, PersonRow, ReviewRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.parts import is_slug, require_free
from shared.events.people import HandoverClosed, MemberJoined, MemberLeft, PublicityChanged, RoleChanged
from shared.tokens import ALL_REVIEWS, ROLES, Person
from shared.wire.people import Role

#: The least role of those without whom nobody could let anybody in.
LEADS = ("lead", "admin")


def found(work: Work, review: str, person: Person) -> ReviewRow:
    """Makes a review of which whoever asks is the lead, before it has a protocol.

    Only those who may found one, since they alone come to know that a name is taken. Raises Forbidden, Conflict.
    """
    require_whole_key(work, person)
    founder = store.person(work, person.id)
    leads = [row for row in store.memberships(work, person.id) if row.role in LEADS]
    if not founder.founds and not leads:
        raise Forbidden(
            "a review is founded by a lead of another one, or by whom an admin lets found one", slug="may_not_found"
        )
    if not is_slug(review):
        why = "is no name that a protocol may have: lower-case letters and digits, with single - or _ between them"
        raise Invalid.of("review", why)
    if store.review_to_change(work, review) is not None:
        raise _taken(work, review, person)
    require_free(review)
    store.make_review(work, review, founder.id)
    row = store.review_to_change(work, review)
    if row is None or row.founded_by != founder.id:
        raise _taken(work, review, person)
    join(work, row, founder, "lead", invited_by=None)
    return row


def _taken(work: Work, review: str, person: Person) -> Conflict:
    """What is said of a name that is a review's; more to who may know of all."""
    if role_now(work, person, ALL_REVIEWS) == "admin":
        advice = "it is there already: invite its lead"
    else:
        advice = "take another"
    return Conflict(f"the name {review!r} cannot be had; {advice}", slug="review_taken")


def join(work: Work, review: ReviewRow, person: PersonRow, role: Role, *, invited_by: str | None) -> MemberRow:
    """Makes somebody a member of a review that is held, or one again as the same member.

    Raises Conflict for who is one, and for a name that looks like another member's, of before too.
    """
    found = store.member(work, review.review, person.id)
    if found is not None and found.left_at is None:
        if ROLES.index(found.role) >= ROLES.index(role):
            raise Conflict(f"you belong to review {review.review!r} already, as {found.role}", slug="already_member")
        _change(work, found, role)
        return found
    if found is not None:
        found.role, found.left_at, found.joined_at = role, None, work.now
    else:
        found = _new_member(work, review, person, role)
    work.emit(MemberJoined(review=review.review, person=person.id, role=role, invited_by=invited_by))
    return found


def change_role(work: Work, review: str, member: str, role: Role, person: Person) -> MemberRow:
    """Gives a member another role. Raises Invalid for one beyond the asker's own, Conflict where nobody could lead the
    review any more."""
    lock_review(work, review)
    own = require_role(work, person, review, "lead")
    found = _standing(work, review, member)
    require_grantable(role, own)
    require_grantable(found.role, own, of="member")
    if found.role == role:
        return found
    if role not in LEADS:
        _require_other_lead(work, review, found)
    _change(work, found, role)
    withdraw(work, review, [member])
    return found


def set_role(work: Work, member: MemberRow, role: Role) -> None:
    """Gives a member of a review that is held a role, who keeps a greater one; the tokens of before count no more."""
    if member.role == role or (role == "lead" and member.role in LEADS):
        return
    if role not in LEADS:
        _require_other_lead(work, member.review, member)
    _change(work, member, role)
    withdraw(work, member.review, [member.person])


def leave(work: Work, review: str, member: str, person: Person) -> tuple[MemberRow, int]:
    """Ends a membership: one's own, or for a lead anybody's of no higher role. What they decided stands; answers the
    membership, and the number of the withdrawal. Raises Conflict for the last lead."""
    lock_review(work, review)
    found = _standing(work, review, member)
    if member != person.id:
        require_grantable(found.role, require_role(work, person, review, "lead"), of="member")
    else:
        require_key(work, person)
    return found, end(work, found)


def end(work: Work, member: MemberRow) -> int:
    """Ends a membership of a review that is held; answers the number of the withdrawal."""
    _require_other_lead(work, member.review, member)
    member.left_at = work.now
    work.emit(MemberLeft(review=member.review, person=member.person, role=member.role))
    _close_handover(work, member)
    return withdraw(work, member.review, [member.person])


def _close_handover(work: Work, member: MemberRow) -> None:
    """Ends the proposal that whoever leaves takes the review over, or gives it away: who comes back later is asked
    anew."""
    row = store.open_handover(work, member.review)
    if row is None or member.person not in (row.to, row.by):
        return
    declined = member.person == row.to and work.actor == row.to
    HandoverStates.turn(row, HandoverStates.DECLINED if declined else HandoverStates.TAKEN_BACK)
    row.closed_at = work.now
    work.emit(HandoverClosed(review=row.review, handover=row.id, how=row.state, by=work.actor))


def set_pseudonyms(work: Work, review: str, wanted: bool, person: Person) -> ReviewRow:
    """Shows members of a review each other's numbers, or their names."""
    row = lock_review(work, review)
    require_role(work, person, review, "lead")
    row.pseudonyms = wanted
    return row


def set_public(work: Work, review: str, wanted: bool, person: Person) -> ReviewRow:
    """Lets anybody read what a review has published, or its members alone. The tokens by which others read it count no
    more from then on."""
    row = lock_review(work, review)
    require_role(work, person, review, "lead")
    if row.public != wanted:
        row.public = wanted
        work.emit(PublicityChanged(review=review, public=wanted))
        if not wanted:
            withdraw(work, review, [Person.anybody(review).id])
    return row


def erase_name(work: Work, person_id: str, person: Person) -> PersonRow:
    """Forgets what somebody is called, and which old names are theirs, for good; all they decided stays, under their
    id, and whose the old names are stays said. For themselves, or an admin of all. Their keys and memberships stay."""
    if person_id != person.id:
        require_role(work, person, ALL_REVIEWS, "admin")
    else:
        require_whole_key(work, person)
    row = store.person(work, person_id)
    for member in store.memberships(work, person_id, everything=True):
        member.look = f"erased {person_id}"
    if row.name is not None:
        row.name, row.erased_at = None, work.now
    if (signs_in := store.sign_in_of(work, person_id)) is not None:
        store.forget_sign_in(work, signs_in)
    store.forget_old_names(work, person_id)
    return row


def enroll(
    work: Work, review: ReviewRow, person: str, role: Role, *, look: str, left_at: datetime | None = None
) -> MemberRow:
    """Writes somebody down as a member of a review that is held, or with `left_at` as one of before, whose look is no
    other member's. Nobody is told."""
    review.numbered += 1
    member = work.add(
        MemberRow(
            review=review.review, person=person, role=role, look=look, number=review.numbered, joined_at=work.now,
            left_at=left_at,
        )
    )  # fmt: skip
    work.session.flush()
    return member


def _new_member(work: Work, review: ReviewRow, person: PersonRow, role: Role) -> MemberRow:
    look = look_of(person.name) if person.name is not None else f"erased {person.id}"
    if store.member_like(work, review.review, look) is not None:
        why = "looks like that of another member, of now or before; add what tells you apart, or ask to be let in again"
        raise Conflict(f"name: {why}", slug="looks_alike", errors=[{"at": "name", "why": why}])
    return enroll(work, review, person.id, role, look=look)


def _change(work: Work, member: MemberRow, role: Role) -> None:
    before, member.role = member.role, role
    work.emit(RoleChanged(review=member.review, person=member.person, role=role, before=before))


def _standing(work: Work, review: str, person_id: str) -> MemberRow:
    """A membership that has not ended. Raises NotFound."""
    found = store.member(work, review, person_id)
    if found is None or found.left_at is not None:
        raise NotFound(f"review {review!r} has no member {person_id!r}", slug="unknown_member")
    return found


def _require_other_lead(work: Work, review: str, member: MemberRow) -> None:
    if member.role in LEADS and store.other_leads(work, review, member.person) == 0:
        of = "the platform's last admin" if review == ALL_REVIEWS else f"the last lead of review {review!r}"
        raise Conflict(f"this is {of}: let another in first", slug="last_lead")
