"""The client's HTTP: the right address, one answer per command, and the platform's own errors."""

from __future__ import annotations

import httpx
import pytest
from pydantic import BaseModel

from shared.client.http import Http
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound, TooLarge, Unauthenticated, Unavailable


class Thing(BaseModel):
    name: str


def http(answer, urls="http://platform", patience: float = 0) -> Http:
    return Http(urls, "token", patience=patience, client=httpx.Client(transport=httpx.MockTransport(answer)))


def problem(status: int, slug: str = "some_slug", **more) -> httpx.Response:
    body = {"type": f"urn:living:problem:{slug}", "detail": "what happened", **more}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthenticated), (403, Forbidden), (404, NotFound), (409, Conflict), (413, TooLarge), (422, Invalid),
        (500, LivingError), (502, Unavailable), (503, Unavailable),
    ],
)  # fmt: skip
def test_a_problem_is_raised_as_the_error_it_tells(status, kind):
    with pytest.raises(kind, match="what happened") as caught:
        http(lambda request: problem(status)).get("/toy/things", Thing)

    assert caught.value.slug == "some_slug"


def test_an_invalid_command_lists_every_error():
    with pytest.raises(Invalid) as caught:
        http(lambda request: problem(422, errors=[{"at": "a", "why": "b"}])).post("/toy/things", Thing)

    assert caught.value.errors == [{"at": "a", "why": "b"}]


def test_a_command_that_does_not_fit_what_is_so_lists_every_error_too():
    found = {"at": "name", "why": "looks like another", "person": "person_1"}

    with pytest.raises(Conflict) as caught:
        http(lambda request: problem(409, errors=[found])).post("/toy/things", Thing)

    assert caught.value.extra["errors"] == [found]


def test_an_answer_that_is_no_problem_document_is_told_by_its_status():
    with pytest.raises(Unavailable, match="GET /toy/things: HTTP 502"):
        http(lambda request: httpx.Response(502, text="<html>")).get("/toy/things", Thing)


def test_each_service_is_asked_at_its_own_address():
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"name": "x"})

    client = http(answer, {"one": "http://a/", "two": "http://b"})
    client.get("/one/x", Thing)
    client.get("/two/y", Thing)

    assert asked == ["http://a/one/x", "http://b/two/y"]
    with pytest.raises(Invalid, match="three"):
        client.get("/three/z", Thing)


def test_a_command_is_sent_again_with_the_same_key_until_the_platform_answers():
    keys = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ConnectError("refused")
        return problem(503) if len(keys) == 2 else httpx.Response(200, json={"name": "x"})

    assert http(answer, patience=5).post("/toy/things", Thing).name == "x"
    assert len(keys) == 3 and len(set(keys)) == 1


def test_without_patience_a_platform_that_is_down_is_told_at_once():
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable, match="http://platform does not answer"):
        http(answer).get("/toy/things", Thing)


def test_a_listing_is_read_page_by_page():
    pages = {None: ("a", "1"), "1": ("b", "2"), "2": ("c", None)}

    def answer(request: httpx.Request) -> httpx.Response:
        name, following = pages[request.url.params.get("cursor")]
        return httpx.Response(200, json={"items": [{"name": name}], "next": following})

    assert [thing.name for thing in http(answer).pages("/toy/things", Thing, q=None)] == ["a", "b", "c"]
