"""Handing a review over: a lead proposes who takes it, and it changes hands once they accept. There always is one."""

from __future__ import annotations

from services.people import store
from services.people.commands import members
from services.people.commands.standing import is_owner, lock_review, require_key, require_role
from services.people.domain.handovers import HandoverStates
from services.people.models import HandoverRow, MemberRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid
from shared.events.people import HandoverAccepted, HandoverClosed, HandoverProposed
from shared.ids import new_id
from shared.tokens import ALL_REVIEWS, Person
from shared.wire.people import HandoverClosing, NewHandover


def propose(work: Work, review: str, wish: NewHandover, person: Person) -> HandoverRow:
    """Proposes that a member takes a review over. Nothing changes before they accept. Raises Invalid for whom it cannot
    be, Conflict while another proposal is open."""
    lock_review(work, review)
    require_role(work, person, review, "lead")
    if wish.to == person.id:
        raise Invalid.of("to", "somebody else is to take it over")
    member = store.member(work, review, wish.to)
    if member is None or member.left_at is not None:
        raise Invalid.of("to", "is no member of this review; invite them first", slug="unknown_member")
    if store.open_handover(work, review) is not None:
        raise Conflict(
            f"a handover of review {review!r} is open already: take it back before you propose another",
            slug="handover_open",
        )
    row = work.add(
        HandoverRow(
            id=new_id("handover"), review=review, by=person.id, to=wish.to, why=wish.why, stays_as=wish.stays_as,
            proposed_at=work.now,
        )
    )  # fmt: skip
    work.session.flush()
    work.emit(HandoverProposed(review=review, handover=row.id, by=row.by, to=row.to, why=row.why))
    return row


def accept(work: Work, review: str, handover: str, person: Person) -> HandoverRow:
    """Has whom it names lead the review, and then whoever proposed it step back. Raises Conflict for one that is not
    open, and where whoever proposed it leads the review no more."""
    row = _of(work, review, handover)
    member = _named(work, row, person)
    _require_open(row)
    before = _proposer(work, row)
    HandoverStates.turn(row, HandoverStates.ACCEPTED)
    row.closed_at = work.now
    # First one more lead, then one less: at no moment there is none.
    members.set_role(work, member, "lead")
    if before is not None:
        members.set_role(work, before, row.stays_as)
    work.emit(HandoverAccepted(review=review, handover=row.id, before=row.by, to=row.to, why=row.why))
    return row


def close(work: Work, review: str, handover: str, wish: HandoverClosing, person: Person) -> HandoverRow:
    """Has nobody take the review over: whom it names declines, or a lead takes it back."""
    row = _of(work, review, handover)
    if wish.how == HandoverStates.DECLINED:
        _named(work, row, person)
    else:
        require_role(work, person, review, "lead")
    _require_open(row)
    HandoverStates.turn(row, wish.how)
    row.closed_at = work.now
    work.emit(HandoverClosed(review=review, handover=row.id, how=wish.how, by=person.id))
    return row


def _of(work: Work, review: str, handover: str) -> HandoverRow:
    """A proposal of a review that is held."""
    lock_review(work, review)
    return store.handover(work, review, handover)


def _named(work: Work, row: HandoverRow, person: Person) -> MemberRow:
    """The membership of whom it names, who asks by a key of their own. Raises Forbidden for anybody else."""
    require_key(work, person)
    member = store.member(work, row.review, person.id)
    if person.id != row.to or member is None or member.left_at is not None:
        raise Forbidden("this is for whom the handover names, while they are a member", slug="not_named")
    return member


def _require_open(row: HandoverRow) -> None:
    if row.state != HandoverStates.OPEN:
        raise Conflict(f"this handover is {row.state.replace('_', ' ')} already", slug="handover_closed")


def _proposer(work: Work, row: HandoverRow) -> MemberRow | None:
    """The membership of whoever proposed it, who leads the review still; None of who leads it without being a member.
    Raises Conflict where they lead it no more."""
    member = store.member(work, row.review, row.by)
    if member is not None and member.left_at is None and member.role in members.LEADS:
        return member
    everywhere = store.member(work, ALL_REVIEWS, row.by)
    leads_all = everywhere is not None and everywhere.left_at is None and everywhere.role in members.LEADS
    if leads_all or is_owner(Person(row.by)):
        return None
    raise Conflict(
        "whoever proposed this leads the review no more: a lead is to propose it anew", slug="handover_lapsed"
    )
