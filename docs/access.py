"""docs/access.md: every route, and who may ask it, as the routes themselves check it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi.routing import APIRoute
from starlette.routing import Route

from services.catalog import SERVICES
from services.people.domain.access import ROLE_OF_PROGRAMS
from shared.http.auth import checks
from shared.http.bodies import is_from_anybody
from shared.runtime.app import described, routers
from shared.tokens import ANY, OF_PROGRAMS, OWN, PUBLIC, ROLES, SCOPES

#: What stands instead of a scope where no token is asked for.
OPEN, DOOR = "open", "door"

_INTRODUCTION = """
# Access

Who may ask what: every route there is, as the routes themselves check it. `tests/architecture/test_access.py` asks a
whole platform all of them, as everybody there can be, and fails where one answers somebody whom this page refuses.

## Roles

A person has a role in each review they belong to, or in all, those to come too. The roles are {roles}.
Each role may do what those before it may. The first, `{public}`, is no member's: it is what anybody has in a review
that its lead has made public, by a token of five minutes that `POST /people/public-tokens` gives to whoever asks, for
that one review. They read what is published, and the public keys by which anybody checks it, and no more. Once the
review is public no longer that token counts for nothing, as one of a withdrawn key does.

What counts is the role in the review that the path names; where it names
none, the highest in any. A role *of all* must be held in all reviews. Where the role is *none*, whoever has a token of
their own may ask.

Some routes refuse more than this: people look up what role somebody has at this moment, and a command may ask for more
than its route does, as for a lead to end a membership that is not one's own, to see everyone's subscriptions, or to
take back what another coded.

## What a key is for

A key is exchanged for tokens of five minutes (`POST /people/token`). It may do all that its person may, or is for some
of these scopes alone; a scope never adds to a role. A program has a key of its own and acts for nobody: its role is
`{reader}` in the review that its key is for, or in all.

| scope | what for | a program's key | routes |
| --- | --- | --- | --- |
{scopes}

Instead of a scope stands `{own}` for what people do about themselves: it takes a key of theirs that has no scopes, or
a session, and so no program's. One that is for a single review may leave that, and be withdrawn by itself; the rest
would give it more power than it has. `{any}` takes whatever key there is, to ask what it may do.

No token is asked for where there stands `{open}`, which tells everybody the same, or `{door}`, where whoever comes
shows something else in the body: a key, an invitation, or a name and password; or names a public review, or asks which
those are.

A key and an invitation are shown once, in the answer that makes them; of what opens them a hash alone is kept. So
whoever heard no answer sends the same again under the same `Idempotency-Key`: it is the same key or invitation, with
another secret, and what was answered before counts no more (`replaced`). One that is in use, used, withdrawn or over
meanwhile stays as it is (409).

A withdrawn key counts for nothing as soon as a process hears of it on the log. One that has not heard from the log for
a minute cannot know, and refuses what is *refused* below (503 `withdrawals_unknown`). Reading goes on, and so does what
people look up in their own database.

A link that came by mail opens by the token in its path, and one thing of one subscription alone: to be told, or no
more.

## What one learns of other reviews

Nothing, not even whether they exist. The first of these that is wrong is the answer:

1. the token (401);
2. whether they belong to the review in the path (403 `other_review`, in the same words for one that there is and for
   one that there is not);
3. the role in it (403 `role_needed`, or `other_review` where it must be held in all);
4. what the key is for (403 `scope_needed`);
5. the list of withdrawals (503);
6. what was sent (413, 422), of which the body is not even read before;
7. what is so (404, 409).

The id of something of another review is answered as one of nothing, and a list has what is of one's own reviews.

The one exception is founding, `POST /people/reviews/{{review}}`, since no two reviews have one name: who may found one,
as a lead of another or because an admin lets them, is told that a name is taken (409 `review_taken`). Whoever may not
is refused before anybody looks (403 `may_not_found`).

## Every route

{counted} routes, of which no program's key ever opens {not_of_programs}.

| method | path | least role | scope | withdrawals unknown | a program's key |
| --- | --- | --- | --- | --- | --- |
""".strip()


@dataclass(frozen=True)
class Row:
    """A route by one of its methods, and who may ask it. `role` is a role, one with ` of all`, `none` or `anybody`."""

    method: str
    path: str
    role: str
    scope: str
    refused_while_unknown: bool
    program: bool

    @property
    def line(self) -> str:
        known = "refused" if self.refused_while_unknown else "answered"
        program = "needs none" if self.scope in (OPEN, DOOR) else "may" if self.program else "never"
        return f"| {self.method} | `{self.path}` | {self.role} | {self.scope} | {known} | {program} |"


def rows() -> list[Row]:
    """Every route, also those of the description, in the order of the services."""
    known = routers(SERVICES)
    routes = [route for router in known for route in router.routes if isinstance(route, APIRoute)]
    beside = [route for route in described(SERVICES, known).routes if type(route) is Route]
    return [row for route in (*beside, *routes) for row in _rows(route)]


def lines() -> Iterator[str]:
    """The page, line by line."""
    table = rows()
    yield from _INTRODUCTION.format(
        roles=", ".join(ROLES), public=PUBLIC, own=OWN, any=ANY, open=OPEN, door=DOOR, counted=len(table),
        scopes="\n".join(_scope(scope, about, table) for scope, about in SCOPES.items()),
        reader=ROLE_OF_PROGRAMS,
        not_of_programs=sum(not row.program and row.scope not in (OPEN, DOOR) for row in table),
    ).splitlines()  # fmt: skip
    yield from (row.line for row in table)


def _scope(scope: str, about: str, table: Sequence[Row]) -> str:
    program, routes = "may be" if scope in OF_PROGRAMS else "never", sum(row.scope == scope for row in table)
    return f"| `{scope}` | {about} | {program} | {routes or 'none yet'} |"


def _rows(route: Route) -> Iterator[Row]:
    check = next(checks(route.dependant), None) if isinstance(route, APIRoute) else None
    for method in sorted({*(route.methods or ())} - {"HEAD"}):  # It is GET without a body.
        if check is None:
            scope = DOOR if is_from_anybody(route.endpoint) else OPEN
            yield Row(method, route.path, "anybody", scope, refused_while_unknown=False, program=False)
            continue
        role = "none" if check.role is None else f"{check.role} of all" if check.everywhere else check.role
        changing = check.current and method != "GET"
        yield Row(method, route.path, role, check.scope, changing, program=_is_of_programs(check.role, check.scope))


def _is_of_programs(role: str | None, scope: str) -> bool:
    """Whether some program's key opens what needs this."""
    suffices = role is None or ROLES.index(role) <= ROLES.index(ROLE_OF_PROGRAMS)
    return suffices and (scope == ANY or scope in OF_PROGRAMS)
