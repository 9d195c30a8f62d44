"""Who asks, and whether they may: signed tokens with a name, a role and the reviews they hold for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request

from shared.errors import Forbidden, Invalid, Unauthenticated
from shared.ids import new_id
from shared.keys import SigningKey

AUDIENCE = "living-api"

#: Every role, from least to most; each may do what those before it may.
ROLES = ("reader", "reviewer", "adjudicator", "lead", "admin")

ALL_REVIEWS = "*"


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
        return ALL_REVIEWS in self.reviews or review in self.reviews


def issue_token(key: SigningKey, person: Person, *, now: datetime, valid_for: timedelta) -> str:
    """Makes a token. Raises Invalid for a role that does not exist or a name that is empty."""
    if person.role not in ROLES:
        raise Invalid(f"role {person.role!r} is none of {', '.join(ROLES)}")
    if not person.name.strip() or not person.name.isprintable():
        raise Invalid("a token needs a name, of printable characters in one line")
    claims: dict[str, Any] = {
        "sub": person.name,
        "role": person.role,
        "reviews": list(person.reviews),
        "iat": int(now.timestamp()),
        "exp": int((now + valid_for).timestamp()),
        "jti": new_id("tok"),
    }
    return key.sign(claims, audience=AUDIENCE)


def read_token(key: SigningKey, token: str) -> Person:
    """The person a token names. Raises Unauthenticated."""
    try:
        claims = key.check(token, audience=AUDIENCE)
        person = Person(claims["sub"], claims["role"], tuple(claims["reviews"]))
    except (Invalid, KeyError, TypeError) as error:
        raise Unauthenticated("the token is not valid here, or has expired; ask for a new one") from error
    if person.role not in ROLES:
        raise Unauthenticated("the token's role does not exist here; ask for a new one")
    return person


def authenticate(request: Request) -> Person:
    """The person who asks, from `Authorization: Bearer TOKEN` (or Basic, with the token as password, for
    feed readers that know nothing else). Raises Unauthenticated."""
    header = request.headers.get("authorization", "")
    scheme, _, credentials = header.partition(" ")
    token = credentials.strip() if scheme.lower() == "bearer" else _basic_password(scheme, credentials)
    if not token:
        raise Unauthenticated("send a token: 'Authorization: Bearer TOKEN' (`living token issue` makes one)")
    person = read_token(request.app.state.platform.key, token)
    request.state.person = person
    return person


def at_least(role: str) -> Callable[..., Person]:
    """A dependency: the person, once their role suffices and their token holds for the review in the path."""

    def check(request: Request, person: Annotated[Person, Depends(authenticate)]) -> Person:
        person.require(role)
        review = request.path_params.get("review")
        if review is not None and not person.works_on(review):
            raise Forbidden(f"the token of {person.name} does not hold for review {review!r}", slug="other_review")
        return person

    check.__name__ = f"at_least_{role}"
    check.role = role  # type: ignore[attr-defined]  # tests/architecture reads it off every route.
    return check


Reader = Annotated[Person, Depends(at_least("reader"))]
Reviewer = Annotated[Person, Depends(at_least("reviewer"))]
Adjudicator = Annotated[Person, Depends(at_least("adjudicator"))]
Lead = Annotated[Person, Depends(at_least("lead"))]
Admin = Annotated[Person, Depends(at_least("admin"))]


def _basic_password(scheme: str, credentials: str) -> str:
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
