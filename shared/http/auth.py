"""Who asks, and whether they may: the token of a request, and the role and review that its route needs."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request

from shared.errors import Forbidden, Unauthenticated
from shared.http.parameters import check_query
from shared.keys.ring import KeyRing
from shared.tokens import Person, opened


class Known:
    """The persons whose tokens were checked here, until these expire: a signature is checked once, not at every
    request. Bounded; the token that was first seen is forgotten first. A ring that was changed is asked anew."""

    def __init__(self, ring: KeyRing, limit: int = 10_000) -> None:
        self._ring, self._limit = ring, limit
        self._keys = ring.keys
        self._persons: dict[str, tuple[Person, float]] = {}

    def person(self, token: str) -> Person:
        """The person a token names. Raises Unauthenticated."""
        if self._keys is not self._ring.keys:
            self._keys = self._ring.keys
            self._persons.clear()
        known = self._persons.get(token)
        if known is None or known[1] <= time.time():
            self._persons.pop(token, None)
            known = self._check(token)
        return known[0]

    def _check(self, token: str) -> tuple[Person, float]:
        known = opened(self._ring, token)
        if len(self._persons) >= self._limit:
            self._persons.pop(next(iter(self._persons)), None)
        self._persons[token] = known
        return known


async def authenticate(request: Request) -> Person:
    """The person who asks, from `Authorization: Bearer TOKEN` (or Basic, with the token as password, for
    feed readers that know nothing else). Raises Unauthenticated."""
    known: Person | None = getattr(request.state, "person", None)
    if known is not None:  # Asked before its body was read (`shared.http.bodies.with_body`).
        return known
    header = request.headers.get("authorization", "")
    scheme, _, credentials = header.partition(" ")
    token = credentials.strip() if scheme.lower() == "bearer" else _basic_password(scheme, credentials)
    if not token:
        raise Unauthenticated("send a token: 'Authorization: Bearer TOKEN' (`living token issue` makes one)")
    person: Person = request.app.state.known.person(token)
    request.state.person = person
    return person


def at_least(role: str) -> Callable[..., Coroutine[Any, Any, Person]]:
    """A dependency: the person, once their role suffices and their token holds for the review in the path; and
    what they ask by has the route's own parameters only."""

    async def check(request: Request, person: Annotated[Person, Depends(authenticate)]) -> Person:
        person.require(role)
        review = request.path_params.get("review")
        if review is not None and not person.works_on(review):
            raise Forbidden(f"the token of {person.name} does not hold for review {review!r}", slug="other_review")
        check_query(request)
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
    except ValueError:  # Not base64, not ASCII before that, or no text after it.
        return ""
