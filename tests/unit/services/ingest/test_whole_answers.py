"""Whole answers: whatever a source does wrong at whatever page, all of it comes, or the run says that it does not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import httpx
import orjson
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest.jobs import runs
from services.ingest.ports.sources.arxiv import ArXiv
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.doaj import DOAJ
from services.ingest.ports.sources.europepmc import EuropePMC
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.openalex import OpenAlex
from services.ingest.ports.sources.port import Source
from services.ingest.ports.sources.pubmed import PubMed
from services.ingest.ports.sources.semanticscholar import SemanticScholar
from shared.events.ingest import RecordDiscovered, RunFinished
from tests.contract.copies import corpus_with_copies
from tests.unit.services.ingest.rig import IngestBench, strategy

PAPERS = Path(__file__).parents[4] / "reviews" / "ics-leadership" / "papers.yaml"
#: The names that an Atom feed has for its entries and their count.
ATOM, TOTAL = "{http://www.w3.org/2005/Atom}", "{http://a9.com/-/spec/opensearch/1.1/}totalResults"
LIMITS = Limits(timeout=60, tries=3, longest_pause=60)
#: More than a walk of any source asks.
MOST_REQUESTS = 12

#: What the titles of all papers have in common, for sources without truncation.
WORDS = ("integrated", "integration", "integrating", "collaboration", "collaborations", "collaborative", "partnering")
#: Papers of a page of the later sources; at Semantic Scholar it is the source that says how many.
BULK = 8

#: Each source with small pages, and a strategy that finds all it has.
SOURCES: dict[str, tuple[str, Callable[..., Source], dict[str, int], str]] = {
    "openalex": ("openalex", OpenAlex, {"per_page": 3}, "is_paratext:false"),
    "crossref": (
        "crossref",
        Crossref,
        {"rows": 3},
        f"query={' '.join(WORDS)}",
    ),
    "pubmed": ("eutils", PubMed, {"per_page": 3}, "integrat*[ti] OR collaborat*[ti] OR partnering[ti]"),
    "europepmc": ("europepmc", EuropePMC, {"page_size": 3}, "TITLE:(integrat* OR collaborat*)"),
    # These have all of the papers: with larger pages a walk is as long.
    "doaj": ("doaj", DOAJ, {"page_size": BULK}, f"title:({' OR '.join(WORDS)})"),
    "arxiv": ("arxiv", ArXiv, {"page_size": BULK}, " OR ".join(f"ti:{word}" for word in WORDS)),
    "semanticscholar": ("semanticscholar", SemanticScholar, {"page_size": BULK}, " | ".join(WORDS)),
}


class Body:
    """The body of an answer, whichever source's: its items, its count, and the cursor for the next page."""

    def __init__(self, content: bytes) -> None:
        self._json = None if content.lstrip().startswith(b"<") else orjson.loads(content)
        self._xml = fromstring(content) if self._json is None else None

    @property
    def items(self) -> list[Any]:
        if self._xml is not None:
            return [each for each in self._xml if self._is_item(each)]
        holder, name = self._list
        items: list[Any] = holder[name]
        return items

    @items.setter
    def items(self, items: list[Any]) -> None:
        if self._xml is not None:
            root = Element(self._xml.tag)
            root.extend([each for each in self._xml if not self._is_item(each)])
            root.extend(items)
            self._xml = root
        else:
            holder, name = self._list
            holder[name] = items

    @staticmethod
    def _is_item(child: Element) -> bool:
        """Whether it is one of those that the answer is about, in a feed as in a set."""
        return child.tag.startswith("Pubmed") or child.tag == f"{ATOM}entry"

    @property
    def _list(self) -> tuple[dict[str, Any], str]:
        body: dict[str, Any] = self._json
        for name in ("results", "data"):
            if name in body:
                return body, name
        if "message" in body:
            return body["message"], "items"
        return (body["esearchresult"], "idlist") if "esearchresult" in body else (body["resultList"], "result")

    def count_on(self, more: int) -> None:
        """Changes the count by so much; nothing where the answer has none."""
        if self._xml is not None:
            if (total := self._xml.find(TOTAL)) is not None:
                total.text = str(max(0, int(total.text or "0") + more))
            return
        for holder, name in (
            (self._json.get("meta"), "count"),
            (self._json.get("message"), "total-results"),
            (self._json.get("esearchresult"), "count"),
            (self._json, "hitCount"),
            (self._json, "total"),
        ):
            if holder and name in holder:
                holder[name] = type(holder[name])(max(0, int(holder[name]) + more))

    def end(self) -> None:
        """Takes the cursor for the next page away."""
        if self._json is not None:
            self._json.pop("nextCursorMark", None)
            self._json.pop("token", None)
            self._json.get("meta", {}).pop("next_cursor", None)

    @property
    def content(self) -> bytes:
        return orjson.dumps(self._json) if self._xml is None else tostring(self._xml)


def breaks_off(body: Body, before: list[Any]) -> None:
    body.items = []
    body.end()


def is_empty(body: Body, before: list[Any]) -> None:
    body.items = []


def is_shortened(body: Body, before: list[Any]) -> None:
    body.items = body.items[:-1]


def is_cut_to_one_and_ends(body: Body, before: list[Any]) -> None:
    body.items = body.items[:1]
    body.end()


def repeats_the_page_before(body: Body, before: list[Any]) -> None:
    body.items = copy.deepcopy(before)


def is_shifted_by_one(body: Body, before: list[Any]) -> None:
    """The page moved on by one between two requests: its first item was never given, one comes twice."""
    body.items = [*body.items[1:], *copy.deepcopy(body.items[-1:])]


def counts_too_high(body: Body, before: list[Any]) -> None:
    body.count_on(5)


def counts_too_low(body: Body, before: list[Any]) -> None:
    body.count_on(-1)


Lie = Callable[[Body, list[Any]], None]
LIES: list[Lie] = [
    breaks_off, is_empty, is_shortened, is_cut_to_one_and_ends, repeats_the_page_before, is_shifted_by_one,
    counts_too_high, counts_too_low,
]  # fmt: skip
#: Answers of another kind: status, content type and body.
REFUSALS = {
    "is_too_many": (429, "text/html", b"<h1>429</h1>"),
    "is_an_error": (500, "text/plain", b"oops"),
    "is_a_page_for_people": (200, "text/html", b"<html>Down for maintenance</html>"),
    "is_garbage": (200, "application/json", b'{"meta": {"count"'),
    "is_nothing": (200, "application/json", b""),
}


class Liar:
    """Stands before the replay and changes the answers to one of the questions, once or whenever it is asked.

    Questions are told apart by what they ask, and numbered as they come.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.be_honest()

    def be_honest(self) -> None:
        self._lie: Lie | tuple[int, str, bytes] | None = None
        self._about, self._left = -1, 0
        self._questions: list[bytes] = []
        self._before: list[Any] = []
        self.lied = False

    def lie(self, how: Lie | tuple[int, str, bytes], about: int, times: int) -> None:
        self.be_honest()
        self._lie, self._about, self._left = how, about, times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        question = scope["path"].encode() + b"?" + scope["query_string"] + b"\n" + message.get("body", b"")
        if question not in self._questions:
            self._questions.append(question)
        sent: list[Message] = []

        async def again() -> Message:
            return message

        async def note(answer: Message) -> None:
            sent.append(answer)

        await self._app(scope, again, note)
        status, media_type = sent[0]["status"], dict(sent[0]["headers"])[b"content-type"].decode()
        content = b"".join(part.get("body", b"") for part in sent[1:])
        if self._lie is not None and self._questions.index(question) == self._about and self._left:
            self._left -= 1
            self.lied = True
            if isinstance(self._lie, tuple):
                status, media_type, content = self._lie
            else:
                body = Body(content)
                self._lie(body, self._before)
                content = body.content
        elif status == 200:
            self._before = Body(content).items or self._before
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module")
def corpus() -> PapersCorpus:
    return corpus_with_copies(PAPERS)


@pytest.fixture(scope="module")
def liar(corpus: PapersCorpus) -> Iterator[tuple[Liar, str]]:
    app = Liar(replay_app(corpus, bulk_size=BULK))
    with ReplayServer(app) as server:
        yield app, server.url


@pytest.fixture(params=sorted(SOURCES))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def site(name: str, liar: tuple[Liar, str], tmp_path: Path) -> Iterator[tuple[IngestBench, Liar]]:
    """Ingest with the real adapter of one source, and who may lie before that source."""
    app, url = liar
    app.be_honest()
    path, make, size, _ = SOURCES[name]
    with httpx.Client() as client:
        access = Access(f"{url}/{path}", "team@example.org")
        source = make(access, client, limits=LIMITS, sleep=lambda seconds: None, **size)
        bench = IngestBench(tmp_path, sources={name: source})
        bench.clock.set("2026-01-01T12:00:00")
        yield bench, app
        bench.close()


def adopted(bench: IngestBench, name: str, review: str) -> None:
    bench.review = review
    bench.adopt(strategy(name, SOURCES[name][3], every_days=3650), review=review, published_after=date(2017, 12, 31))


def held(bench: IngestBench, name: str) -> set[str]:
    """The source's ids that the review's records are made of."""
    return {source_id for one in bench.items("records") for source_id in one["sources"]}


def last(bench: IngestBench) -> RunFinished:
    return bench.emitted(RunFinished)[-1]


@pytest.mark.parametrize("times", [1, 99], ids=["once", "each time"])
@pytest.mark.parametrize("lie", [*LIES, *REFUSALS], ids=[*(lie.__name__ for lie in LIES), *REFUSALS])
def test_all_of_it_comes_or_the_run_says_that_it_does_not(site, name, corpus, lie, times):
    bench, liar = site
    everything = {f"{name}:{entry.key}" for entry in corpus.entries(name)}
    lied = 0
    for about in range(MOST_REQUESTS):
        adopted(bench, name, f"review-{about}")
        liar.lie(REFUSALS[lie] if isinstance(lie, str) else lie, about, times)
        bench.pull()
        if not liar.lied:
            break
        lied += 1
        run = last(bench)
        if run.complete:
            assert held(bench, name) == everything, f"answer {about}: complete without {everything - held(bench, name)}"
        else:
            assert run.error
        liar.be_honest()
        # A watermark that has not moved, or a source that is asked again from where the run stood.
        if not run.complete:
            bench.clock.set(bench.items("watches")[0]["due_at"])
            bench.pull()
        assert last(bench).complete and held(bench, name) == everything
    assert lied >= 3
    discovered = [(event.review, event.record) for event in bench.emitted(RecordDiscovered)]
    assert len(discovered) == len(set(discovered))


def test_where_count_and_items_lie_together_the_next_whole_walk_finds_the_difference(site, name, corpus):
    def lies_together(body: Body, before: list[Any]) -> None:
        is_shortened(body, before)
        counts_too_low(body, before)

    bench, liar = site
    everything = {f"{name}:{entry.key}" for entry in corpus.entries(name)}
    adopted(bench, name, "a-review")
    liar.lie(lies_together, 0, 99)
    bench.pull()
    liar.be_honest()

    bench.clock.advance(days=3650)
    bench.pull()

    assert last(bench).complete and held(bench, name) == everything


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("after", [False, True], ids=["before a page is taken in", "after it"])
def test_a_process_that_is_killed_at_any_page_costs_nothing_and_doubles_nothing(site, name, corpus, monkeypatch, after):
    bench, _ = site
    everything = {f"{name}:{entry.key}" for entry in corpus.entries(name)}
    take_page, killed = runs.take_page, 0
    for number in range(MOST_REQUESTS):
        adopted(bench, name, f"review-{number}")

        def dying(*args: Any, pages_before: int, at: int = number, **more: Any) -> Any:
            if pages_before == at + after:
                raise Killed
            return take_page(*args, pages_before=pages_before, **more)

        with monkeypatch.context() as patched:
            patched.setattr(runs, "take_page", dying)
            try:
                bench.pull()
            except Killed:
                killed += 1
            else:
                break
        bench.pull()
        assert last(bench).complete and held(bench, name) == everything
        assert last(bench).counts.found == len(everything)
    assert killed >= 2
    discovered = [(event.review, event.record) for event in bench.emitted(RecordDiscovered)]
    assert len(discovered) == len(set(discovered))
