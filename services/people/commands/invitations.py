"""Invitations: links that let somebody in, once, until they end."""

from __future__ import annotations

from datetime import timedelta

from services.people import store
from services.people.commands import keys, members
from services.people.commands.shown_once import renewed
from services.people.commands.standing import counts, lock_review, machine_now, require_role, require_whole_key
from services.people.domain import secrets
from services.people.domain.access import require_grantable
from services.people.domain.names import clean
from services.people.models import InvitationRow, KeyRow, MemberRow, PersonRow
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.tokens import ALL_REVIEWS, Person
from shared.wire.people import Accepted, NewGrant, NewInvitation, Role

#: How many invitations of a review wait at most.
MOST_WAITING = 500

#: Where a link leads people; what follows its # is not sent, so that no server's log has it.
_PAGE = "/join#"


def invite(
    work: Work, review: str, wish: NewInvitation, person: Person, made: str | None = None
) -> tuple[InvitationRow, str]:
    """Makes a link to a review, for a role that is not beyond the asker's own; answers it with its link: where it was
    `made` already, with another link, since the first cannot be shown again. Raises Conflict where that is closed."""
    lock_review(work, review)
    require_grantable(wish.role, require_role(work, person, review, "lead"))
    return _make(work, review, wish.days, role=wish.role) if made is None else _again(work, review, made)


def grant(work: Work, wish: NewGrant, person: Person, made: str | None = None) -> tuple[InvitationRow, str]:
    """Makes a link that is of no review: to a role in all, to found some, or to come back without a key. One that was
    `made` already is answered as `invite` answers it."""
    lock_review(work, ALL_REVIEWS)
    require_grantable(wish.role or "admin", require_role(work, person, ALL_REVIEWS, "admin"))
    if wish.role is None and not wish.founds and wish.person is None:
        why = "say a role in all reviews, `founds`, or a `person` who is to come back"
        raise Invalid.of("body", why)
    if wish.person is not None:
        store.person(work, wish.person)
    if made is not None:
        return _again(work, ALL_REVIEWS, made)
    return _make(work, ALL_REVIEWS, wish.days, role=wish.role, founds=wish.founds, person=wish.person)


def withdraw_invitation(work: Work, review: str, invitation: str, person: Person) -> InvitationRow:
    """Ends a link before its time. Raises Conflict where somebody came in by it."""
    require_role(work, person, review, "admin" if review == ALL_REVIEWS else "lead")
    row = store.invitation(work, review, invitation)
    if row.used_at is not None:
        raise Conflict(f"{row.used_by} came in by this invitation: end their membership", slug="invitation_used")
    row.withdrawn_at = row.withdrawn_at or machine_now()
    return row


def accept(work: Work, given: Accepted) -> tuple[PersonRow, InvitationRow, KeyRow, str]:
    """Lets somebody in who has no key: as a new person, or as whom the link is for; answers their new key too.

    Who sends the same link with the same secret again is answered the same. Raises NotFound for what is no link,
    Conflict (`invitation_used`, `invitation_over`), Invalid.
    """
    row, secret = _shown(work, given.invitation), given.secret or secrets.fresh()
    if row.used_by is not None and (kept := _made_by(work, row, secret)) is not None:
        return store.person(work, row.used_by), row, kept, secret
    _require_open(work, row)
    if row.person is not None:
        comer = store.person(work, row.person)
    elif given.name is not None:
        comer = work.add(PersonRow(id=new_id("person"), name=clean(given.name), since=work.now))
        work.session.flush()
    else:
        why = "must be given: what others are to call you"
        raise Invalid.of("name", why)
    work.actor = comer.id
    _come_in(work, row, comer)
    key = keys.make_for(work, comer.id, name=given.key_name, secret=secret, days=keys.OWN_DAYS, id=_key_id(row))
    return comer, row, key, secret


def join(work: Work, link: str, person: Person) -> tuple[InvitationRow, MemberRow | None]:
    """Lets somebody in who is known here already."""
    require_whole_key(work, person)
    row = _shown(work, link)
    _require_open(work, row)
    if row.person not in (None, person.id):
        raise Conflict("this invitation is for somebody else", slug="invitation_of_another")
    return row, _come_in(work, row, store.person(work, person.id))


def first_admin(work: Work, days: int = 30) -> tuple[InvitationRow, str] | None:
    """A link for the first admin of a platform that has nobody yet; None where it has somebody, or a link waits."""
    lock_review(work, ALL_REVIEWS)
    if not store.nobody_is_here(work) or store.waiting_invitations(work, ALL_REVIEWS, machine_now()):
        return None
    return _make(work, ALL_REVIEWS, days, role="admin", founds=True)


def _make(
    work: Work, review: str, days: int, *, role: Role | None, founds: bool = False, person: str | None = None
) -> tuple[InvitationRow, str]:
    secret, now = secrets.fresh(), machine_now()
    if store.waiting_invitations(work, review, now) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} invitations to it wait already: withdraw some", slug="too_many_invitations")
    row = work.add(
        InvitationRow(
            id=new_id("invitation"), hashed=secrets.hashed(secret), review=review, role=role, founds=founds,
            person=person, invited_by=work.actor, made_at=now, ends_at=now + timedelta(days=days),
        )
    )  # fmt: skip
    work.session.flush()
    return row, _link(work, row, secret)


def _again(work: Work, review: str, made: str) -> tuple[InvitationRow, str]:
    """An invitation with a fresh link. Raises Conflict for one that is used, withdrawn or over."""
    row = store.invitation(work, review, made)
    if row.used_at is not None:
        raise Conflict(f"{row.used_by} came in by this invitation already", slug="invitation_used")
    if row.withdrawn_at is not None:
        raise Conflict("this invitation was made, and was withdrawn since: make another", slug="invitation_over")
    if row.ends_at <= machine_now():
        raise Conflict(f"this invitation ended on {row.ends_at:%Y-%m-%d}: make another", slug="invitation_over")
    return row, _link(work, row, renewed(row))


def _link(work: Work, row: InvitationRow, secret: str) -> str:
    return work.settings.public_url.rstrip("/") + _PAGE + secrets.spelled(secrets.INVITATION, row.id, secret)


def _shown(work: Work, link: str) -> InvitationRow:
    """The invitation of a link, held. Raises NotFound for what is none."""
    shown = secrets.read(secrets.INVITATION, link.rpartition("#")[2], "invitation")
    row = store.invitation_shown(work, shown[0]) if shown else None
    if shown is None or row is None or not secrets.is_of(row.hashed, shown[1]):
        why = "is no invitation of this platform; look whether all of the link is there"
        raise NotFound(f"invitation: {why}", slug="unknown_invitation", errors=[{"at": "invitation", "why": why}])
    return row


def _require_open(work: Work, row: InvitationRow) -> None:
    if row.used_at is not None:
        raise _closed(
            "was used already: it lets one person in, once; if that was you, you are in, else ask for another",
            "invitation_used",
        )
    if row.withdrawn_at is not None:
        raise _closed("was withdrawn; ask for another", "invitation_over")
    if row.ends_at <= machine_now():
        raise _closed(f"ended on {row.ends_at:%Y-%m-%d}; ask for another", "invitation_over")


def _closed(why: str, slug: str) -> Conflict:
    return Conflict(f"invitation: it {why}", slug=slug, errors=[{"at": "invitation", "why": f"it {why}"}])


def _come_in(work: Work, row: InvitationRow, comer: PersonRow) -> MemberRow | None:
    row.used_at, row.used_by = machine_now(), comer.id
    comer.founds = comer.founds or row.founds
    if row.role is None:
        return None
    return members.join(work, lock_review(work, row.review), comer, row.role, invited_by=row.invited_by)


def _key_id(row: InvitationRow) -> str:
    """The id of the key that is made with an invitation: one, however often it is asked for."""
    return f"key_{row.id.rpartition('_')[2]}"


def _made_by(work: Work, row: InvitationRow, secret: str) -> KeyRow | None:
    """The key that this very secret was made with an invitation, where that still counts."""
    key = store.key(work, _key_id(row))
    return key if key is not None and secrets.is_of(key.hashed, secret) and counts(key) else None
