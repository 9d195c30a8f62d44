"""What every command of people stands on: who asks, as the database knows it now, and what is withdrawn.

The other services go by tokens and the list of withdrawals. Here both are made, so here nobody waits for them: also
while the log is down, a key can be withdrawn, and counts no more for anything asked here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from services.people import store
from services.people.models import KeyRow, ReviewRow, WithdrawalRow
from shared.db.work import Work
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.events.people import AccessWithdrawn
from shared.tokens import ALL_REVIEWS, ROLES, Person
from shared.withdrawn import withdrawn_since


def role_now(work: Work, person: Person, review: str) -> str | None:
    """The role of whoever asks, in a review or (`*`) in all, as it is kept; None where what they ask by is for another
    review alone. The machine's owner has what their token says. Raises Unauthenticated when what they ask by was
    withdrawn."""
    key = require_key(work, person)
    if is_owner(person):
        return person.roles.get(ALL_REVIEWS)
    if (key is not None and key.review not in (None, ALL_REVIEWS, review)) or (
        review == ALL_REVIEWS and ALL_REVIEWS not in person.roles
    ):
        return None
    held = [store.member(work, where, person.id) for where in dict.fromkeys((ALL_REVIEWS, review))]
    roles = [row.role for row in held if row is not None and row.left_at is None]
    return max(roles, key=ROLES.index, default=None)


def require_role(work: Work, person: Person, review: str, least: str) -> str:
    """Raises Forbidden unless they have the role now; answers which they have."""
    role = role_now(work, person, review)
    if role is None or not _suffices(role, least):
        raise Forbidden(f"this needs the role {least!r}", slug="role_needed")
    return role


def _suffices(role: str | None, least: str) -> bool:
    return role is not None and ROLES.index(role) >= ROLES.index(least)


def require_key(work: Work, person: Person) -> KeyRow | None:
    """The key that was exchanged for the token; None where it was none. Raises Unauthenticated when it was withdrawn or
    is over."""
    key = store.key(work, person.key) if person.key is not None else None
    if person.key is not None and (key is None or not counts(key)):
        raise Unauthenticated("the key that this token was made from counts no more", slug="withdrawn")
    return key


def require_whole_key(work: Work, person: Person) -> None:
    """Raises Forbidden also for a key that is for one review alone: who has no more would else make themselves one
    that is for all."""
    key = require_key(work, person)
    if key is not None and key.review is not None:
        raise Forbidden(
            f"this needs a key that is for all your reviews; the one asked with is for {key.review!r} alone",
            slug="scope_needed",
        )


def require_standing(work: Work, person: Person) -> None:
    """Raises Unauthenticated when something of this key or person was withdrawn since their token was made, whether or
    not the log has it yet."""
    if store.is_withdrawn(work, person.number, [person.id, *([person.key] if person.key else [])]):
        raise withdrawn_since()


def counts(key: KeyRow) -> bool:
    """Whether a key is neither withdrawn nor over."""
    return key.withdrawn_at is None and (key.ends_at is None or key.ends_at > machine_now())


def machine_now() -> datetime:
    """Now by the machine's clock, as keys, links and tokens have it: a drill that moves the platform's ends none."""
    return datetime.now(UTC)


def is_owner(person: Person) -> bool:
    """Whether it is whoever can read the platform's own keys (`shared.tokens.own_token`)."""
    return person.key is None and person.id.startswith("owner:")


def lock_review(work: Work, review: str) -> ReviewRow:
    """The review, made known where it is not, held until this work ends."""
    if (row := store.review_to_change(work, review)) is None:
        store.make_review(work, review, None)
        row = store.review_to_change(work, review)
        assert row is not None  # It was made, or was there.
    return row


def withdrawal(work: Work, number: int, person: Person) -> tuple[WithdrawalRow, bool]:
    """What was withdrawn under a number, and whether the log has it: for who did it, whom it is about, and the leads of
    its review. Raises NotFound, also for one that is not theirs to know."""
    row = store.withdrawal(work, number)
    if row is None or not _may_know(work, person, row):
        raise NotFound(f"nothing of yours was withdrawn under the number {number}", slug="unknown_withdrawal")
    return row, store.is_on_the_log(work, row.event_id)


def _may_know(work: Work, person: Person, row: WithdrawalRow) -> bool:
    least = "admin" if row.review == ALL_REVIEWS else "lead"
    return person.id in (row.by, row.subject) or _suffices(role_now(work, person, row.review), least)


def withdraw(work: Work, review: str, subjects: Iterable[str]) -> int:
    """Tells that no token of before counts for these; answers the number of the last."""
    number = 0
    for subject in subjects:
        number = store.next_number(work)
        event = work.emit(AccessWithdrawn(review=review, subject=subject, number=number))
        work.add(
            WithdrawalRow(number=number, subject=subject, review=review, event_id=event, by=work.actor, at=work.now)
        )
    return number
