"""One suite for every bibliographic source: the real adapter against the replay, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring

import httpx
import orjson
import pytest
from defusedxml.ElementTree import fromstring
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest.ports.sources.arxiv import ArXiv
from services.ingest.ports.sources.catalog import open_sources
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.doaj import DOAJ
from services.ingest.ports.sources.europepmc import EuropePMC
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.openalex import OpenAlex
from services.ingest.ports.sources.port import (
    Heard,
    Page,
    Query,
    Source,
    SourceDrifted,
    SourceRefused,
    SourceUnavailable,
)
from services.ingest.ports.sources.pubmed import PubMed
from services.ingest.ports.sources.semanticscholar import SemanticScholar
from shared.settings import Settings
from tests.contract.copies import IDS, corpus_with_copies

REVIEW = Path(__file__).parents[2] / "reviews" / "ics-leadership" / "papers.yaml"
LIMITS = Limits(timeout=60, answer_bytes=500_000, tries=2, longest_pause=60)
KEY = "a-secret-key-of-32-characters---"

#: What the titles of the first review's papers have in common, for sources without truncation.
WORDS = ("integrated", "integration", "integrating", "collaboration", "collaborations", "collaborative", "partnering")

Make = Callable[..., Source]


@dataclass(frozen=True)
class Kind:
    """A source under test: how it is made with small pages, and strategies in its own syntax."""

    path: str
    make: Make
    page_size: str
    everything: str
    one: str
    nothing: str

    def open(self, url: str, client: httpx.Client, size: int = 3, **settings: Any) -> Source:
        access = Access(f"{url}/{self.path}", "team@example.org", SecretStr(KEY))
        described = {"limits": LIMITS, "sleep": lambda seconds: None, self.page_size: size} | settings
        return self.make(access, client, **described)


KINDS = {
    "openalex": Kind(
        "openalex",
        OpenAlex,
        "per_page",
        "is_paratext:false",
        'title.search:"odyssey of integration"',
        "title.search:cartilage",
    ),
    "crossref": Kind(
        "crossref",
        Crossref,
        "rows",
        "query=integrated integration integrating collaboration collaborations collaborative partnering",
        "query.title=odyssey&filter=type:journal-article",
        "query.title=cartilage",
    ),
    "pubmed": Kind(
        "eutils",
        PubMed,
        "per_page",
        "integrat*[ti] OR collaborat*[ti] OR partnering[ti]",
        '"odyssey of integration"[ti]',
        "cartilage[ti]",
    ),
    "europepmc": Kind(
        "europepmc",
        EuropePMC,
        "page_size",
        "TITLE:(integrat* OR collaborat*)",
        'TITLE:"odyssey of integration"',
        "TITLE:cartilage",
    ),
    "doaj": Kind(
        "doaj",
        DOAJ,
        "page_size",
        f"title:({' OR '.join(WORDS)})",
        'title:"odyssey of integration"',
        "title:cartilage",
    ),
    "arxiv": Kind(
        "arxiv",
        ArXiv,
        "page_size",
        " OR ".join(f"ti:{word}" for word in WORDS),
        'ti:"odyssey of integration"',
        "ti:cartilage",
    ),
    "semanticscholar": Kind(
        "semanticscholar",
        SemanticScholar,
        "page_size",
        " | ".join(WORDS),
        '"odyssey of integration"',
        "cartilage",
    ),
}


class Faults:
    """Stands before the replay and answers the next requests in another way, as often as told."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._waiting: list[ASGIApp] = []
        self.requests = 0

    def next(self, fault: ASGIApp, times: int = 1, after: int = 0) -> None:
        self._waiting = [self.app] * after + [fault] * times

    def clear(self) -> None:
        self._waiting = []
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        app = self._waiting.pop(0) if self._waiting else self.app
        await app(scope, receive, send)


def answering(status: int, media_type: str, body: bytes, **headers: str) -> ASGIApp:
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": media_type}

    async def fault(scope: Scope, receive: Receive, send: Send) -> None:
        listed = [(name.encode(), value.encode()) for name, value in named.items()]
        await send({"type": "http.response.start", "status": status, "headers": listed})
        await send({"type": "http.response.body", "body": body})

    return fault


async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
    """Says nothing until whoever asked has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def cut(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"meta":', "more_body": True})
    # Returning without the rest closes the connection half-way.


#: What holds the items of an answer's body, and how many requests come before the second that has some.
ITEMS: dict[str, tuple[tuple[str, ...], int]] = {
    "openalex": (("results",), 1),
    "crossref": (("message", "items"), 1),
    "pubmed": ((), 2),
    "europepmc": (("resultList", "result"), 1),
    "doaj": (("results",), 1),
    "arxiv": ((), 1),
    "semanticscholar": (("data",), 1),
}


def emptied(app: ASGIApp, path: tuple[str, ...]) -> ASGIApp:
    """Answers as the application does, without the items: those at this path of JSON, or those of XML."""

    async def fault(scope: Scope, receive: Receive, send: Send) -> None:
        sent: list[Any] = []

        async def hold(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, hold)
        body = b"".join(message.get("body", b"") for message in sent)
        if path:
            answer = inner = orjson.loads(body)
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = []
            body = orjson.dumps(answer)
        else:
            root = fromstring(body)
            for item in [each for each in root if each.tag.rpartition("}")[2] in {"entry", "PubmedArticle"}]:
                root.remove(item)
            body = tostring(root)
        kept = [header for header in sent[0]["headers"] if header[0] != b"content-length"]
        await send(sent[0] | {"headers": kept})
        await send({"type": "http.response.body", "body": body})

    return fault


@pytest.fixture(scope="module")
def corpus() -> PapersCorpus:
    return corpus_with_copies(REVIEW)


@pytest.fixture(scope="module")
def server(corpus: PapersCorpus) -> Iterator[tuple[str, Faults]]:
    app = Faults(replay_app(corpus, bulk_size=3))
    with ReplayServer(app) as running:
        yield running.url, app


@pytest.fixture
def url(server: tuple[str, Faults]) -> str:
    return server[0]


@pytest.fixture
def faults(server: tuple[str, Faults]) -> Iterator[Faults]:
    server[1].clear()
    yield server[1]
    server[1].clear()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


@pytest.fixture(params=sorted(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def kind(name: str) -> Kind:
    return KINDS[name]


def query(text: str, since: str = "2018-01-01", until: str = "2022-12-31") -> Query:
    return Query(text=text, since=date.fromisoformat(since), until=date.fromisoformat(until))


def ids(pages: list[Page]) -> list[str]:
    return [record.source_id for page in pages for record in page.records]


def everything_of(corpus: PapersCorpus, name: str) -> set[str]:
    return {entry.key for entry in corpus.entries(name)}


def test_a_walk_gives_every_item_of_the_window_once(name, kind, corpus, url, client):
    pages = list(kind.open(url, client).pages(query(kind.everything)))
    assert sorted(ids(pages)) == sorted(everything_of(corpus, name))
    assert not any(page.rejections for page in pages)
    assert {page.reported for page in pages} == {sum(page.found for page in pages)}


def test_the_last_page_and_only_it_has_no_cursor(kind, url, client):
    pages = list(kind.open(url, client).pages(query(kind.everything)))
    assert len(pages) > 2
    assert all(page.cursor for page in pages[:-1])
    assert pages[-1].cursor is None


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_the_size_of_pages_does_not_change_what_is_found(name, kind, corpus, client, size):
    with ReplayServer(replay_app(corpus, bulk_size=size)) as server:
        pages = list(kind.open(server.url, client, size=size).pages(query(kind.everything)))
    assert set(ids(pages)) == everything_of(corpus, name)
    assert max(page.found for page in pages) <= size


def test_a_window_finds_its_own_years_only(name, kind, corpus, url, client):
    found = ids(list(kind.open(url, client).pages(query(kind.everything, "2020-01-01", "2020-12-31"))))
    assert set(found) == {entry.key for entry in corpus.entries(name) if entry.paper.year == 2020}


def test_windows_side_by_side_leave_nothing_out(name, kind, corpus, url, client):
    source = kind.open(url, client)
    found = [
        each
        for year in range(2018, 2023)
        for each in ids(list(source.pages(query(kind.everything, f"{year}-01-01", f"{year}-12-31"))))
    ]
    assert sorted(found) == sorted(everything_of(corpus, name))


def test_nothing_found_is_one_empty_page_without_a_cursor(kind, url, client):
    (page,) = kind.open(url, client).pages(query(kind.nothing))
    assert (page.found, page.cursor, page.reported) == (0, None, 0)


def test_a_strategy_in_the_sources_syntax_finds_its_paper(kind, url, client):
    (record,) = [each for page in kind.open(url, client).pages(query(kind.one)) for each in page.records]
    assert record.title.lower().startswith("the odyssey of integration")
    assert record.published == "2020"


def test_a_walk_goes_on_from_any_page_in_another_process(name, kind, corpus, url, client):
    walked = list(kind.open(url, client).pages(query(kind.everything)))
    for stop in range(1, len(walked)):
        with httpx.Client() as another:
            rest = list(kind.open(url, another).pages(query(kind.everything), cursor=walked[stop - 1].cursor))
        assert set(ids(walked[:stop])) | set(ids(rest)) == everything_of(corpus, name)
        assert rest[-1].cursor is None


def test_a_walk_goes_on_although_the_server_lost_its_memory(name, kind, corpus, url, client):
    first = next(kind.open(url, client).pages(query(kind.everything)))
    with ReplayServer(replay_app(corpus)) as restarted:
        rest = list(kind.open(restarted.url, client).pages(query(kind.everything), cursor=first.cursor))
    assert set(ids([first])) | set(ids(rest)) == everything_of(corpus, name)


def test_a_cursor_of_nonsense_begins_the_window_again(name, kind, corpus, url, client):
    pages = list(kind.open(url, client).pages(query(kind.everything), cursor="nonsense"))
    assert set(ids(pages)) == everything_of(corpus, name)


def test_a_cursor_is_short_and_holds_no_secret(kind, url, client):
    for page in kind.open(url, client).pages(query(kind.everything)):
        assert len(page.cursor or "") <= 2000
        assert KEY not in (page.cursor or "")


def test_no_key_and_no_address_of_a_person_is_in_a_url(kind, url):
    asked: list[str] = []
    hooks = {"request": [lambda request: asked.append(str(request.url))]}
    with httpx.Client(event_hooks=hooks) as client:
        list(kind.open(url, client).pages(query(kind.one)))
    assert asked
    assert not any(KEY in each or "example.org" in each for each in asked)


def test_what_a_page_is_read_from_is_kept_before_the_page_is_given_and_tells_no_secret(kind, url, client):
    kept: list[Heard] = []
    counts = [0]
    for _ in kind.open(url, client).pages(query(kind.everything), keep=kept.append):
        counts.append(len(kept))

    assert len(counts) > 2 and counts == sorted(set(counts))
    assert all(one.status == 200 and one.body for one in kept)
    assert not any(KEY in one.asked or "team" in one.asked for one in kept)
    assert all(f"/{kind.path}/" in one.asked and "?" in one.asked for one in kept)


def test_what_a_source_answers_instead_of_a_page_is_kept_too(kind, url, client, faults):
    kept: list[Heard] = []
    faults.next(answering(200, "text/html", b"<html>sorry</html>"), times=2)
    with pytest.raises(SourceDrifted):
        list(kind.open(url, client).pages(query(kind.everything), keep=kept.append))

    assert [one.body for one in kept] == [b"<html>sorry</html>"] * 2


def items(pages: list[Page]) -> list[tuple[str, str]]:
    """What pages hold: each record whole, each rejection with its place."""
    records = [(each.source_id, each.model_dump_json()) for page in pages for each in page.records]
    return sorted(records + [("", each.model_dump_json()) for page in pages for each in page.rejections])


def test_kept_answers_read_again_give_what_the_walk_and_the_look_up_gave_without_a_request(kind, url, client, faults):
    kept: list[Heard] = []
    source = kind.open(url, client)
    given = list(source.pages(query(kind.everything), keep=kept.append))
    given += source.look_up([each.source_id for each in given[0].records], date(2000, 1, 1), kept.append)
    asked = faults.requests

    again = [page for page in map(source.read_again, kept) if page is not None]

    assert items(again) == items(given) and len(items(given)) > 10
    assert all(page.cursor is None and not page.missing for page in again)
    assert faults.requests == asked


def test_kept_answers_of_every_dating_read_again_give_what_the_walk_gave(kind, url, client):
    source = kind.open(url, client)
    for by in source.datings:
        kept: list[Heard] = []
        asked = query(kind.everything, "2019-01-01", "2020-12-31").model_copy(update={"by": by})
        given = list(source.pages(asked, keep=kept.append))
        assert items([page for page in map(source.read_again, kept) if page is not None]) == items(given)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", b"<html>sorry</html>"),
        (200, "application/json", b'{"surprise": true}'),
        (200, "application/json", b"[" * 100_000),
        (200, "text/xml", b"<surprise/>"),
        (200, "application/j\u00f6son", b""),
        (429, "application/json", b"{}"),
        (404, "text/plain", b"Resource not found."),
    ],
)
def test_a_kept_answer_that_carries_no_works_is_read_again_as_none(kind, url, client, status, content_type, body):
    source = kind.open(url, client)
    kept: list[Heard] = []
    list(source.pages(query(kind.one), keep=kept.append))
    for heard in kept:
        assert source.read_again(replace(heard, status=status, content_type=content_type, body=body)) is None


@pytest.mark.parametrize("times", [1, 2])
def test_a_page_that_comes_empty_in_the_middle_is_asked_for_again_and_costs_no_item(
    name, kind, corpus, url, client, faults, times
):
    path, before = ITEMS[name]
    faults.next(emptied(faults.app, path), times=times, after=before)
    pages = list(kind.open(url, client).pages(query(kind.everything)))
    assert sorted(ids(pages)) == sorted(everything_of(corpus, name))
    assert not any(page.missing for page in pages)


def test_a_page_that_stays_empty_in_the_middle_leaves_a_lack_that_shows(name, kind, corpus, url, client, faults):
    path, before = ITEMS[name]
    faults.next(emptied(faults.app, path), times=3, after=before)
    pages = list(kind.open(url, client).pages(query(kind.everything)))
    assert set(ids(pages)) < everything_of(corpus, name)
    assert max(page.reported for page in pages) == len(everything_of(corpus, name))
    assert pages[-1].cursor is None


def test_a_busy_source_is_asked_again(name, kind, corpus, url, client, faults):
    faults.next(answering(429, "text/html", b"<h1>429 Too Many Requests</h1>"))
    assert set(ids(list(kind.open(url, client).pages(query(kind.everything))))) == everything_of(corpus, name)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_source_that_stays_busy_is_unavailable(kind, url, client, faults, status):
    faults.next(answering(status, "text/plain", b"busy"), times=10)
    with pytest.raises(SourceUnavailable, match=f"HTTP {status}"):
        list(kind.open(url, client).pages(query(kind.everything)))
    assert faults.requests == LIMITS.tries


def test_a_long_wait_is_told_and_not_slept(kind, url, client, faults):
    faults.next(answering(429, "application/json", b"{}", retry_after="53578"), times=10)
    slept: list[float] = []
    with pytest.raises(SourceUnavailable) as caught:
        list(kind.open(url, client, sleep=slept.append).pages(query(kind.everything)))
    assert caught.value.retry_after == 53578
    assert slept == []


@pytest.mark.waits
def test_a_source_that_hangs_is_unavailable(kind, url, client, faults):
    faults.next(hanging, times=10)
    with pytest.raises(SourceUnavailable, match="ReadTimeout"):
        list(kind.open(url, client, limits=replace(LIMITS, timeout=0.5)).pages(query(kind.everything)))


def test_a_source_that_is_down_is_unavailable(kind, client):
    with ReplayServer(answering(200, "text/plain", b"")) as gone:
        url = gone.url
    with pytest.raises(SourceUnavailable, match="ConnectError"):
        list(kind.open(url, client).pages(query(kind.everything)))


def test_an_answer_that_breaks_off_is_no_answer(kind, url, client, faults):
    faults.next(cut, times=10)
    # Which of them depends on how the system tells that the other side went: with an end, or with a reset.
    with pytest.raises(SourceUnavailable, match=r"RemoteProtocolError|ReadError"):
        list(kind.open(url, client).pages(query(kind.everything)))


@pytest.mark.parametrize(
    "fault",
    [
        answering(200, "text/html", b"<html>Down for maintenance</html>"),
        answering(200, "application/json", b'{"meta": {"count"'),
        answering(200, "application/json", b'{"surprise": true}'),
        answering(200, "application/json", b"[]"),
        answering(200, "application/json", b""),
        answering(200, "text/xml", b"<surprise/>"),
        answering(404, "text/html", b"<html>404 Not Found</html>"),
        answering(301, "text/html", b"", location="https://elsewhere.example.org/"),
        answering(200, "application/json", b" " * (LIMITS.answer_bytes + 1)),
    ],
    ids=["html", "garbage", "another object", "a list", "empty", "xml", "no address", "moved", "oversized"],
)
def test_an_undocumented_answer_is_drift_and_never_an_empty_page(kind, url, client, faults, fault):
    faults.next(fault, times=10)
    given = []
    with pytest.raises(SourceDrifted):
        for page in kind.open(url, client).pages(query(kind.everything)):
            given.append(page)
    assert given == []


def test_a_refusal_is_told_in_the_sources_words(kind, url, client, faults):
    faults.next(answering(403, "text/plain", b"your strategy is too broad"), times=10)
    with pytest.raises(SourceRefused, match="your strategy is too broad"):
        list(kind.open(url, client).pages(query(kind.everything)))


def test_pages_before_an_error_stay_good_and_the_walk_goes_on_from_them(name, kind, corpus, url, client, faults):
    broken = answering(400, "text/plain", b"not now, not ever")
    source = kind.open(url, client)
    given: list[Page] = []
    faults.next(broken, times=10, after=2)
    with pytest.raises(SourceRefused):
        for page in source.pages(query(kind.everything)):
            given.append(page)
    assert given
    faults.clear()
    rest = list(source.pages(query(kind.everything), cursor=given[-1].cursor))
    assert set(ids(given)) | set(ids(rest)) == everything_of(corpus, name)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("openalex", "nonsense:leadership", "nonsense is not a valid field"),
        ("crossref", "query=a&filter=nonsense:b", "there is no such filter"),
        ("crossref", "query=a&rows=1000", "parameter 'rows'"),
        ("europepmc", "NONSENSE:leadership", "cannot be read"),
        ("semanticscholar", "(leadership", "a bracket is not closed"),
        ("semanticscholar", "x" * 6_001, "the strategy has 6,001 characters"),
        ("arxiv", "nonsense:leadership", "there is no field 'nonsense'"),
        ("doaj", "nonsense:leadership", "there is no field 'nonsense'"),
        ("doaj", "leader*", "disallowed Lucene features"),
        ("doaj", "title:leadership abstract:care", "neither AND nor OR before the field abstract"),
        ("doaj", "x" * 60_000, "an address of 60,"),
    ],
)
def test_a_strategy_the_source_cannot_read_is_refused(name, text, words, url, client):
    with pytest.raises(SourceRefused, match=words):
        list(KINDS[name].open(url, client).pages(query(text)))


def test_a_strategy_pubmed_cannot_read_is_remarked_on(url, client):
    (page,) = KINDS["pubmed"].open(url, client).pages(query("leadership[nonsense]"))
    assert page.remarks == ["outputmessages: there is no field 'nonsense' here"]


@pytest.mark.parametrize("name", sorted(IDS))
def test_every_dating_of_a_source_is_asked_by_it(kind, name, corpus, url, client):
    source = kind.open(url, client)
    for by in source.datings:
        asked = query(kind.everything, "2020-01-01", "2020-12-31").model_copy(update={"by": by})
        found = {record.source_id for page in source.pages(asked) for record in page.records}
        wanted = {entry.key for entry in corpus.entries(name) if entry.paper.year == 2020}
        assert wanted <= found
        assert by == "changed" or found == wanted


@pytest.mark.parametrize(
    ("name", "by"), [("doaj", "came"), ("doaj", "changed"), ("doaj", "published"), ("arxiv", "came")]
)
def test_a_ceiling_is_met_by_slices_of_days(kind, name, by, corpus, client):
    with ReplayServer(replay_app(corpus, doaj_ceiling=4, arxiv_ceiling=4)) as small:
        asked = query(kind.everything).model_copy(update={"by": by})
        pages = list(kind.open(small.url, client, size=2, ceiling=4).pages(asked))
    assert sorted(ids(pages)) == sorted(everything_of(corpus, name))
    assert {page.reported for page in pages} == {22}


def test_pubmeds_ceiling_is_met_by_slices_of_days(corpus, client):
    kind = KINDS["pubmed"]
    with ReplayServer(replay_app(corpus, pubmed_ceiling=3)) as small:
        pages = list(kind.open(small.url, client, size=2, ceiling=3).pages(query(kind.everything)))
    assert sorted(ids(pages)) == sorted(everything_of(corpus, "pubmed"))
    assert {page.reported for page in pages} == {13}


def test_what_is_looked_up_by_its_ids_is_what_the_walk_gave(kind, url, client):
    source = kind.open(url, client)
    walked = {each.source_id: each for page in source.pages(query(kind.everything)) for each in page.records}
    known = sorted(walked)[: source.ids_at_once]

    pages = list(source.look_up([*known[:3], "W999999999"[-len(known[0]) :]], date(2000, 1, 1)))

    assert {each.source_id: each for page in pages for each in page.records} == {
        each: walked[each] for each in known[:3]
    }
    assert all(page.cursor is None for page in pages)


def test_a_long_strategy_is_asked_whole(name, kind, corpus, url, client):
    if name in {"openalex", "crossref", "doaj", "semanticscholar"}:
        pytest.skip("it takes what fits an address, and says so")
    several = f"({' OR '.join([kind.everything] * 150)})"
    assert set(ids(list(kind.open(url, client).pages(query(several))))) == everything_of(corpus, name)


def test_the_catalog_opens_every_source_with_the_platforms_settings(url, client, tmp_path):
    addresses = {f"{name}_url": f"{url}/{kind.path}" for name, kind in KINDS.items()}
    settings = Settings(data_dir=tmp_path, contact="team@example.org", **addresses)
    sources = open_sources(settings, client, sleep=lambda seconds: None)
    assert set(sources) == set(KINDS)
    for name, source in sources.items():
        assert source.name == name
        assert len(ids(list(source.pages(query(KINDS[name].one))))) == 1
        assert source.datings[0] == ("published" if name in {"openalex", "semanticscholar"} else "came")
        assert source.ids_at_once > 1 and 0 <= source.slack <= 0.01
        assert source.least_overlap_days > 0
