"""docs/access.md is held: a whole platform is asked every route as everybody there can be, and answers nobody whom the
page refuses; and nobody learns of a review that is not theirs, not even whether there is one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from inspect import signature, unwrap
from typing import Annotated, Any, NamedTuple

import orjson
import pytest
from fastapi import Depends
from fastapi.routing import APIRoute

from docs.generate import PAGES, who_may
from services.catalog import SERVICES
from services.people.domain.access import ROLE_OF_PROGRAMS
from shared.http.auth import at_least
from shared.http.route import Route
from shared.runtime.app import routers
from shared.tokens import ANY, OF_MEMBERS, OF_PROGRAMS, OF_PUBLIC, PUBLIC, ROLES, SCOPES, Person
from tests.architecture.asking import MINE, NOWHERE, OTHER, Answer, Asker, Everything
from tests.architecture.things import ABSENT, OWNER, THING, plant

[PAGE] = [path for path, page in PAGES.items() if page is who_may]

#: The role of whoever asks, in the review they are of.
HELD = (None, *OF_MEMBERS)

#: Whoever reads a public review without being known.
READER = Person.anybody(MINE)

#: What no request may get as far as: no JSON, and a parameter that no route has.
HOSTILE = b"{", "nonsense=1"

FOUNDING = ("POST", "/people/reviews/{review}")


@dataclass(frozen=True)
class Line:
    """A line of the page's table."""

    method: str
    path: str
    role: str
    scope: str
    unknown: str
    program: str

    @property
    def asks_for_a_token(self) -> bool:
        return self.scope not in ("open", "door")

    def allows(self, asker: Asker, review: str) -> bool:
        """Whether somebody may ask this, of a review where it is about one."""
        if asker.scopes is not None and self.scope != ANY and self.scope not in asker.scopes:
            return False
        if self.role == "none":
            return asker.id != READER.id
        role, _, of_all = self.role.partition(" of ")
        asked = {"*"} if of_all else {"*", review} if "{review}" in self.path else set(asker.roles)
        held = [ROLES.index(it) for where, it in asker.roles.items() if where in asked]
        return max(held, default=-1) >= ROLES.index(role)

    def target(self, asker: Asker, review: str) -> str:
        """Where to ask it, of nothing that there is."""
        known = {"review": OTHER if (self.method, self.path) == FOUNDING else review, "person_id": asker.id}
        return re.sub(
            r"{(\w+)}", lambda it: known.get(it[1], "999" if it[1] in ("number", "version") else "nothing"), self.path
        )


def table() -> list[Line]:
    """The table, as the page has it."""
    cells = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if re.match(r"\| [A-Z]+ \|", line)]
    return [Line(method, path.strip("`"), *rest) for method, path, *rest in cells]


TABLE = table()
KEPT = [line for line in TABLE if line.asks_for_a_token]


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Iterator[Everything]:
    everything = Everything(tmp_path_factory.mktemp("access"))
    yield everything
    everything.close()


@pytest.fixture(scope="module")
def members(everything) -> list[Asker]:
    """One of each role in one review, also none."""
    return [everything.comes(Asker(f"m-{role}", {MINE: role} if role else {})) for role in HELD]


@pytest.fixture(scope="module")
def grandees(everything) -> list[Asker]:
    """One of each role in all reviews."""
    return [everything.comes(Asker(f"g-{role}", {"*": role})) for role in OF_MEMBERS]


def differences(everything: Everything, askers: list[Asker], lines: list[Line], *reviews: str) -> list[str]:
    """Where the platform does not do as the table says, for these askers, about these reviews."""
    cases = [
        (asker, line, review)
        for asker in askers
        for line in lines
        for review in (reviews if "{review}" in line.path else reviews[:1])
    ]
    allowed = [line.allows(asker, review) for asker, line, review in cases]
    answers = everything.ask(
        _request(asker, line, review, may) for (asker, line, review), may in zip(cases, allowed, strict=True)
    )
    return [
        f"{line.method} {line.path} of {review} by {asker.roles} for {asker.scopes and [*asker.scopes]}: "
        f"{'allowed' if may else 'refused'}, and answered {answer.status} {answer.slug}"
        for (asker, line, review), may, answer in zip(cases, allowed, answers, strict=True)
        if answer.refuses is may
    ]


def _request(asker: Asker, line: Line, review: str, may: bool) -> tuple[Asker, str, str, bytes | None]:
    """A request that is harmless where it is allowed, and else wrong in all that comes after who asks."""
    target, changes = line.target(asker, review), line.method in ("POST", "PUT")
    if may:
        return asker, line.method, target, b"{}" if changes else None
    return asker, line.method, f"{target}?{HOSTILE[1]}", HOSTILE[0] if changes else None


def test_the_page_has_every_route_of_the_application(everything):
    served = [(method, route.path) for route in everything.app.routes for method in route.methods - {"HEAD"}]

    assert sorted(served) == sorted((line.method, line.path) for line in TABLE)
    assert len(TABLE) > 150


def test_without_a_token_nothing_is_answered_but_what_is_open_and_doors(everything):
    answers = everything.ask((None, *_request(Asker("x"), line, MINE, True)[1:]) for line in TABLE)
    everything.platform.health.stop()  # Which begins to look around when somebody asks.

    refused = [line for line, answer in zip(TABLE, answers, strict=True) if answer.slug == "unauthenticated"]
    assert refused == KEPT
    assert {answer.status for line, answer in zip(TABLE, answers, strict=True) if line in KEPT} == {401}


def test_every_role_may_what_the_page_says(everything, members):
    assert differences(everything, members, KEPT, MINE, OTHER, NOWHERE) == []


@pytest.mark.parametrize("scope", SCOPES)
def test_by_a_key_for_one_thing_every_role_may_what_the_page_says(everything, members, scope):
    askers = [replace(it, scopes=frozenset({scope})) for it in members]

    assert differences(everything, askers, KEPT, MINE) == []


def test_who_has_a_role_in_all_reviews_may_what_the_page_says(everything, grandees):
    assert differences(everything, grandees, KEPT, MINE) == []


def test_a_program_may_no_more_than_the_page_says(everything):
    programs = [Asker("key_1", {review: ROLE_OF_PROGRAMS}, frozenset(OF_PROGRAMS)) for review in (MINE, "*")]

    answers = [
        everything.ask((asker, line.method, line.target(asker, MINE), b"{}") for line in KEPT) for asker in programs
    ]

    opened = {
        line for of_one in answers for line, answer in zip(KEPT, of_one, strict=True) if not answer.refuses
    }  # fmt: skip
    assert opened == {line for line in KEPT if line.program == "may"}


def test_whoever_reads_a_public_review_may_what_the_page_says_there_and_nothing_of_any_other(everything):
    anybody = Asker(READER.id, READER.roles, READER.scopes)

    assert differences(everything, [anybody], KEPT, MINE, OTHER, NOWHERE) == []
    # Nor would any scope open more.
    assert differences(everything, [replace(anybody, scopes=None)], KEPT, MINE) == []
    assert {(line.path, line.scope) for line in KEPT if line.role == PUBLIC} == {
        ("/search/reviews/{review}/releases", "records"),
        ("/signing-key.pem", "records"),
        ("/signing-keys", "records"),
        ("/protocol/reviews/{review}/question", "records"),
        ("/synthesis/reviews/{review}/standing", "records"),
        ("/synthesis/reviews/{review}/revisions", "records"),
        ("/synthesis/reviews/{review}/revisions/{number}", "records"),
        ("/synthesis/reviews/{review}/revisions/{number}/verify", "records"),
        ("/synthesis/reviews/{review}/revisions/{number}/export", "records"),
        ("/synthesis/reviews/{review}/revisions/{number}/studies", "records"),
        ("/synthesis/reviews/{review}/revisions/{number}/provenance", "records"),
        ("/synthesis/reviews/{review}/revisions/{number}/files/{form}", "records"),
        ("/synthesis/reviews/{review}/diff", "records"),
        ("/synthesis/reviews/{review}/support/revisions", "records"),
        ("/notify/reviews/{review}/feed.atom", "subscribe"),
        ("/notify/reviews/{review}/feed.json", "subscribe"),
        ("/notify/reviews/{review}/cmocs/{cmoc}/feed.atom", "subscribe"),
        ("/notify/reviews/{review}/cmocs/{cmoc}/feed.json", "subscribe"),
    }
    assert {line.scope for line in KEPT if line.role == PUBLIC} == OF_PUBLIC


def test_while_withdrawals_are_unknown_nothing_is_changed_but_what_the_page_says(everything, grandees):
    everything.know_withdrawals(-math.inf)
    try:
        answers = everything.ask(_request(grandees[-1], line, MINE, True) for line in KEPT)
    finally:
        everything.know_withdrawals(math.inf)

    refused = {line for line, it in zip(KEPT, answers, strict=True) if it.slug == "withdrawals_unknown"}
    assert refused == {line for line in KEPT if line.unknown == "refused"}


# What is planted is found


def loosened(path: str, method: str, check: Callable[..., Any]) -> Route:
    """A copy of a route of which whoever asks is checked otherwise."""
    routes = [it for router in routers(SERVICES) for it in router.routes if isinstance(it, APIRoute)]
    [route] = [it for it in routes if it.path == path and method in it.methods]
    function = unwrap(route.endpoint)

    @wraps(function)
    def endpoint(**given: Any) -> Any:
        return function(**given)

    of_route, checked = signature(function), Annotated[Person, Depends(check)]
    parameters = [
        it.replace(annotation=checked) if name == "person" else it for name, it in of_route.parameters.items()
    ]
    endpoint.__signature__ = of_route.replace(parameters=parameters)  # type: ignore[attr-defined]
    return Route(path, endpoint, methods=[method], response_model=route.response_model)


@contextmanager
def planted(everything: Everything, route: Route) -> Iterator[None]:
    """Has a route instead of the one at its path."""
    everything.app.router.routes.insert(0, route)
    try:
        yield
    finally:
        everything.app.router.routes.remove(route)


NOTICES = "/ingest/reviews/{review}/records/{record}/notices"


@pytest.mark.parametrize(("path", "method", "check"), [
    (NOTICES, "POST", at_least("adjudicator", "decide")),
    (NOTICES, "POST", at_least("lead", ANY)),
    ("/synthesis/reviews/{review}/draft", "GET", at_least("public", "records")),
    (NOTICES, "POST", at_least("lead", "decide", member=False)),
    ("/ingest/reviews/{review}/status", "GET", at_least(None, "records", member=False)),
    ("/people/grants", "POST", at_least("admin", "administer")),
    ("/people/keys", "GET", at_least(None, ANY)),
])  # fmt: skip
def test_a_planted_route_that_allows_more_is_caught(everything, members, path, method, check):
    lines = [line for line in TABLE if (line.method, line.path) == (method, path)]
    anybody = Asker(READER.id, READER.roles, READER.scopes)
    askers = [anybody, *members, *(replace(it, scopes=frozenset({"records"})) for it in members)]
    ask = lambda: differences(everything, askers, lines, MINE, OTHER, NOWHERE)  # noqa: E731

    assert ask() == []
    with planted(everything, loosened(path, method, check)):
        assert ask()


def test_a_planted_route_that_looks_before_it_checks_is_caught(everything, members):
    path, method = NOTICES, "POST"
    lines = [line for line in TABLE if (line.method, line.path) == (method, path)]

    async def check(person: Annotated[Person, Depends(at_least("reader", "decide", member=False))]) -> Person:
        person.require("lead")
        return person

    with planted(everything, loosened(path, method, check)):
        assert differences(everything, members, lines, MINE, OTHER, NOWHERE)


# What is hidden stays so

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OF_A_REVIEW = {
    path: {it.method for it in TABLE if it.path == path} for path in {it.path for it in TABLE if "{review}" in it.path}
}


def learned(everything: Everything, members: list[Asker], of_a_review: Mapping[str, set[str]]) -> list[Any]:
    """What those who are of another review are answered otherwise where there is one than where there is none."""
    nobody, lead = members[0], members[-2]
    program = Asker("key_2", {MINE: "lead"}, frozenset(OF_PROGRAMS))
    # Who may found a review learns that a name is taken; the others do not.
    cases = [
        (asker, method, path, body)
        for path, methods in of_a_review.items()
        for method in METHODS
        for asker in ((None, nobody, lead, program) if method in methods else (lead,))
        for body in ((None, b"{}", HOSTILE[0]) if method in methods - {"GET"} else (None,))
        if (method, path) != FOUNDING or asker is not lead
    ]
    of_there, of_nowhere = (
        everything.ask((asker, method, _filled(path, review), body) for asker, method, path, body in cases)
        for review in (OTHER, NOWHERE)
    )
    answered = [(case, it.status) for case, it in zip(cases, of_there, strict=True) if it.status not in (401, 403, 405)]
    return answered + _unlike(cases, of_there, of_nowhere, OTHER, NOWHERE)


def test_of_a_review_that_is_not_theirs_nobody_learns_whether_there_is_one(everything, members):
    """At any address and by any method, whatever is sent: also in the headers, and where all is answered 405."""
    assert learned(everything, members, OF_A_REVIEW) == []


def test_a_planted_route_that_tells_of_a_review_is_caught(everything, members):
    path = "/ingest/reviews/{review}/status"

    with planted(everything, loosened(path, "GET", at_least(None, "records", member=False))):
        assert learned(everything, members, {path: {"GET"}})


def test_who_may_found_a_review_learns_that_its_name_is_taken_and_nobody_else(everything, members):
    target = FOUNDING[1].format(review=OTHER)

    answers = everything.ask((it, "POST", target, None) for it in members)

    assert [it.slug for it in answers] == ["may_not_found"] * 4 + ["review_taken"] * 2


def _filled(path: str, review: str, thing: str = "nothing") -> str:
    return re.sub(r"{(\w+)}", lambda it: review if it[1] == "review" else thing, path)


def _unlike(cases: list[Any], some: list[Answer], others: list[Answer], *names: str) -> list[Any]:
    """The cases in which an answer is another one, but for these names."""
    return [
        (case, one.body[:200], other.body[:200])
        for case, one, other in zip(cases, some, others, strict=True)
        if one.without(*names) != other.without(*names)
    ]


#: What says how a list is to be, and not of what.
HOW = {
    "limit", "cursor", "sort", "facet", "after", "before", "state", "left", "everyone", "published_from",
    "published_until",
}  # fmt: skip

#: What a command must be sent to get as far as the thing, by the end of its path. THING stands for its id.
SENT: dict[str, Any] = {
    "/claims": {"stage": THING},
    "/vote": {"answer": "include"},
    "/look": {"answer": "include"},
    "/adjudication": {"reason": "why"},
    "/notices": {"kind": "retraction", "reason": "why"},
    "/accept": {"lacking": 1, "reason": "why"},
    "/merge": {"other": THING, "reason": "why"},
    "/split": {"absorbed": THING, "reason": "why"},
    "/keep-apart": {"other": THING, "reason": "why"},
    "/undo": {"reason": "why"},
    "/corrections": {"field": "title", "value": "so", "reason": "why"},
    "/duplicates/{duplicate}": {"verdict": "different", "reason": "why"},
    "/evidence": {
        "record": THING, "links": [{"cmoc": "CMOC", "element": "whole"}],
        "fragment": {"locator": "p. 1", "paraphrase": "so", "data_type": "observation"},
    },
    "/texts": {"file": "0" * 64, "name": "a.pdf"},
    "/texts/{text}/withdraw": {"reason": "why"},
    "/retrieval": {"state": "sought", "reason": "why"},
    "/withdraw": {"why": "why", "link": THING},
    "/records/{record}/withdraw": {"reason": "why"},
    "/study": {"same_as": THING, "why": "why"},
    "/close": {"how": "so"},
    "/proposals/{proposal}/close": {"why": "why"},
    "/comments": {"cmoc": "CMOC", "part": "outcome", "words": "so", "text": "so"},
    "/answers": {"text": "so"},
    "/characteristics/answers": {"answers": [{"record": THING, "characteristic": "setting", "value": "so"}]},
    "/comments/{comment}/close": {"why": "why"},
    "/link-judgements": {"links": [THING], "verdict": "keep", "why": "why"},
    "/confidence": {
        "methodological_limitations": "none", "coherence": "none", "adequacy": "none", "relevance": "none",
        "confidence": "high", "why": "why",
    },
    "/report-texts/{item}": {"text": "so"},
    "/appraisals": {"credibility": "caution", "why": "why"},
    "/discard": {"reason": "why"},
    "/held/discard": {"topic": THING, "key": THING, "reason": "why"},
    "/members/{member}": {"role": "reader"},
    "/old-names": {"name": "Ana", "person": THING},
}  # fmt: skip


def test_of_another_reviews_things_nobody_learns_whether_there_are_any(everything, members):
    """By their ids in a path, a query or a body, and in lists: of whatever service."""
    askers = [members[0], members[1], members[-1]]
    of_lists = [(it, "GET", line.target(it, MINE), None) for it in askers for line in KEPT if line.method == "GET"]
    before = everything.ask(of_lists)
    plant(everything.platform, OTHER)
    assert _unlike(of_lists, before, everything.ask(of_lists)) == []

    there, nowhere = Named(OTHER, THING, _group(everything), "4711"), Named(NOWHERE, ABSENT, "0" * 12, "4712")
    wheres = [where for line in KEPT for where in _of_things(everything, line)]
    of_there, of_nowhere = (
        everything.ask((it, where.method, *where.named(names)) for it in askers for where in wheres)
        for names in (there, nowhere)
    )

    cases = [(it.roles, where) for it in askers for where in wheres]
    assert _unlike(cases, of_there, of_nowhere, *there, *nowhere) == []
    # Whoever may know is told: there was something to be found out by every kind of id.
    root = everything.comes(Asker(OWNER, {OTHER: "admin", "*": "admin"}))
    # Backwards, since a group has no letters when each was decided about.
    mine = [replace(where, path=where.path.replace(MINE, "{review}")) for where in reversed(wheres)]
    found, missed = (everything.ask((root, it.method, *it.named(names)) for it in mine) for names in (there, nowhere))
    learnt = [case for case, *_ in _unlike(mine, found, missed, *there, *nowhere)]
    assert _ids(mine) - _ids(learnt) == set()


def _ids(wheres: list[Where]) -> set[str]:
    """The kinds of ids in paths; a grant and a form are of no review."""
    named = {name for it in wheres for name in re.findall(r"{(\w+)}", it.path.partition("?")[0])}
    return named - {"review", "grant", "form"}


class Named(NamedTuple):
    """What there is of a review, or what there is not, by its names."""

    review: str
    thing: str
    group: str
    number: str


@dataclass(frozen=True)
class Where:
    """A request about a thing, whose name is left open."""

    method: str
    path: str
    body: str | None

    def named(self, names: Named) -> tuple[str, bytes | None]:
        path = re.sub(r"{(\w+)}", lambda it: getattr(names, it[1], names.thing), self.path)
        body = self.body and self.body.replace(THING, names.thing).replace(OTHER, names.review)
        return path.replace("{version}", names.number), body.encode() if body is not None else None


def _of_things(everything: Everything, line: Line) -> Iterator[Where]:
    """The requests of a route that name a thing, of one's own review where they are of any."""
    path = line.path.replace("{review}", MINE).replace("{version}", "{number}")
    end = max((it for it in SENT if line.path.endswith(it)), key=len, default=None)
    body = orjson.dumps(SENT[end] if end else {}).decode() if line.method in ("POST", "PUT") else None
    if body is not None:
        body = body.replace("CMOC", everything.cmoc)
    if "{" in path or THING in (body or ""):
        yield Where(line.method, path, body)
    if line.path == "/people/keys" and line.method == "POST":
        yield Where(line.method, path, orjson.dumps({"name": "x", "review": OTHER}).decode())
    if end == "/held/discard":
        yield Where(line.method, path, orjson.dumps({"review": OTHER, "reason": "why"}).decode())
    described = everything.app.openapi()["paths"][line.path][line.method.lower()]
    words = {it["name"] for it in described.get("parameters", []) if it["in"] == "query"} - HOW
    for word in sorted(words):
        what = {"review": "{review}", "group": "{group}"}.get(word, "{thing}")
        yield Where(line.method, f"{path}?{word}={what}", None)


def _group(everything: Everything) -> str:
    """The name of the group of letters that was planted, in whatever service."""
    [answer] = everything.ask([(Asker("g-admin", {"*": "admin"}), "GET", "/ingest/dead-letters/groups", None)])
    return str(answer.json["items"][0]["group"])
