"""The plain client: the same client, over the standard library, whose answers are documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from demo.replay.server import ReplayServer
from shared.client import Client
from shared.client.plain import Document, PlainHttp
from shared.errors import Conflict, Invalid, NotFound, Unavailable

Served = Callable[[Callable[[Request], Response]], AbstractContextManager[Client]]


@pytest.fixture
def served() -> Served:
    @contextmanager
    def serve(answer: Callable[[Request], Response], patience: float = 0) -> Iterator[Client]:
        async def app(scope, receive, send):
            request = Request(scope, receive)
            await request.body()
            await answer(request)(scope, receive, send)

        with ReplayServer(app) as server, Client.at(server.url, "my token", patience=patience, plain=True) as client:
            yield client

    return serve


def test_an_answer_is_a_document_whose_values_are_attributes(served):
    with served(lambda request: JSONResponse({"review": "r", "by_rule": {"a b": 1}, "stages": [{"n": 2}]})) as client:
        funnel = client.screening.funnel("r")

    assert (funnel.review, funnel.by_rule, funnel.stages[0].n) == ("r", {"a b": 1}, 2)
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = funnel.nothing_such


def test_a_command_carries_token_key_and_body_and_a_retry_the_same_key(served):
    asked = []

    def answer(request: Request) -> Response:
        asked.append((request.headers["idempotency-key"], request.headers["authorization"], request._body))
        return JSONResponse({"detail": "soon"}, 503) if len(asked) == 1 else JSONResponse({"state": "open"})

    with served(answer, patience=10) as client:
        assert client.screening.vote("r", "lease_1", "in", "because", {"kind": ("a", "b")}).state == "open"

    assert asked[0] == asked[1] and asked[0][1] == "Bearer my token"
    assert json.loads(asked[0][2]) == {"answer": "in", "reason": "because", "fields": {"kind": ["a", "b"]}}


def test_a_listing_is_read_page_by_page_and_questions_are_spelled_as_the_api_reads_them(served):
    asked = []

    def answer(request: Request) -> Response:
        asked.append(str(request.url.query))
        last = "cursor" in request.query_params
        return JSONResponse({"items": [{"seq": len(asked)}], "next": None if last else "c/2"})

    with served(answer) as client:
        seen = [entry.seq for entry in client.operations.events("ingest", "r", cause=["a", "b"], after=None, full=True)]

    assert seen == [1, 2]
    assert asked == ["cause=a&cause=b&full=true", "cause=a&cause=b&full=true&cursor=c%2F2"]


def test_a_problem_is_raised_as_the_error_it_tells(served):
    body = {"type": "urn:living:problem:lease_lapsed", "detail": "it lapsed"}
    with (
        served(lambda request: JSONResponse(body, 409)) as client,
        pytest.raises(Conflict, match="it lapsed") as caught,
    ):
        client.screening.release("r", "lease_1")

    assert caught.value.slug == "lease_lapsed"


def test_an_answer_that_is_no_json_is_told_by_its_status(served):
    with served(lambda request: Response("<html>", 404)) as client, pytest.raises(NotFound, match="HTTP 404"):
        client.synthesis.status("r")


def test_the_token_is_not_carried_to_another_address(served):
    with served(lambda request: RedirectResponse("http://127.0.0.1:9/elsewhere")) as client:
        answer = client.http.raw("GET", "/synthesis/reviews/r")

    assert answer.status_code == 307


def test_a_platform_that_does_not_answer_is_unavailable():
    with pytest.raises(Unavailable, match="127.0.0.1:9 does not answer".replace(".", r"\.")):
        PlainHttp("http://127.0.0.1:9", "token").get("/ingest/x", Document)


@pytest.mark.parametrize("url", ["platform:8000", "ftp://platform", "nowhere", "http://[1"])
def test_what_is_no_address_is_told_with_what_to_set(url):
    with pytest.raises(Invalid, match="LIVING_URL"):
        PlainHttp(url, "token").get("/ingest/x", Document)
