"""A probe of each source: all well on the replay, and every way in which an answer may change is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner

from demo.replay.app import replay_app
from demo.replay.server import ReplayServer
from services.cli import app, context
from services.ingest.ports.sources.port import Query
from services.ingest.ports.sources.probing import STRATEGIES, Finding, probe
from tests.contract.copies import corpus_with_copies
from tests.contract.test_sources import KINDS, REVIEW, Faults, answering

#: Twelve works a page, so that shares can be judged and there is a second page.
SIZE = 12


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Faults]]:
    faults = Faults(replay_app(corpus_with_copies(REVIEW), bulk_size=SIZE))
    with ReplayServer(faults) as running:
        yield running.url, faults


@pytest.fixture(params=sorted(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def found(server: tuple[str, Faults], name: str, text: str | None = None, size: int = SIZE) -> list[Finding]:
    """What a probe of five years finds."""
    url, faults = server
    with httpx.Client() as client:
        source = KINDS[name].open(url, client, size=size)
        query = Query(
            text=text or KINDS[name].everything, since=date(2018, 1, 1), until=date(2022, 12, 31), by=source.datings[0]
        )
        result = list(probe(source, query))
    faults.clear()
    return result


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.state for finding in findings}


def changed(app: Any, change: Any) -> Any:
    """Answers as the application does, its JSON changed."""

    async def fault(scope: Any, receive: Any, send: Any) -> None:
        sent: list[Any] = []

        async def hold(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, hold)
        body = orjson.loads(b"".join(message.get("body", b"") for message in sent))
        change(body)
        kept = [header for header in sent[0]["headers"] if header[0] != b"content-length"]
        await send(sent[0] | {"headers": kept})
        await send({"type": "http.response.body", "body": orjson.dumps(body)})

    return fault


def test_a_source_as_we_know_it_fails_nothing(server, name):
    findings = found(server, name)

    assert {"answer", "count", "items", "title", "date", "next page", "look-up", "rates"} <= set(states(findings))
    # The replay has no abstracts, which are their publishers'.
    assert [finding.check for finding in findings if finding.state == "fail"] in ([], ["abstract"])
    assert all(finding.source == name for finding in findings)


def test_there_is_a_question_for_every_source():
    assert set(STRATEGIES) == set(KINDS)


def test_an_answer_of_another_form_fails_and_ends_the_probe(server, name):
    server[1].next(answering(200, "text/html", b"<html>new website</html>"), times=20)
    (finding,) = found(server, name)
    assert (finding.check, finding.state) == ("answer", "fail") and "does not document" in finding.said


def test_a_key_that_is_refused_is_told_in_the_sources_words(server, name):
    server[1].next(answering(403, "text/plain", b"your key has lapsed"), times=20)
    (finding,) = found(server, name)
    assert finding.state == "fail" and "your key has lapsed" in finding.said


def test_a_source_that_cannot_be_reached_says_nothing_of_its_api(name):
    with ReplayServer(answering(200, "text/plain", b"")) as gone:
        url = gone.url
    with httpx.Client() as client:
        source = KINDS[name].open(url, client)
        query = Query(text="care", since=date(2018, 1, 1), until=date(2018, 2, 1), by=source.datings[0])
        (finding,) = probe(source, query)
    assert finding.state == "fail" and "this tells nothing of its API" in finding.said


def test_a_strategy_that_finds_nothing_is_a_failure(server, name):
    assert states(found(server, name, KINDS[name].nothing))["items"] == "fail"


@pytest.mark.parametrize(("field", "state"), [("abstract_inverted_index", "ok"), ("abstract", "fail")])
def test_an_abstract_that_moved_is_seen(server, field, state):
    def put(body: Any) -> None:
        for work in body["results"]:
            work[field] = {"Care": [0]}

    server[1].next(changed(server[1].app, put), times=20)
    assert states(found(server, "openalex"))["abstract"] == state


def test_ids_of_another_form_are_seen(server):
    def rename(body: Any) -> None:
        for work in body["results"]:
            work["id"] = f"https://openalex.org/works/{work['id'][-6:]}/new"
            work["ids"] = {}

    server[1].next(changed(server[1].app, rename), times=20)
    assert states(found(server, "openalex"))["items"] == "fail"


def test_a_cursor_that_is_no_longer_sent_is_seen(server):
    server[1].next(changed(server[1].app, lambda body: body.pop("nextCursorMark", None)), times=20)
    assert states(found(server, "europepmc", size=4))["next page"] == "fail"


def test_a_place_in_the_walk_that_is_no_longer_read_is_seen(server):
    first: list[Any] = []

    def repeat(body: Any) -> None:
        first.append(dict(body))
        body["results"] = first[0]["results"]

    server[1].next(changed(server[1].app, repeat), times=20)
    assert states(found(server, "doaj"))["next page"] == "fail"


def test_a_look_up_that_gives_nothing_is_seen(server):
    def empty(body: Any) -> None:
        body["resultList"]["result"], body["hitCount"] = [], 0

    server[1].next(changed(server[1].app, empty), times=20, after=2)
    assert states(found(server, "europepmc", size=4))["look-up"] == "fail"


def test_the_command_asks_with_the_settings_alone(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVING_EUROPEPMC_URL", f"{server[0]}/europepmc")
    for forgotten in (context.settings, context.given):
        forgotten.cache_clear()
    asked = ["ingest", "probe", "europepmc", "--days", "5000", "--strategy", KINDS["europepmc"].everything]
    well = CliRunner().invoke(app, [*asked, "--json"])
    assert well.exit_code == 0, well.output
    assert {finding["check"] for finding in json.loads(well.stdout)} >= {"answer", "look-up"}

    nothing = CliRunner().invoke(app, [*asked[:-1], KINDS["europepmc"].nothing])
    assert nothing.exit_code == 1 and "fail europepmc" in " ".join(nothing.stdout.split())

    unknown = CliRunner().invoke(app, ["ingest", "probe", "scopus"])
    assert "there is no source 'scopus'" in str(unknown.exception)
    assert CliRunner().invoke(app, ["ingest", "probe", "--strategy", "care"]).exit_code == 2
    for forgotten in (context.settings, context.given):
        forgotten.cache_clear()
