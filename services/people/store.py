"""Every query of people, and the locks that keep who belongs to a review true."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, literal_column, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from services.people.domain.handovers import HandoverStates
from services.people.models import (
    CountRow,
    FailureRow,
    HandoverRow,
    InvitationRow,
    KeyRow,
    MemberRow,
    OldNameRow,
    PersonRow,
    ReviewRow,
    SignInRow,
    WithdrawalRow,
)
from shared.db.many import is_sqlite
from shared.db.paging import read_page
from shared.db.tables import WaitingRow
from shared.db.work import Work
from shared.errors import NotFound
from shared.paging import Found, PageAsked

#: In letters, since an index of some rows is not used for what is bound later.
_OPEN_HANDOVER = col(HandoverRow.state) == literal_column(f"'{HandoverStates.OPEN}'")

# Persons and reviews


def person(work: Work, person_id: str) -> PersonRow:
    """Raises NotFound."""
    row = person_if_known(work, person_id)
    if row is None:
        raise NotFound(f"there is no person {person_id!r}", slug="unknown_person")
    return row


def person_if_known(work: Work, person_id: str) -> PersonRow | None:
    return work.session.get(PersonRow, person_id)


def nobody_is_here(work: Work) -> bool:
    """Whether nobody is known yet, as on a platform that was just made."""
    return work.session.execute(select(col(PersonRow.id)).limit(1)).first() is None


def persons(work: Work, page: PageAsked) -> Found[PersonRow]:
    """Everybody, in the order in which they came."""
    return read_page(work, select(PersonRow), page, col(PersonRow.id))


def names(work: Work, ids: Sequence[str]) -> dict[str, str | None]:
    found = work.session.execute(select(col(PersonRow.id), col(PersonRow.name)).where(col(PersonRow.id).in_(ids)))
    return {id: name for id, name in found}


def review(work: Work, review: str) -> ReviewRow | None:
    return work.session.get(ReviewRow, review)


def review_to_change(work: Work, review: str) -> ReviewRow | None:
    """The review, locked until this work ends, so that who belongs to it is changed by one after the other."""
    return work.session.get(ReviewRow, review, with_for_update=True)


# Members


def member(work: Work, review: str, person_id: str) -> MemberRow | None:
    """Their membership, also one that has ended."""
    return work.session.get(MemberRow, (review, person_id))


def member_like(work: Work, review: str, look: str) -> MemberRow | None:
    """Who of a review's members, of before too, looks like this."""
    alike = select(MemberRow).where(col(MemberRow.review) == review, col(MemberRow.look) == look)
    return work.session.execute(alike).scalar()


def members(work: Work, review: str, page: PageAsked, *, left: bool) -> Found[MemberRow]:
    """A review's members by their numbers; those who left, too, where `left`."""
    query = select(MemberRow).where(col(MemberRow.review) == review)
    if not left:
        query = query.where(col(MemberRow.left_at).is_(None))
    return read_page(work, query, page, col(MemberRow.number), col(MemberRow.person))


def members_by_person(work: Work, review: str, ids: Sequence[str]) -> dict[str, MemberRow]:
    """The memberships that these have in a review, of before too, by person."""
    theirs = select(MemberRow).where(col(MemberRow.review) == review, col(MemberRow.person).in_(ids))
    return {row.person: row for row in work.session.execute(theirs).scalars()}


def memberships(work: Work, person_id: str, *, everything: bool = False) -> list[MemberRow]:
    """Where somebody belongs now; with `everything` also where they did."""
    query = select(MemberRow).where(col(MemberRow.person) == person_id)
    if not everything:
        query = query.where(col(MemberRow.left_at).is_(None))
    return list(work.session.execute(query.order_by(col(MemberRow.review))).scalars())


def other_leads(work: Work, review: str, but: str) -> int:
    """How many others may lead a review."""
    leads = select(func.count()).select_from(MemberRow).where(
        col(MemberRow.review) == review, col(MemberRow.person) != but, col(MemberRow.left_at).is_(None),
        col(MemberRow.role).in_(["lead", "admin"]),
    )  # fmt: skip
    return work.session.scalars(leads).one()


def handover(work: Work, review: str, handover: str) -> HandoverRow:
    """Raises NotFound."""
    row = work.session.get(HandoverRow, handover)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no handover {handover!r}", slug="unknown_handover")
    return row


def open_handover(work: Work, review: str) -> HandoverRow | None:
    """The proposal of a review that nobody has answered yet."""
    query = select(HandoverRow).where(col(HandoverRow.review) == review, _OPEN_HANDOVER)
    return work.session.execute(query).scalar()


def handovers(work: Work, review: str, page: PageAsked) -> Found[HandoverRow]:
    """The proposals of a review, the newest first."""
    query = select(HandoverRow).where(col(HandoverRow.review) == review)
    return read_page(work, query, page, col(HandoverRow.id), descending=True)


# Names of before


def old_name(work: Work, review: str, name: str) -> OldNameRow | None:
    """An old name of a review that is somebody's, also of who has no name any more."""
    row = work.session.get(OldNameRow, (review, name))
    return row if row is not None else work.session.get(OldNameRow, (review, _unnamed(review, name)))


def old_names(work: Work, review: str, page: PageAsked) -> Found[OldNameRow]:
    """The old names of a review that are somebody's, by name; none of who has no name any more."""
    named = select(OldNameRow).where(col(OldNameRow.review) == review, col(OldNameRow.name).not_like(f"{_UNNAMED}%"))
    return read_page(work, named, page, col(OldNameRow.name))


def forget_old_names(work: Work, person_id: str) -> None:
    """Forgets the old names that are somebody's, in all reviews, but for what tells that each is said already."""
    for row in work.session.execute(select(OldNameRow).where(col(OldNameRow.person) == person_id)).scalars():
        if not row.name.startswith(_UNNAMED):
            row.name = _unnamed(row.review, row.name)


#: What an old name begins with that was forgotten; no name has a colon.
_UNNAMED = "erased:"


def _unnamed(review: str, name: str) -> str:
    return _UNNAMED + hashlib.sha256(f"{review}\n{name}".encode()).hexdigest()


# Invitations


def invitation(work: Work, review: str, invitation_id: str) -> InvitationRow:
    """An invitation of a review, locked until this work ends. Raises NotFound."""
    row = work.session.get(InvitationRow, invitation_id, with_for_update=True)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no invitation {invitation_id!r}", slug="unknown_invitation")
    return row


def invitation_shown(work: Work, invitation_id: str) -> InvitationRow | None:
    """The invitation that somebody shows, locked, so that of two who come at once one comes in."""
    return work.session.get(InvitationRow, invitation_id, with_for_update=True)


def invitations(work: Work, review: str, page: PageAsked) -> Found[InvitationRow]:
    """The invitations of a review, oldest first, used and ended ones too."""
    return read_page(work, select(InvitationRow).where(col(InvitationRow.review) == review), page,
                     col(InvitationRow.id))  # fmt: skip


def waiting_invitations(work: Work, review: str, at: datetime) -> int:
    """How many invitations of a review were neither used nor withdrawn, nor are over."""
    waiting = select(func.count()).select_from(InvitationRow).where(
        col(InvitationRow.review) == review, col(InvitationRow.used_at).is_(None),
        col(InvitationRow.withdrawn_at).is_(None), col(InvitationRow.ends_at) > at,
    )  # fmt: skip
    return work.session.scalars(waiting).one()


# Keys


def key(work: Work, key_id: str) -> KeyRow | None:
    return work.session.get(KeyRow, key_id)


def key_to_change(work: Work, key_id: str) -> KeyRow | None:
    return work.session.get(KeyRow, key_id, with_for_update=True)


def keys_of(work: Work, person_id: str, page: PageAsked) -> Found[KeyRow]:
    """The keys by which somebody, or a client for them, acts, and those of programs that they made; oldest first."""
    mine = or_(col(KeyRow.subject) == person_id, col(KeyRow.made_by) == person_id)
    return read_page(work, select(KeyRow).where(mine), page, col(KeyRow.id))


def keys_in(work: Work, review: str, page: PageAsked) -> Found[KeyRow]:
    """The keys that are for one review alone, oldest first."""
    return read_page(work, select(KeyRow).where(col(KeyRow.review) == review), page, col(KeyRow.id))


def keys_that_count(work: Work, maker: str, at: datetime) -> int:
    """How many keys of somebody's making are neither withdrawn nor over."""
    made = select(func.count()).select_from(KeyRow).where(
        col(KeyRow.made_by) == maker, col(KeyRow.withdrawn_at).is_(None),
        or_(col(KeyRow.ends_at).is_(None), col(KeyRow.ends_at) > at),
    )  # fmt: skip
    return work.session.scalars(made).one()


def used(work: Work, key: KeyRow, at: datetime) -> bool:
    """Keeps when a key was used; answers whether its secret is still the one that was shown."""
    same = update(KeyRow).where(col(KeyRow.id) == key.id, col(KeyRow.hashed) == key.hashed)
    return work.session.execute(same.values(used_at=at)).rowcount == 1  # type: ignore[attr-defined,no-any-return]


# Signing in


def sign_in(work: Work, look: str) -> SignInRow | None:
    """How somebody signs in who calls themselves so."""
    return work.session.execute(select(SignInRow).where(col(SignInRow.look) == look)).scalar()


def sign_in_of(work: Work, person_id: str) -> SignInRow | None:
    return work.session.get(SignInRow, person_id, with_for_update=True)


def forget_sign_in(work: Work, row: SignInRow) -> None:
    work.session.delete(row)


def failures(work: Work, named: str) -> FailureRow | None:
    """How often signing in has failed by a name."""
    return work.session.get(FailureRow, named)


def failures_to_change(work: Work, named: str) -> FailureRow | None:
    """The same, locked until this work ends."""
    return work.session.get(FailureRow, named, with_for_update=True)


def forget_failures(work: Work, named: str) -> None:
    work.session.execute(delete(FailureRow).where(col(FailureRow.hashed) == named))


def forget_old_failures(work: Work, before: datetime, limit: int) -> int:
    """Takes away the failures that are from before an instant, oldest first; answers how many."""
    old = select(col(FailureRow.hashed)).where(col(FailureRow.at) < before).order_by(col(FailureRow.at)).limit(limit)
    named = work.session.scalars(old).all()
    work.session.execute(delete(FailureRow).where(col(FailureRow.hashed).in_(named)))
    return len(named)


# What was withdrawn


def withdrawn(work: Work) -> int:
    """How much was withdrawn so far. Asked for before what a token is made of is looked at."""
    return work.session.scalars(select(func.coalesce(func.max(col(CountRow.n)), 0))).one()


def is_withdrawn(work: Work, number: int, subjects: Sequence[str]) -> bool:
    """Whether one of these was withdrawn after so many were."""
    since = select(col(WithdrawalRow.number)).where(
        col(WithdrawalRow.number) > number, col(WithdrawalRow.subject).in_(subjects)
    )  # fmt: skip
    return work.session.execute(since.limit(1)).first() is not None


def next_number(work: Work) -> int:
    """The number of what this work withdraws. Others wait for it until this work ends."""
    work.session.execute(text("INSERT INTO withdrawn (id, n) VALUES (1, 0) ON CONFLICT DO NOTHING"))
    counted = work.session.execute(text("UPDATE withdrawn SET n = n + 1 WHERE id = 1 RETURNING n"))
    number: int = counted.scalar_one()
    return number


def withdrawal(work: Work, number: int) -> WithdrawalRow | None:
    """What was withdrawn under a number."""
    return work.session.get(WithdrawalRow, number)


def is_on_the_log(work: Work, event_id: str) -> bool:
    """Whether the log has taken an event that was told here."""
    waits = select(col(WaitingRow.turn)).where(col(WaitingRow.event_id) == event_id)
    return work.session.execute(waits).first() is None


def make_review(work: Work, review: str, founded_by: str | None) -> None:
    """Makes a review known, unless it is."""
    about = {
        "review": review,
        "founded_by": founded_by,
        "pseudonyms": False,
        "public": False,
        "numbered": 0,
        "since": work.now,
    }
    dialect = sqlite if is_sqlite(work.session) else postgresql
    work.session.execute(dialect.insert(ReviewRow).values(about).on_conflict_do_nothing())


def call_review(work: Work, review: str, title: str) -> None:
    """Keeps what a review is called."""
    work.session.execute(update(ReviewRow).where(col(ReviewRow.review) == review).values(title=title))


def public_reviews(work: Work, page: PageAsked) -> Found[ReviewRow]:
    """The reviews that anybody may read, by name."""
    return read_page(work, select(ReviewRow).where(col(ReviewRow.public)), page, col(ReviewRow.review))
