"""One suite for every service that knows where full texts are open: the adapter against the replay, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest.ports.fulltext.catalog import open_full_texts
from services.ingest.ports.fulltext.port import FullText, FullTexts, Location
from services.ingest.ports.fulltext.unpaywall import Unpaywall
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.port import Heard, SourceDrifted, SourceRefused, SourceUnavailable
from shared.settings import Settings
from tests.contract.test_sources import Faults, answering, cut

REVIEW = Path(__file__).parents[2] / "reviews" / "ics-leadership" / "papers.yaml"
LIMITS = Limits(timeout=60, answer_bytes=500_000, tries=2, longest_pause=60)
OPEN, CLOSED, UNKNOWN = "10.5334/ijic.3106", "10.1111/1468-0009.12357", "10.5555/nobody-knows"
PAGE = f"https://doi.org/{OPEN}"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Faults]]:
    app = Faults(replay_app(PapersCorpus.load(REVIEW)))
    with ReplayServer(app) as running:
        yield running.url, app


@pytest.fixture
def faults(server) -> Iterator[Faults]:
    server[1].clear()
    yield server[1]
    server[1].clear()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def opened(url: str, client: httpx.Client, contact: str = "team@example.org") -> FullTexts:
    return Unpaywall(Access(f"{url}/unpaywall", contact), client, limits=LIMITS, sleep=lambda seconds: None)


@pytest.fixture
def full_texts(server, client) -> FullTexts:
    return opened(server[0], client)


def test_an_open_work_has_the_locations_where_it_is_open(full_texts):
    found = full_texts.find(OPEN)
    best = Location(url=PAGE, page=PAGE, licence="cc-by", version="published", host="publisher")
    assert found == FullText(doi=OPEN, openness="gold", locations=[best])
    assert found.best == best


def test_a_closed_work_has_none(full_texts):
    found = full_texts.find(CLOSED)
    assert (found.openness, found.locations, found.best) == ("closed", [], None)


def test_a_doi_that_nobody_knows_is_nothing(full_texts):
    assert full_texts.find(UNKNOWN) is None


@pytest.mark.parametrize("written", [OPEN.upper(), f"https://doi.org/{OPEN}", f"doi: {OPEN}", f" {OPEN} "])
def test_a_doi_may_be_written_as_people_write_it(full_texts, written):
    assert full_texts.find(written).doi == OPEN


@pytest.mark.parametrize(
    "text", ["", "no doi", "10.1/short", "https://example.org/10.5334", "10.5334/a b", "10.5334/\x00"]
)
def test_what_is_no_doi_is_refused_before_anybody_is_asked(full_texts, faults, text):
    with pytest.raises(SourceRefused, match="is asked by DOI"):
        full_texts.find(text)
    assert faults.requests == 0


def test_a_doi_with_signs_of_an_address_is_asked_whole(full_texts, faults):
    assert full_texts.find("10.5555/a?b#c%2F/../d&email=x") is None
    assert faults.requests == 1


def test_who_asks_must_be_set(server, client, faults):
    with pytest.raises(SourceRefused, match="wants an e-mail address; set LIVING_CONTACT"):
        opened(server[0], client, contact="").find(OPEN)
    assert faults.requests == 0


def test_an_address_that_it_does_not_take_is_refused_in_its_words(server, client):
    with pytest.raises(SourceRefused, match="your own email address"):
        opened(server[0], client, contact="nobody").find(OPEN)


def test_every_answer_is_kept_and_does_not_tell_who_asked(full_texts):
    kept: list[Heard] = []
    full_texts.find(OPEN, kept.append)
    full_texts.find(UNKNOWN, kept.append)
    assert [one.status for one in kept] == [200, 404]
    assert not any("team" in one.asked for one in kept)


def test_a_busy_service_is_asked_again(full_texts, faults):
    faults.next(answering(429, "text/html", b"<h1>429</h1>"))
    assert full_texts.find(OPEN).openness == "gold"
    assert faults.requests == 2


def test_a_long_wait_is_told_and_not_slept(full_texts, faults):
    faults.next(answering(429, "application/json", b"{}", retry_after="53578"), times=10)
    with pytest.raises(SourceUnavailable) as caught:
        full_texts.find(OPEN)
    assert (caught.value.retry_after, faults.requests) == (53578, 1)


@pytest.mark.parametrize("fault", [answering(503, "text/plain", b"busy"), cut], ids=["busy", "cut"])
def test_a_service_that_gives_no_whole_answer_is_unavailable(full_texts, faults, fault):
    faults.next(fault, times=10)
    with pytest.raises(SourceUnavailable):
        full_texts.find(OPEN)


@pytest.mark.parametrize(
    "fault",
    [
        answering(200, "text/html", b"<html>Down for maintenance</html>"),
        answering(200, "application/json", b""),
        answering(200, "application/json", b"[]"),
        answering(200, "application/json", b'{"doi": "10.5334/ijic.3106"}'),
        answering(200, "application/json", b'{"doi": "10.1/another", "is_oa": false, "oa_locations": []}'),
        answering(200, "application/json", b" " * (LIMITS.answer_bytes + 1)),
        answering(404, "text/html", b"<html>404 Not Found</html>"),
        answering(301, "text/html", b"", location="https://elsewhere.example.org/"),
    ],
    ids=["html", "empty", "a list", "another object", "another work", "oversized", "no address", "moved"],
)
def test_an_undocumented_answer_is_drift_and_never_an_unknown_work(full_texts, faults, fault: ASGIApp):
    faults.next(fault, times=10)
    with pytest.raises(SourceDrifted):
        full_texts.find(OPEN)


def test_the_catalog_opens_it_with_the_platforms_settings(server, client, tmp_path):
    settings = Settings(
        data_dir=tmp_path, contact="team@example.org", unpaywall_url=f"{server[0]}/unpaywall", _env_file=None
    )
    full_texts = open_full_texts(settings, client, sleep=lambda seconds: None)
    assert full_texts.find(OPEN).openness == "gold"
    assert full_texts.most_a_day > 0
