"""The client's HTTP, of both kinds: the right address, one answer per command, and the platform's own errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

import httpx
import pytest
from pydantic import BaseModel

from shared.client.asking import one_sheet
from shared.client.asynchronous.http import AsyncHttp
from shared.client.http import Http
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound, TooLarge, Unauthenticated, Unavailable
from tests.awaited import Awaited

Made = Callable[..., Http]


class Thing(BaseModel):
    name: str


@pytest.fixture(params=["waiting", "awaited"])
def http(request) -> Iterator[Made]:
    """Makes a client, of either kind, of a platform that answers so."""
    with asyncio.Runner() as runner:

        def make(answer, urls="http://platform", patience: float = 0, key: str = "token") -> Http:
            transport = httpx.MockTransport(answer)
            if request.param == "waiting":
                return Http(urls, key, patience=patience, client=httpx.Client(transport=transport))
            client = httpx.AsyncClient(transport=transport)
            return cast(Http, Awaited(AsyncHttp(urls, key, patience=patience, client=client), runner))

        yield make


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
def test_a_problem_is_raised_as_the_error_it_tells(http, status, kind):
    with pytest.raises(kind, match="what happened") as caught:
        http(lambda request: problem(status)).get("/toy/things", Thing)

    assert caught.value.slug == "some_slug"


def test_an_invalid_command_lists_every_error(http):
    with pytest.raises(Invalid) as caught:
        http(lambda request: problem(422, errors=[{"at": "a", "why": "b"}])).post("/toy/things", Thing)

    assert caught.value.errors == [{"at": "a", "why": "b"}]


def test_a_command_that_does_not_fit_what_is_so_lists_every_error_too(http):
    found = {"at": "name", "why": "looks like another", "person": "person_1"}

    with pytest.raises(Conflict) as caught:
        http(lambda request: problem(409, errors=[found])).post("/toy/things", Thing)

    assert caught.value.extra["errors"] == [found]


def test_what_a_problem_says_beside_is_kept_with_its_error(http):
    with pytest.raises(Conflict) as caught:
        http(lambda request: problem(409, "under_way", preview="preview_1", self="x")).post("/toy/things", Thing)

    assert (caught.value.slug, caught.value.extra["preview"]) == ("under_way", "preview_1")


def test_so_is_what_a_refusal_of_what_was_sent_offers(http):
    found = [{"at": "exact", "why": "it is not there"}]
    with pytest.raises(Invalid) as caught:
        http(lambda request: problem(422, "quote_not_found", errors=found, nearest={"start": 1})).post(
            "/toy/things", Thing
        )

    assert (caught.value.slug, caught.value.errors, caught.value.extra["nearest"]) == (
        "quote_not_found",
        found,
        {"start": 1},
    )


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(http):
    with pytest.raises(Unavailable, match="GET /toy/things: HTTP 502"):
        http(lambda request: httpx.Response(502, text="<html>")).get("/toy/things", Thing)


def test_each_service_is_asked_at_its_own_address(http):
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


def test_a_command_is_sent_again_with_the_same_key_until_the_platform_answers(http):
    keys = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ConnectError("refused")
        return problem(503) if len(keys) == 2 else httpx.Response(200, json={"name": "x"})

    assert http(answer, patience=5).post("/toy/things", Thing).name == "x"
    assert len(keys) == 3 and len(set(keys)) == 1


def test_without_patience_a_platform_that_is_down_is_told_at_once(http):
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable, match="http://platform does not answer"):
        http(answer).get("/toy/things", Thing)


def test_a_listing_is_read_page_by_page(http):
    pages = {None: ("a", "1"), "1": ("b", "2"), "2": ("c", None)}

    def answer(request: httpx.Request) -> httpx.Response:
        name, following = pages[request.url.params.get("cursor")]
        return httpx.Response(200, json={"items": [{"name": name}], "next": following})

    assert [thing.name for thing in http(answer).pages("/toy/things", Thing, q=None)] == ["a", "b", "c"]


def test_one_page_of_a_listing_is_read_alone_where_it_is_asked_for(http):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json={"items": [{"name": "b"}], "next": "2"})

    with one_sheet("1", 50) as sheet:
        assert [thing.name for thing in http(answer).pages("/toy/things", Thing, q="x")] == ["b"]
    assert sheet.next == "2" and asked == [{"limit": "50", "q": "x", "cursor": "1"}]


def stream(*parts: str) -> httpx.Response:
    return httpx.Response(200, content="".join(parts).encode(), headers={"content-type": "text/event-stream"})


@pytest.mark.waits
def test_a_stream_that_breaks_off_is_gone_on_with_where_it_was(http):
    asked: list[str | None] = []
    why = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("last-event-id"))
        if len(asked) == 2:
            raise httpx.ConnectError("refused")
        if len(asked) == 1:
            return stream(": here\n\n", "event: a\ndata: 1\nid: x.1\n\n", "event: b\nda")
        return stream("event: b\ndata: 2\ndata: 3\nid: x.2\n\n")

    events = http(answer).follow("/toy/stream", after="x.0", lost=why.append)

    assert [(event.kind, event.data, event.id) for event in (next(events), next(events))] == [
        ("a", "1", "x.1"), ("b", "2\n3", "x.2"),
    ]  # fmt: skip
    assert asked == ["x.0", "x.1", "x.1"]
    assert len(why) == 1 and "does not answer" in why[0]


def test_a_stream_that_cannot_begin_is_told_at_once(http):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    for answer, error in [(refuse, Unavailable), (lambda request: problem(404), NotFound)]:
        with pytest.raises(error):
            next(http(answer).follow("/toy/stream"))


def test_a_token_that_is_over_is_renewed_once_and_the_stream_goes_on(http):
    tokens = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/people/token":
            tokens.append(f"token{len(tokens)}")
            return httpx.Response(200, json={"access_token": tokens[-1], "expires_in": 300})
        if request.headers["authorization"] == "Bearer token0":
            return problem(401)
        return stream("event: a\ndata: 1\n\n") if tokens == ["token0", "token1"] else problem(403)

    events = http(answer, key="living_key_" + "0" * 40).follow("/toy/stream")

    assert next(events).data == "1"
    assert len(tokens) == 2
