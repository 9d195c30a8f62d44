"""Tokens: who asks, with what power, for some minutes; signed, so that nobody need be asked, also by the CLI."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Self

from shared.errors import Forbidden, Invalid, Unauthenticated
from shared.ids import new_id
from shared.keys.ring import KeyRing

#: The role of whoever reads a public review without being known. No member has it, and nobody is given it.
PUBLIC = "public"

#: The roles that members have, from least to most.
OF_MEMBERS = ("reader", "reviewer", "adjudicator", "lead", "admin")

#: Every role, from least to most; each may do what those before it may.
ROLES = (PUBLIC, *OF_MEMBERS)

#: Every scope: what a key may be for. A person's role says besides whether they may.
SCOPES = {
    "records": "read records, searches, figures, theories and revisions",
    "events": "read the journal: every event of a review",
    "metrics": "read the numbers of the platform",
    "subscribe": "subscribe, and read the feed",
    "import": "bring records in",
    "screen": "claim, vote and adjudicate",
    "code": "code evidence",
    "decide": "decide what leads decide: protocols, duplicates, notices, re-judgements",
    "sign": "sign revisions",
    "administer": "invite, withdraw, retry dead letters",
}

#: What takes a person's own key, or a session, and no key that is for something: to make keys, to come in and leave.
OWN = "own"

#: What any key may be used for: to ask what it is.
ANY = "any"

#: What whoever reads a public review does there.
OF_PUBLIC = frozenset({"records", "subscribe"})

#: What the key of a program may be for; a program never votes, codes, decides or signs.
OF_PROGRAMS = ("records", "events", "metrics", "subscribe", "import")

ALL_REVIEWS = "*"

#: How long a token counts at most.
LONGEST = timedelta(minutes=5)

#: How far ahead of this machine's clock the one may be that made a token.
_AHEAD = timedelta(minutes=1)

#: Bytes of a token's claims, which every request carries in a header.
_LARGEST = 6000


@dataclass(frozen=True)
class Person:
    """Whoever asks, as their token says: a person, a program that has a key of its own, the machine's owner, or
    anybody who reads a public review.

    `id` is opaque. `roles` are by review, or under `*` for all. `scopes` are what their key is for; None is all that
    the roles allow. `key` is the key that was exchanged for the token, and `via` the same where a client acts by it
    for a person. `number` counts what was withdrawn when the token was made. `review` is the one that is asked about,
    None where it is none.
    """

    id: str
    roles: Mapping[str, str] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    key: str | None = None
    via: str | None = None
    number: int = 0
    review: str | None = None

    @classmethod
    def member(cls, id: str, role: str, reviews: Iterable[str] = (ALL_REVIEWS,), **more: Any) -> Self:
        """Somebody with one role in some reviews, or in all."""
        return cls(id, dict.fromkeys(reviews, role), **more)

    @classmethod
    def anybody(cls, review: str, number: int = 0) -> Self:
        """Whoever reads a public review without being known: one and the same for all of them, so that what they are
        let in by can be withdrawn at once, under this id."""
        return cls(f"{PUBLIC}:{review}", {review: PUBLIC}, OF_PUBLIC, number=number)

    @property
    def is_anybody(self) -> bool:
        """Whether nobody knows who it is."""
        return self.id.startswith(f"{PUBLIC}:")

    @property
    def asker(self) -> str:
        """By what they share turns with others: those whom nobody knows are one, whatever they read."""
        return PUBLIC if self.is_anybody else self.id

    @property
    def is_program(self) -> bool:
        """Whether it is a program, which acts for nobody: its key is all that it is."""
        return self.id == self.key

    def asking_about(self, review: str | None) -> Self:
        """The same person, whose role is that in this review."""
        return replace(self, review=review)

    @property
    def role(self) -> str | None:
        """The role in the review that is asked about, None for whoever does not belong to it; or the highest of all,
        where none is asked about."""
        asked = self.roles if self.review is None else (ALL_REVIEWS, self.review)
        held = (self.roles[review] for review in asked if review in self.roles)
        return max(held, key=ROLES.index, default=None)

    @property
    def reviews(self) -> list[str]:
        """The reviews they belong to, or `*` for all."""
        return list(self.roles)

    def reviews_as(self, role: str) -> list[str]:
        """The reviews, or `*` for all, in which their role is `role` or more."""
        return [review for review, held in self.roles.items() if ROLES.index(held) >= ROLES.index(role)]

    def has(self, role: str) -> bool:
        """Whether this person's role is `role` or more."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: str) -> None:
        """Raises Forbidden unless the role suffices."""
        if not self.has(role):
            raise Forbidden(f"this needs the role {role!r}; yours here is {self.role!r}", slug="role_needed")

    def require_known(self) -> None:
        """Raises Forbidden for whoever reads a public review without being known, who has nothing of their own."""
        if self.is_anybody:
            raise Forbidden("this is for whoever is known here; come in by an invitation", slug="role_needed")

    def require_scope(self, scope: str) -> None:
        """Raises Forbidden where they ask by a key that is for something else."""
        if self.scopes is not None and scope not in self.scopes and scope != ANY:
            held = ", ".join(sorted(self.scopes)) or "nothing"
            needed = "a key that is for nothing but oneself" if scope == OWN else f"a key for {scope!r}"
            raise Forbidden(f"this needs {needed}; the one asked with is for {held}", slug="scope_needed")

    def works_on(self, review: str) -> bool:
        """Whether they belong to a review."""
        return ALL_REVIEWS in self.roles or review in self.roles

    def holds_everywhere(self, role: str) -> bool:
        """Whether they have a role or more in all reviews, those to come too."""
        return ALL_REVIEWS in self.reviews_as(role)

    def require_everywhere(self, role: str) -> None:
        """Raises Forbidden unless they have the role or more in all reviews."""
        if not self.holds_everywhere(role):
            raise Forbidden(f"this is of all reviews, in which it needs the role {role!r}", slug="other_review")


def issue_token(ring: KeyRing, person: Person, *, now: datetime, valid_for: timedelta = LONGEST) -> str:
    """Makes the token of somebody whose key was checked. Raises Invalid for a role or scope that does not exist, and
    for more reviews than a token holds."""
    for role in person.roles.values():
        if role not in ROLES:
            raise Invalid(f"role {role!r} is none of {', '.join(ROLES)}")
    for scope in person.scopes or ():
        if scope not in SCOPES:
            raise Invalid(f"scope {scope!r} is none of {', '.join(SCOPES)}")
    if len(str(dict(person.roles))) > _LARGEST:
        raise Invalid(
            f"{person.id} belongs to {len(person.roles)} reviews, more than a token holds: say for which one it is",
            [{"at": "review", "why": "must be given, since there are too many for one token"}],
            slug="too_many_reviews",
        )
    claims: dict[str, Any] = {
        "sub": person.id,
        "roles": dict(person.roles),
        "number": person.number,
        "iat": int(now.timestamp()),
        "exp": int((now + valid_for).timestamp()),
        "jti": new_id("tok"),
    }
    if person.scopes is not None:
        claims["scopes"] = sorted(person.scopes)
    claims |= {name: value for name in ("key", "via") if (value := getattr(person, name)) is not None}
    return ring.sign("tokens", claims, at=now)


def own_token(ring: KeyRing, role: str) -> str:
    """A token for whoever can read the ring, and so could sign anything. Its id is that of no person: nobody's votes
    are told to it as their own."""
    person = Person(f"owner:{os.environ.get('USER') or os.getuid()}", {ALL_REVIEWS: role})
    return issue_token(ring, person, now=datetime.now(UTC))


def opened(ring: KeyRing, token: str) -> tuple[Person, float]:
    """The person a token names, and until when it counts (seconds since 1970): its own end, or its key's.

    Raises Unauthenticated.
    """
    try:
        key, claims = ring.check("tokens", token)
        person, began, ends = _person(claims), float(claims["iat"]), float(claims["exp"])
    except (Invalid, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unauthenticated(
            f"the token is not valid here, or has expired (it is {datetime.now(UTC):%H:%M:%S} UTC here); exchange your "
            "key for a new one"
        ) from error
    if not key.holds_at(datetime.now(UTC)):
        raise Unauthenticated("the key that signed this token is retired; exchange your key for a new one")
    if not {*person.roles.values()} <= {*ROLES}:
        raise Unauthenticated("the token's role does not exist here; exchange your key for a new one")
    if began > time.time() + _AHEAD.total_seconds():
        seconds = began - time.time()
        raise Unauthenticated(
            f"the token was made {seconds:.0f} seconds from now by the clock of this machine: set the clocks right",
            slug="clocks_differ",
        )
    return person, min(ends, key.until.timestamp()) if key.until else ends


def _person(claims: Mapping[str, Any]) -> Person:
    scopes = claims.get("scopes")
    return Person(
        id=claims["sub"],
        roles=MappingProxyType({str(review): str(role) for review, role in claims["roles"].items()}),
        scopes=None if scopes is None else frozenset(scopes),
        key=claims.get("key"),
        via=claims.get("via"),
        number=int(claims["number"]),
    )
