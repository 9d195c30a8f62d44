"""One suite for every source that knows citations: the real adapter against the replay, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.replay.app import replay_app
from demo.replay.papers import PaperEntry, PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest.ports.sources.citing import Citing, Seed
from services.ingest.ports.sources.port import Heard, Page, SourceDrifted, SourceRefused, SourceUnavailable
from shared.events.protocol import CITING_SOURCES
from tests.contract.copies import corpus_with_citations
from tests.contract.test_sources import KINDS, REVIEW, Faults, answering

#: What holds the items of an answer that looks works up, and its count.
ITEMS: dict[str, tuple[str, ...]] = {"openalex": ("results",), "crossref": ("message", "items"), "semanticscholar": ()}


@pytest.fixture(scope="module")
def corpus() -> PapersCorpus:
    return corpus_with_citations(REVIEW)


@pytest.fixture(scope="module")
def server(corpus: PapersCorpus) -> Iterator[tuple[str, Faults]]:
    app = Faults(replay_app(corpus))
    with ReplayServer(app) as running:
        yield running.url, app


@pytest.fixture
def faults(server: tuple[str, Faults]) -> Iterator[Faults]:
    server[1].clear()
    yield server[1]
    server[1].clear()


@pytest.fixture(params=CITING_SOURCES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


@pytest.fixture
def source(name: str, server: tuple[str, Faults], client: httpx.Client) -> Citing:
    return opened(name, server[0], client)


def opened(name: str, url: str, client: httpx.Client) -> Citing:
    source = KINDS[name].open(url, client, size=3)
    source.ids_at_once = 4
    assert isinstance(source, Citing)
    return source


def seeds_of(corpus: PapersCorpus, name: str, start: int = 6, stop: int = 9) -> list[Seed]:
    """Some papers as included reports that the source has records of."""
    return [Seed(record=f"rec-{entry.paper.key}", ids=[entry.key]) for entry in corpus.entries(name)[start:stop]]


def links_of(corpus: PapersCorpus, name: str, seeds: Sequence[Seed], directions: Sequence[str]) -> set[tuple[str, ...]]:
    """What the corpus says of citations between the seeds and what the source has."""
    there: dict[str, PaperEntry] = {entry.paper.key: entry for entry in corpus.entries(name)}
    wanted = {seed.record.removeprefix("rec-") for seed in seeds}
    pairs = [(one, key) for one, entry in there.items() for key in entry.paper.cites if key in there]
    backward = {(f"rec-{one}", there[key].key, "backward") for one, key in pairs if one in wanted}
    forward = {(f"rec-{key}", there[one].key, "forward") for one, key in pairs if key in wanted}
    return {each for each in backward | forward if each[2] in directions}


def links(pages: Sequence[Page]) -> set[tuple[str, ...]]:
    return {(link.seed, link.found, link.direction) for page in pages for link in page.links}


def found(pages: Sequence[Page]) -> set[str]:
    return {record.source_id for page in pages for record in page.records}


def remarks(pages: Sequence[Page]) -> str:
    return "; ".join(remark for page in pages for remark in page.remarks)


def altered(app: ASGIApp, change: Callable[[Any], Any]) -> ASGIApp:
    """Answers as the application does, its JSON changed."""

    async def fault(scope: Scope, receive: Receive, send: Send) -> None:
        sent: list[Any] = []

        async def hold(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, hold)
        if (b"content-type", b"application/json") not in sent[0]["headers"]:
            for message in sent:
                await send(message)
            return
        body = orjson.dumps(change(orjson.loads(b"".join(message.get("body", b"") for message in sent))))
        kept = [header for header in sent[0]["headers"] if header[0] != b"content-length"]
        await send(sent[0] | {"headers": kept})
        await send({"type": "http.response.body", "body": body})

    return fault


def without_the_first(name: str) -> Callable[[Any], Any]:
    def change(body: Any) -> Any:
        inner = body
        for each in ITEMS[name]:
            inner = inner[each]
        if isinstance(body, list):
            return [None, *body[1:]]
        inner[:] = inner[1:]
        return body

    return change


def test_a_chase_gives_every_work_that_a_report_cites_or_that_cites_it_with_its_links(name, source, corpus):
    seeds = seeds_of(corpus, name)
    wanted = links_of(corpus, name, seeds, source.directions)

    pages = list(source.chase(seeds))

    assert links(pages) == wanted and len(wanted) > 10
    assert found(pages) == {each for _, each, _ in wanted}
    assert all({link.found for link in page.links} == {each.source_id for each in page.records} for page in pages)
    assert not any(page.missing or page.rejections for page in pages)
    assert [page.cursor is None for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_work_that_is_found_is_as_the_source_has_it_when_it_is_looked_up(name, source, corpus):
    pages = list(source.chase(seeds_of(corpus, name)))
    chased = {each.source_id: each for page in pages for each in page.records}

    for own, record in list(chased.items())[:3]:
        (page,) = source.look_up([own], record.entered or record.updated)
        assert page.records == [record]


def test_reports_without_an_id_there_are_asked_for_by_their_dois(name, source, corpus):
    entries = [entry for entry in corpus.entries(name)[6:9] if entry.paper.doi]
    seeds = [Seed(record=f"rec-{entry.paper.key}", doi=entry.paper.doi.lower()) for entry in entries]

    assert links(list(source.chase(seeds))) == links_of(corpus, name, seeds, source.directions) != set()


def test_a_chase_goes_on_from_any_page_in_another_process(name, source, corpus, server):
    seeds = seeds_of(corpus, name)
    wanted = links_of(corpus, name, seeds, source.directions)
    walked = list(source.chase(seeds))

    for stop in range(1, len(walked)):
        with httpx.Client() as another:
            rest = list(opened(name, server[0], another).chase(seeds, walked[stop - 1].cursor))
        assert links(walked[:stop]) | links(rest) == wanted
        assert rest[-1].cursor is None


def test_a_chase_that_goes_on_late_asks_for_less(name, source, corpus, faults):
    walked = list(source.chase(seeds_of(corpus, name)))
    whole = faults.requests
    faults.clear()

    list(source.chase(seeds_of(corpus, name), walked[-2].cursor))

    assert faults.requests < whole


def test_a_cursor_is_short_and_a_cursor_of_nonsense_begins_again(name, source, corpus):
    seeds = seeds_of(corpus, name)
    pages = list(source.chase(seeds, "nonsense"))

    assert links(pages) == links_of(corpus, name, seeds, source.directions)
    assert max(len(page.cursor or "") for page in pages) <= 2_000


def test_reports_that_a_source_does_not_know_are_remarked(name, source, corpus):
    unknown = {"openalex": "W999999999", "crossref": "10.5555/999", "semanticscholar": "f" * 40}[name]
    seeds = [Seed(record="rec-a", ids=[unknown]), Seed(record="rec-b", doi="10.5555/1000"), Seed(record="rec-c")]

    pages = list(source.chase(seeds))

    assert (found(pages), links(pages), pages[-1].cursor) == (set(), set(), None)
    assert unknown in remarks(pages) and "10.5555/1000" in remarks(pages)
    assert f"{name} does not know" in remarks(pages)


def test_a_reference_without_an_id_is_counted_where_the_source_tells_of_it(name, source, corpus):
    said = remarks(list(source.chase(seeds_of(corpus, name))))

    # OpenAlex lists what it has alone.
    assert ("have no DOI" in said, "have no id" in said) == (name == "crossref", name == "semanticscholar")


def test_no_reports_are_one_empty_page_without_a_cursor(source, faults):
    pages = list(source.chase([]))

    assert [page.found for page in pages] == [0] * len(pages) and pages[-1].cursor is None
    assert faults.requests == 0


def _requests_before_works(name: str) -> int:
    """How many requests of a chase of one report come before the first that looks up what it cites."""
    return {"openalex": 1, "crossref": 1, "semanticscholar": 2}[name]


def test_a_work_that_does_not_come_at_first_is_asked_for_again(name, source, corpus, faults):
    seeds = seeds_of(corpus, name, 6, 7)
    faults.next(altered(faults.app, without_the_first(name)), after=_requests_before_works(name))

    pages = list(source.chase(seeds))

    assert links(pages) == links_of(corpus, name, seeds, source.directions)
    assert not any(page.missing for page in pages)


def test_what_a_source_has_by_its_count_and_does_not_give_is_missing(name, source, corpus, faults):
    if name == "semanticscholar":
        pytest.skip("its answer to a list of ids has no count: what is not there is null")
    seeds = seeds_of(corpus, name, 6, 7)
    # Three times, as the page is asked for again; and so when the work is asked for by itself.
    faults.next(altered(faults.app, without_the_first(name)), times=6, after=_requests_before_works(name))

    pages = list(source.chase(seeds))

    wanted = links_of(corpus, name, seeds, ["backward"])
    lacking = {each for _, each, _ in wanted} - {each for _, each, way in links(pages) if way == "backward"}
    assert lacking and lacking <= {each for page in pages for each in page.missing}


def test_a_listed_work_that_the_source_has_no_more_is_remarked_and_nothing_is_missing(name, client, corpus):
    gone = corpus.entries(name)[4].key
    there = corpus.entries

    class Without(PapersCorpus):
        def __init__(self) -> None: ...

        def entries(self, source: str) -> Sequence[PaperEntry]:
            return [entry for entry in there(source) if entry.key != gone]

    seeds = seeds_of(corpus, name, 6, 7)
    with ReplayServer(replay_app(Without())) as server:
        pages = list(opened(name, server.url, client).chase(seeds))

    assert f"{name} lists works that it does not have: {gone}" in remarks(pages)
    assert not any(page.missing for page in pages)
    wanted = links_of(corpus, name, seeds, ["backward"])
    assert {each for each in links(pages) if each[2] == "backward"} == {each for each in wanted if each[1] != gone}


def test_a_busy_source_is_asked_again_and_one_that_stays_busy_is_unavailable(name, source, corpus, faults):
    seeds = seeds_of(corpus, name)
    faults.next(answering(429, "application/json", b"{}"), after=1)
    assert links(list(source.chase(seeds))) == links_of(corpus, name, seeds, source.directions)

    faults.next(answering(429, "application/json", b"{}"), times=20)
    with pytest.raises(SourceUnavailable, match="429"):
        list(source.chase(seeds))


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize(
    "fault",
    [
        answering(200, "text/html", b"<html>Down for maintenance</html>"),
        answering(200, "application/json", b'{"surprise": true}'),
        answering(200, "application/json", b"[]"),
    ],
    ids=["html", "another object", "a list"],
)
def test_an_undocumented_answer_is_drift_at_every_request(source, name, corpus, faults, fault, after):
    faults.next(fault, times=20, after=after)
    with pytest.raises(SourceDrifted):
        list(source.chase(seeds_of(corpus, name)))


def test_kept_answers_read_again_give_what_the_chase_gave_without_a_request(name, source, corpus, faults):
    kept: list[Heard] = []
    given = {
        each.source_id: each for page in source.chase(seeds_of(corpus, name), keep=kept.append) for each in page.records
    }
    asked = faults.requests

    again = [page for page in map(source.read_again, kept) if page is not None]

    read = {each.source_id: each for page in again for each in page.records}
    assert given == {own: record for own, record in read.items() if own in given}
    assert faults.requests == asked == len(kept)


def test_what_a_walk_of_citing_works_lacks_of_its_count_is_counted(corpus, server, client, faults):
    source = opened("openalex", server[0], client)
    seeds = seeds_of(corpus, "openalex", 0, 1)
    first = next(page.cursor for page in source.chase(seeds) if page.cursor and "forward" in page.cursor)
    # The report itself, then the first page of what cites it, three times.
    faults.next(altered(faults.app, without_the_first("openalex")), times=3, after=1)

    pages = list(source.chase(seeds, first))

    assert [page.lacking for page in pages if page.lacking] == [1]
    assert f"1 of 5 works that cite {seeds[0].ids[0]} did not come from openalex" in remarks(pages)
    assert not any(page.missing for page in pages)


def semantic_scholar(
    server: tuple[str, Faults], client: httpx.Client, corpus: PapersCorpus
) -> tuple[Citing, list[Seed]]:
    return opened("semanticscholar", server[0], client), seeds_of(corpus, "semanticscholar", 6, 7)


def test_a_list_that_promises_more_and_gives_nothing_is_asked_again_and_remarked(corpus, server, client, faults):
    source, seeds = semantic_scholar(server, client, corpus)
    nothing = altered(faults.app, lambda body: {"offset": body["offset"], "data": []})

    faults.next(nothing, times=2, after=1)
    assert links(list(source.chase(seeds))) == links_of(corpus, "semanticscholar", seeds, source.directions)

    faults.next(nothing, times=3, after=1)
    assert "says that more than 3 references" in remarks(list(source.chase(seeds)))


def test_a_list_that_does_not_go_on_is_drift(corpus, server, client, faults):
    source, seeds = semantic_scholar(server, client, corpus)
    faults.next(altered(faults.app, lambda body: body | {"next": 0}))

    with pytest.raises(SourceDrifted, match=r"goes on with the references of .* at 0, and stands at 0"):
        list(source.chase(seeds))


def test_a_list_that_a_publisher_withholds_is_remarked(corpus, server, client, faults):
    source, seeds = semantic_scholar(server, client, corpus)
    faults.next(altered(faults.app, lambda body: {"data": None, "citingPaperInfo": {"openAccessPdf": {}}}))

    pages = list(source.chase(seeds))

    assert "are withheld" in remarks(pages)
    assert {way for _, _, way in links(pages)} == {"forward"}


def test_a_work_that_cites_a_report_by_the_sources_word_alone_is_found_and_remarked(corpus, server, client, faults):
    source = opened("openalex", server[0], client)
    seeds = seeds_of(corpus, "openalex", 0, 1)
    first = next(page.cursor for page in source.chase(seeds) if page.cursor and "forward" in page.cursor)

    def without_references(body: Any) -> Any:
        body["results"][0]["referenced_works"] = []
        return body

    faults.next(altered(faults.app, without_references), after=1)
    pages = list(source.chase(seeds, first))

    assert len(found(pages)) == 5 and len(links(pages)) == 4
    assert "says of works that they cite a report that they do not list" in remarks(pages)


def test_an_id_that_a_source_lists_and_refuses_is_missing_and_stands_in_nobodys_way(corpus, server, client):
    seeds = seeds_of(corpus, "crossref", 6, 7)
    source = opened("crossref", server[0], client)
    odd = corpus.entries("crossref")[4].key
    look_up = source.look_up

    def refusing(ids: Sequence[str], *rest: Any) -> Iterator[Page]:
        if odd in ids:
            raise SourceRefused("that is no DOI", source="crossref")
        return look_up(ids, *rest)

    source.look_up = refusing
    pages = list(source.chase(seeds))

    assert f"{odd} is refused: that is no DOI" in remarks(pages)
    assert [each for page in pages for each in page.missing] == [odd]
    wanted = links_of(corpus, "crossref", seeds, ["backward"])
    assert links(pages) == {each for each in wanted if each[1] != odd} != wanted
