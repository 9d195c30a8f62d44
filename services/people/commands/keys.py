"""Keys: made by whom they are of, exchanged for tokens of minutes, and withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from services.people import store
from services.people.commands.shown_once import renewed
from services.people.commands.standing import (
    counts,
    is_owner,
    machine_now,
    require_key,
    require_role,
    require_whole_key,
    role_now,
    withdraw,
)
from services.people.domain import secrets
from services.people.domain.access import ROLE_OF_PROGRAMS, require_scopes
from services.people.models import KeyRow
from shared.db.work import Work
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from shared.events.people import KeyMade
from shared.ids import new_id
from shared.tokens import ALL_REVIEWS, LONGEST, ROLES, Person, issue_token
from shared.wire.people import KeyKind, NewKey, NewProgramKey

#: Days after which the key of who came in ends, and hours after which one that pages signed in by does.
OWN_DAYS, SESSION_HOURS = 365, 12

#: How many keys of one person's making count at a time.
MOST_KEYS = 200

#: How much newer the time of a key's last use must be to be written down: it is for people who look for forgotten ones.
_USE = timedelta(hours=1)


def make_own(work: Work, wish: NewKey, person: Person, made: str | None = None) -> tuple[KeyRow, str]:
    """A key of whoever asks; with scopes, one by which a client acts for them. One that was `made` already is answered
    with another secret, since its first cannot be shown again. Raises Invalid, naming the field, for a review that they
    do not belong to, or a scope beyond their role; Forbidden where their own key is for one alone; Conflict where the
    one that was made is in use, withdrawn or over."""
    _require_person(person)
    require_whole_key(work, person)
    role = role_now(work, person, wish.review or ALL_REVIEWS)
    if wish.review is not None and role is None:
        why = "is none that you belong to"
        raise Invalid.of("review", why, slug="not_your_review")
    if wish.scopes is not None:
        held = [row.role for row in store.memberships(work, person.id)]
        require_scopes(wish.scopes, _highest(held) or None if wish.review is None else role)
    if made is not None:
        return _again(work, made)
    secret = secrets.fresh()
    kind: KeyKind = "own" if wish.scopes is None else "delegated"
    return make_for(
        work, person.id, kind=kind, name=wish.name, review=wish.review, scopes=wish.scopes, secret=secret,
        days=wish.days,
    ), secret  # fmt: skip


def make_for_program(
    work: Work, review: str, wish: NewProgramKey, person: Person, made: str | None = None
) -> tuple[KeyRow, str]:
    """A key of a program of a review, or (`*`) of all, which acts for nobody. One that was `made` already is answered
    as `make_own` answers it."""
    _require_person(person)
    role = require_role(work, person, review, "admin" if review == ALL_REVIEWS else "lead")
    require_scopes(wish.scopes, role, program=True, everywhere=review == ALL_REVIEWS)
    if made is not None:
        return _again(work, made)
    secret = secrets.fresh()
    return make_for(
        work, None, kind="program", name=wish.name, review=review, scopes=wish.scopes, secret=secret, days=wish.days
    ), secret  # fmt: skip


def make_for(
    work: Work,
    subject: str | None,
    *,
    name: str,
    secret: str,
    days: float,
    kind: KeyKind = "own",
    review: str | None = None,
    scopes: Sequence[str] | None = None,
    id: str | None = None,
) -> KeyRow:
    """Keeps a key; without a subject it is its own. Raises Conflict when its maker has too many."""
    if store.keys_that_count(work, work.actor, machine_now()) >= MOST_KEYS:
        raise Conflict(f"{MOST_KEYS} keys that you made count already: withdraw some", slug="too_many_keys")
    id = id or new_id("key")
    row = work.add(
        KeyRow(
            id=id, hashed=secrets.hashed(secret), kind=kind, name=name, subject=subject or id, made_by=work.actor,
            review=review, scopes=list(dict.fromkeys(scopes)) if scopes is not None else None, made_at=machine_now(),
            ends_at=machine_now() + timedelta(days=days),
        )
    )  # fmt: skip
    work.session.flush()
    work.emit(
        KeyMade(
            review=review or ALL_REVIEWS, key_id=id, kind=kind, subject=row.subject, scopes=row.scopes,
            ends_at=row.ends_at,
        )
    )  # fmt: skip
    return row


def _again(work: Work, made: str) -> tuple[KeyRow, str]:
    """A key with a fresh secret. Raises Conflict for one that is in use, whose program would stop, and for one that
    counts no more."""
    row = store.key_to_change(work, made)
    assert row is not None  # It was made, and no key is ever taken away.
    if row.withdrawn_at is not None:
        raise Conflict(
            f"this key was made, and withdrawn on {row.withdrawn_at:%Y-%m-%d %H:%M} UTC: make another",
            slug="already_withdrawn",
        )
    if not counts(row):
        raise Conflict(f"this key was made, and ended on {row.ends_at:%Y-%m-%d}: make another", slug="key_over")
    if row.used_at is not None:
        raise Conflict(
            "this key was made, and is in use: who has it has seen it. Make another, and withdraw this one if that is "
            "not you",
            slug="key_in_use",
        )
    return row, renewed(row)


def withdraw_key(work: Work, key: str, person: Person, *, review: str | None = None) -> tuple[KeyRow, int]:
    """Withdraws a key, once: one's own or of one's making; for a lead one that is for their review alone; for an admin
    of all any. Who asks by a key for one review reaches those for it. Answers it with the number of the withdrawal.
    Raises NotFound also for one that is not theirs to know."""
    row = store.key_to_change(work, key)
    mine = row is not None and person.id in (row.subject, row.made_by)
    if mine:
        own = require_key(work, person)
        row = row if row is not None and (own is None or own.review in (None, row.review)) else None
    elif review is not None:
        require_role(work, person, review, "lead")
    elif role_now(work, person, ALL_REVIEWS) != "admin":
        row = None
    if row is None or (review is not None and row.review != review):
        raise NotFound(f"there is no key {key!r} of yours", slug="unknown_key")
    if row.withdrawn_at is not None:
        raise Conflict(f"the key was withdrawn on {row.withdrawn_at:%Y-%m-%d %H:%M} UTC", slug="already_withdrawn")
    row.withdrawn_at, row.withdrawn_by = machine_now(), work.actor
    return row, withdraw(work, row.review or ALL_REVIEWS, [row.id])


def exchange(work: Work, key: str, review: str | None = None) -> tuple[str, int, list[str] | None]:
    """A token for a key: itself, its seconds, and what it is for. With a review it is for that one alone.

    Raises Unauthenticated, in the same words for a key that never was and for one that counts no more.
    """
    # Before what the token says is looked at: what is withdrawn meanwhile has a higher number.
    number = store.withdrawn(work)
    shown = secrets.read(secrets.KEY, key, "key")
    row = store.key(work, shown[0]) if shown else None
    if shown is None or row is None or not secrets.is_of(row.hashed, shown[1]) or not counts(row):
        raise _bad_key()
    person = _as_it_may(work, row, review, number)
    now = machine_now()
    valid_for = LONGEST if row.ends_at is None else min(LONGEST, row.ends_at - now)
    if (row.used_at is None or now - row.used_at > _USE) and not store.used(work, row, now):
        raise _bad_key()  # Another secret took its place meanwhile.
    return issue_token(work.ring, person, now=now, valid_for=valid_for), int(valid_for.total_seconds()), row.scopes


def _bad_key() -> Unauthenticated:
    return Unauthenticated(
        "the key does not count here: it is wrong, over or withdrawn; another comes from one that counts, or from an "
        "invitation",
        slug="bad_key",
    )


def public_token(work: Work, review: str) -> tuple[str, int]:
    """A token for anybody who reads a public review, and its seconds. Raises Forbidden, in the same words, where there
    is no such review and where it is not public."""
    # Before whether it is public is looked at: what is withdrawn meanwhile has a higher number.
    number = store.withdrawn(work)
    row = store.review(work, review)
    if row is None or not row.public:
        raise Forbidden(f"you do not belong to a review {review!r}", slug="other_review")
    token = issue_token(work.ring, Person.anybody(review, number), now=machine_now())
    return token, int(LONGEST.total_seconds())


def _as_it_may(work: Work, row: KeyRow, review: str | None, number: int) -> Person:
    """Who acts by a key, with the roles that they have now where it is for. Raises Forbidden for another review."""
    if review is not None and row.review not in (None, ALL_REVIEWS, review):
        raise Forbidden(f"the key is not for review {review!r}", slug="other_review")
    where = review or row.review
    scopes = None if row.scopes is None else frozenset(row.scopes)
    if row.kind == "program":
        roles = {where or ALL_REVIEWS: ROLE_OF_PROGRAMS}
        return Person(row.id, roles, scopes, key=row.id, via=row.id, number=number)
    held: dict[str, str] = {it.review: it.role for it in store.memberships(work, row.subject)}
    if where is not None:
        held = {it: role for it, role in held.items() if it in (where, ALL_REVIEWS)}
        # Of a role in all reviews a key for one has what it is there.
        held = {where: _highest(held.values())} if held else {}
    via = row.id if row.kind == "delegated" else None
    return Person(row.subject, held, scopes, key=row.id, via=via, number=number)


def _highest(roles: Iterable[str]) -> str:
    return max(roles, key=ROLES.index, default="")


def _require_person(person: Person) -> None:
    """Raises Forbidden for whoever has no keys of their own: a program, or the machine's owner."""
    if is_owner(person) or person.id == person.key:
        raise Forbidden("keys are made by persons: come in by an invitation first", slug="no_person")
