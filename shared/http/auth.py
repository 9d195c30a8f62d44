"""Who asks, and whether they may: the token of a request, and the role, scope and review that its route needs."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from shared.errors import Forbidden, LivingError, Unauthenticated
from shared.http.exchange import Exchange
from shared.http.parameters import check_query
from shared.keys import PERSONS
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
    """The person who asks, from `Authorization: Bearer` with a token or a key; or Basic, with either as the password,
    for feed readers that know nothing else. Raises Unauthenticated."""
    known: Person | None = getattr(request.state, "person", None)
    if known is not None:  # Asked before its body was read (`shared.http.bodies.with_body`).
        return known
    header = request.headers.get("authorization", "")
    scheme, _, credentials = header.partition(" ")
    shown = credentials.strip() if scheme.lower() == "bearer" else _basic_password(scheme, credentials)
    if not shown:
        raise Unauthenticated(
            "send a token: 'Authorization: Bearer TOKEN'; POST /people/token makes one of a key"
        )  # fmt: skip
    person = await _by_key(request, shown) if shown.startswith(PERSONS) else _by_token(request, shown)
    request.state.person = person
    return person


async def counts_still(request: Request) -> bool:
    """Whether somebody who was let in may go on as they are: what they asked with counts still, and gives them the
    roles that it gave them."""
    before: Person = request.state.person
    request.state.person = None
    try:
        person = await authenticate(request)
        for check in checks(request.scope["route"].dependant):
            await check(request)
    except LivingError:
        return False
    return dict(person.roles) == dict(before.roles)


def _by_token(request: Request, token: str) -> Person:
    person: Person = request.app.state.known.person(token)
    request.app.state.withdrawn.require_standing(person)
    return person


async def _by_key(request: Request, key: str) -> Person:
    exchange: Exchange = request.app.state.exchange
    try:
        return _by_token(request, await exchange.token_of(key))
    except Unauthenticated as error:
        if error.slug == "bad_key":
            raise
        # Its role was changed, or the platform's own keys: another token says what holds now.
        exchange.forget(key)
        return _by_token(request, await exchange.token_of(key))


def at_least(
    role: str | None, scope: str, *, everywhere: bool = False, current: bool = True, member: bool = True
) -> Callable[..., Coroutine[Any, Any, Person]]:
    """A dependency: the person, once they belong to the review in the path, their role there suffices, and their key is
    for this; and what they ask by has the route's own parameters only. What is of all reviews, as those to come, needs
    the role `everywhere`.

    What changes something is refused where keys may have been withdrawn that are not known here, unless it is not
    `current`, as with people themselves, who know them first. Without a role whoever has a token may, and who need be
    no `member` also where the path names a review; whoever reads a public review without being known may not.
    """

    async def check(request: Request) -> Person:
        # Not as a dependency of its own: each of those costs a request as much again as what it does.
        person = await authenticate(request)
        review = request.path_params.get("review") if member else None
        # Said alike of a review that there is and of one that there is not.
        if review is not None and not person.works_on(review):
            raise Forbidden(f"you do not belong to a review {review!r}", slug="other_review")
        person = person.asking_about(review)
        if role is not None:
            person.require(role)
            if everywhere:
                person.require_everywhere(role)
        else:
            person.require_known()
        person.require_scope(scope)
        if current and request.method not in _READING:
            request.app.state.withdrawn.require_current()
        check_query(request)
        return person

    check.__name__ = f"at_least_{role}_to_{scope}"
    # `checks` finds it by these, for what is said of each route.
    about = {"role": role, "scope": scope, "everywhere": everywhere, "current": current, "member": member}
    vars(check).update(about)
    return check


def checks(dependant: Dependant) -> Iterator[Any]:
    """What a route was given of `at_least`, with its `role`, its `scope` and the rest."""
    for inner in dependant.dependencies:
        if hasattr(inner.call, "everywhere"):
            yield inner.call
        yield from checks(inner)


#: Methods that change nothing.
_READING = {"GET", "HEAD"}

#: Who may ask, by role and by what for. What is published of a public review anybody reads.
Anybody = Annotated[Person, Depends(at_least("public", "records"))]
AnybodySubscribed = Annotated[Person, Depends(at_least("public", "subscribe"))]
#: `Reader` reads all but what has an alias of its own.
Reader = Annotated[Person, Depends(at_least("reader", "records"))]
EventReader = Annotated[Person, Depends(at_least("reader", "events"))]
Monitor = Annotated[Person, Depends(at_least("reader", "metrics", everywhere=True))]
Subscriber = Annotated[Person, Depends(at_least("reader", "subscribe"))]
LeadSubscriber = Annotated[Person, Depends(at_least("lead", "subscribe"))]
Reviewer = Annotated[Person, Depends(at_least("reviewer", "screen"))]
Coder = Annotated[Person, Depends(at_least("reviewer", "code"))]
Adjudicator = Annotated[Person, Depends(at_least("adjudicator", "decide"))]
Lead = Annotated[Person, Depends(at_least("lead", "decide"))]
Exporter = Annotated[Person, Depends(at_least("reviewer", "records"))]
#: Who brings copies of reports, and says whether they can be had.
Contributor = Annotated[Person, Depends(at_least("reviewer", "import"))]
Importer = Annotated[Person, Depends(at_least("lead", "import"))]
#: Who signs what they searched by hand: its owner may be no lead.
Searcher = Annotated[Person, Depends(at_least("reviewer", "sign"))]
Signer = Annotated[Person, Depends(at_least("lead", "sign"))]
#: Who says whose the names are under which people acted before they had ids.
Confirmer = Annotated[Person, Depends(at_least("lead", "administer"))]
Admin = Annotated[Person, Depends(at_least("admin", "administer"))]
GrandAdmin = Annotated[Person, Depends(at_least("admin", "administer", everywhere=True))]


def _basic_password(scheme: str, credentials: str) -> str:
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:  # Not base64, not ASCII before that, or no text after it.
        return ""
