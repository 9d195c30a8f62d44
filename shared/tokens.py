"""Tokens: a person's name, role and reviews, signed; made and read without any web framework, also by the CLI."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.errors import Forbidden, Invalid, Unauthenticated
from shared.folding import seen
from shared.ids import new_id
from shared.keys.ring import KeyRing

#: Every role, from least to most; each may do what those before it may.
ROLES = ("reader", "reviewer", "adjudicator", "lead", "admin")

ALL_REVIEWS = "*"

#: Characters of a person's name, which every event of theirs carries and several indexes hold.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Person:
    """Someone with a token. `reviews` lists the reviews it holds for, or `*` for all."""

    name: str
    role: str
    reviews: tuple[str, ...]

    def has(self, role: str) -> bool:
        """Whether this person's role is `role` or more."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: str) -> None:
        """Raises Forbidden unless the role suffices."""
        if not self.has(role):
            raise Forbidden(f"this needs the role {role!r}; {self.name} is {self.role!r}", slug="role_needed")

    def works_on(self, review: str) -> bool:
        return self.works_on_all or review in self.reviews

    @property
    def works_on_all(self) -> bool:
        return ALL_REVIEWS in self.reviews

    def require_all_reviews(self) -> None:
        """Raises Forbidden unless the token holds for all reviews."""
        if not self.works_on_all:
            raise Forbidden(f"this is of all reviews; the token of {self.name} holds for some", slug="other_review")


def issue_token(ring: KeyRing, person: Person, *, now: datetime, valid_for: timedelta) -> str:
    """Makes a person's token. Raises Invalid for a role that does not exist, or a name that is empty or endless or
    reads as the platform's own."""
    if _reads_as_ours(person.name):
        raise Invalid(
            f"{person.name!r} reads as the platform itself wherever it says who did something (`ingest:pull`, "
            "`owner:...`): give the token a person's name, without a colon",
            slug="reserved_name",
        )
    return _signed(ring, person, now=now, valid_for=valid_for)


def _reads_as_ours(name: str) -> bool:
    """Whether a name is one that only the platform acts under; also one that merely looks so, such as with a colon
    of double width."""
    look = seen(name)
    return ":" in look or look == "system"


def _signed(ring: KeyRing, person: Person, *, now: datetime, valid_for: timedelta) -> str:
    if person.role not in ROLES:
        raise Invalid(f"role {person.role!r} is none of {', '.join(ROLES)}")
    if not person.name.strip() or not person.name.isprintable() or len(person.name) > LONGEST_NAME:
        raise Invalid(f"a token needs a name, of at most {LONGEST_NAME} printable characters in one line")
    claims: dict[str, Any] = {
        "sub": person.name,
        "role": person.role,
        "reviews": list(person.reviews),
        "iat": int(now.timestamp()),
        "exp": int((now + valid_for).timestamp()),
        "jti": new_id("tok"),
    }
    return ring.sign("tokens", claims, at=now)


def own_token(ring: KeyRing, role: str) -> str:
    """A token of a few minutes for whoever can read the ring, and so could sign anything. Its name is that of no
    person: nobody's votes are told to it as their own."""
    person = Person(f"owner:{os.environ.get('USER') or os.getuid()}", role, (ALL_REVIEWS,))
    return _signed(ring, person, now=datetime.now(UTC), valid_for=timedelta(minutes=15))


def opened(ring: KeyRing, token: str) -> tuple[Person, float]:
    """The person a token names, and until when it holds (seconds since 1970): its own end, or its key's.

    Raises Unauthenticated.
    """
    try:
        key, claims = ring.check("tokens", token)
        person = Person(claims["sub"], claims["role"], tuple(claims["reviews"]))
    except (Invalid, KeyError, TypeError) as error:
        raise Unauthenticated("the token is not valid here, or has expired; ask for a new one") from error
    if not key.holds_at(datetime.now(UTC)):
        raise Unauthenticated("the key that signed this token is retired; ask for a new one")
    if person.role not in ROLES:
        raise Unauthenticated("the token's role does not exist here; ask for a new one")
    ends = float(claims.get("exp", 0))
    return person, min(ends, key.until.timestamp()) if key.until else ends
