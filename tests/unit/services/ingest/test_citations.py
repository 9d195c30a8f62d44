"""Citations: what included reports cite and what cites them is found, linked and counted, and nothing of it twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from demo.replay.app import replay_app
from demo.replay.papers import PapersCorpus
from demo.replay.server import ReplayServer
from services.ingest.jobs import reparsing, runs
from services.ingest.models import RunRow
from services.ingest.ports.sources.port import Page
from shared.events.ingest import RecordDiscovered, RecordUpdated, RunFinished
from shared.events.protocol import CITING_SOURCES, Citations
from shared.events.screening import RecordIncluded, RecordReopened
from tests.contract.copies import corpus_with_citations
from tests.contract.test_citations import altered, opened
from tests.contract.test_sources import REVIEW as PAPERS
from tests.contract.test_sources import Faults, answering
from tests.unit.services.ingest.rig import IngestBench, strategy, work

#: Two papers of the search, of which OpenAlex has the DOIs.
SEEDS = ("round-2018", "miller-2020")

WEEKLY = Citations(sources=list(CITING_SOURCES))


@dataclass
class Chase:
    """A review that a strategy finds two papers for, and the sources it chases citations at."""

    bench: IngestBench
    corpus: PapersCorpus
    faults: Faults

    def key(self, paper: str, source: str = "openalex") -> str:
        (own,) = [each.key for each in self.corpus.entries(source) if each.paper.key == paper]
        return own

    def adopt(self, number: int = 1, citations: Citations | None = WEEKLY) -> None:
        found = "|".join(self.key(seed) for seed in SEEDS)
        asked = strategy("openalex", f"ids.openalex:{found}", every_days=30)
        self.bench.adopt(asked, number=number, search_from="2018-01-01", citations=citations)

    def record(self, paper: str) -> str:
        there = {
            f"{name}:{each.key}" for name in CITING_SOURCES for each in self.corpus.entries(name)
            if each.paper.key == paper
        }  # fmt: skip
        (one,) = [each for each in self.bench.items("records") if there & set(each["sources"])]
        return one["record"]

    def include(self, *papers: str) -> None:
        for paper in papers:
            self.bench.hears(
                RecordIncluded(
                    review=self.bench.review, record=self.record(paper), revision=3, title=paper, judgements=[]
                )
            )

    def linked(self, *papers: str, source: str = "semanticscholar") -> set[tuple[str, str, str]]:
        """What the corpus says of these papers: which record, in which direction, of which of them."""
        there = {each.paper.key: each.paper.cites for each in self.corpus.entries(source)}
        pairs = [(one, cited) for one, cites in there.items() for cited in cites if cited in there]
        backward = {(cited, "backward", one) for one, cited in pairs if one in papers}
        forward = {(one, "forward", cited) for one, cited in pairs if cited in papers}
        return backward if source == "crossref" else backward | forward

    def links(self, **asked: str) -> list[dict[str, Any]]:
        return self.bench.items("citations", **asked)

    def by_paper(self, links: list[dict[str, Any]], source: str) -> set[tuple[str, str, str]]:
        papers = {each.key: each.paper.key for name in CITING_SOURCES for each in self.corpus.entries(name)}
        reports = {self.record(seed): seed for seed in SEEDS}
        return {
            (papers[each["source_id"]], each["direction"], reports[each["report"]])
            for each in links
            if each["source"] == source
        }

    def runs(self) -> dict[str, RunFinished]:
        """The last run that is over of each chase."""
        over = self.bench.emitted(RunFinished)
        return {run.source: run for run in over if run.query == f"citations:{run.source}"}


@pytest.fixture
def chase(tmp_path) -> Iterator[Chase]:
    corpus = corpus_with_citations(PAPERS)
    faults = Faults(replay_app(corpus))
    with ReplayServer(faults) as server, httpx.Client() as client:
        sources = {name: opened(name, server.url, client) for name in CITING_SOURCES}
        bench = IngestBench(tmp_path, at="2022-06-01T00:00:00+00:00", sources=sources)
        made = Chase(bench, corpus, faults)
        made.adopt()
        bench.pull()
        yield made
        bench.close()


def test_nothing_is_asked_before_a_report_is_included(chase):
    assert chase.runs().keys() == set(CITING_SOURCES)
    assert all((run.complete, run.counts.found) == (True, 0) for run in chase.runs().values())
    assert chase.links() == []


def test_what_included_reports_cite_and_what_cites_them_become_records_with_links(chase):
    chase.include(*SEEDS)
    chase.bench.pull_again()

    wanted = chase.linked(*SEEDS)
    assert len(wanted) == 18
    for source in CITING_SOURCES:
        assert chase.by_paper(chase.links(), source) == chase.linked(*SEEDS, source=source), source
    found = {paper for paper, _, _ in wanted} | set(SEEDS)
    titles = [each["title"].lower() for each in chase.bench.items("records")]
    assert len(titles) == len(found)
    discovered = chase.bench.emitted(RecordDiscovered)
    assert len(discovered) == len({each.record for each in discovered}) >= len(found)
    assert all(run.complete and not run.missing for run in chase.runs().values())


def test_what_a_chase_brought_says_so_and_what_a_search_brought_does_not(chase):
    chase.include(*SEEDS)
    chase.bench.pull_again()

    searched = {chase.record(seed) for seed in SEEDS}
    discovered = chase.bench.emitted(RecordDiscovered)
    assert len(discovered) > len(searched)
    assert {each.record for each in discovered if not each.by_citations} == searched
    chases = {each.run for each in discovered if each.by_citations}
    listed = [
        found for each in [*discovered, *chase.bench.emitted(RecordUpdated)] for found in each.bibliography.sources
    ]
    assert {found.run for found in listed if found.by_citations} >= chases
    assert not {found.run for found in listed if not found.by_citations} & chases


def test_a_second_chase_finds_the_same_and_tells_nothing(chase):
    chase.include(*SEEDS)
    chase.bench.pull_again()
    links, updates = chase.links(), len(chase.bench.emitted(RecordUpdated))

    chase.bench.pull_again()

    assert chase.links() == links
    assert len(chase.bench.emitted(RecordUpdated)) == updates
    counts = chase.runs()["semanticscholar"].counts
    assert counts.found == counts.unchanged == len({paper for paper, _, _ in chase.linked(*SEEDS)})


def test_a_record_says_which_included_reports_cite_it_or_are_cited_by_it(chase):
    chase.include(*SEEDS)
    chase.bench.pull_again()

    links = chase.links(record=chase.record("aufegger-2020"))

    assert {(each["direction"], each["report"]) for each in links} == {
        ("forward", chase.record("round-2018")), ("backward", chase.record("miller-2020")),
    }  # fmt: skip
    assert {each["source"] for each in links} == set(CITING_SOURCES)
    assert {each["record"] for each in links} == {chase.record("aufegger-2020")}
    assert all(each["title"] and each["report_title"] and each["standing"] == "included" for each in links)
    assert chase.links(record="rec_nobody") == []


def test_a_report_that_is_included_later_is_chased_by_the_next_run_and_links_stay_when_it_is_no_more(chase):
    chase.include("round-2018")
    chase.bench.pull_again()
    assert chase.by_paper(chase.links(), "openalex") == chase.linked("round-2018", source="openalex")

    chase.include("miller-2020")
    reopened = RecordReopened(
        review=chase.bench.review, record=chase.record("round-2018"), revision=4, stage="text", reason="again"
    )
    chase.bench.hears(reopened)
    before = chase.faults.requests
    chase.bench.pull_again()

    assert chase.faults.requests > before
    assert chase.by_paper(chase.links(), "openalex") == chase.linked(*SEEDS, source="openalex")
    assert {each["standing"] for each in chase.links() if each["report"] == chase.record("round-2018")} == {"waiting"}
    runs_of = {each["run"] for each in chase.links() if each["report"] == chase.record("miller-2020")}
    assert runs_of.isdisjoint(each["run"] for each in chase.links() if each["standing"] == "waiting")


def test_a_source_that_has_no_record_of_a_report_is_asked_by_its_doi(chase):
    """Only OpenAlex was searched, so that Crossref and Semantic Scholar know the reports by their DOIs alone."""
    chase.include("miller-2020")
    (record,) = [each for each in chase.bench.records() if each["record"] == chase.record("miller-2020")]
    assert [each["source"] for each in record["source_records"]] == ["openalex"]

    chase.bench.pull_again()

    assert chase.by_paper(chase.links(), "crossref") == chase.linked("miller-2020", source="crossref")
    assert chase.by_paper(chase.links(), "semanticscholar") == chase.linked("miller-2020")


def test_chases_count_in_coverage_and_stand_apart_from_strategies(chase):
    chase.include(*SEEDS)
    chase.bench.pull_again()

    shares = {each["name"]: each for each in chase.bench.get("coverage")["strategies"]}
    assert shares.keys() == {"openalex", *(f"citations:{source}" for source in CITING_SOURCES)}
    assert shares["citations:crossref"]["records"] == len(
        {paper for paper, _, _ in chase.linked(*SEEDS, source="crossref")}
    )
    assert [each["strategy"] for each in chase.bench.items("watches")] == ["openalex"]
    assert [each["strategy"] for each in chase.bench.items("watches", purpose="citations")] == [
        "citations:crossref", "citations:openalex", "citations:semanticscholar",
    ]  # fmt: skip
    assert [each["every_days"] for each in chase.bench.get("status")["chases"]] == [7, 7, 7]


def test_a_source_where_citations_alone_are_chased_is_asked_what_it_changed_too(chase):
    chase.bench.pull()

    assert {each["source"] for each in chase.bench.items("watches", purpose="changes")} == set(CITING_SOURCES)


def test_a_protocol_that_says_nothing_of_citations_any_more_ends_their_chases_until_one_does(chase):
    chase.adopt(number=2, citations=Citations(sources=["crossref"], every_days=30))
    states = {each["source"]: (each["state"], each["every_days"]) for each in chase.bench.get("status")["chases"]}
    assert states == {"crossref": ("active", 30), "openalex": ("retired", 7), "semanticscholar": ("retired", 7)}

    chase.adopt(number=3, citations=None)
    assert {each["state"] for each in chase.bench.get("status")["chases"]} == {"retired"}
    chase.include("miller-2020")
    chase.bench.pull_again()
    assert chase.links() == []

    chase.adopt(number=4)
    chase.bench.pull()
    assert chase.by_paper(chase.links(), "openalex") == chase.linked("miller-2020", source="openalex")


class Killed(BaseException):
    """The process is gone."""


def killed_before_each_page(chase: Chase, monkeypatch: pytest.MonkeyPatch) -> int:
    """Pulls until all is done, by processes that die before each page of each chase once; how many did."""
    died: set[tuple[str, int]] = set()
    take_page = runs.take_page

    def dying(at: Any, run: str, page: Page, *, pages_before: int, **more: Any) -> Any:
        if at.session.get(RunRow, run).purpose == "citations" and (run, pages_before) not in died:
            died.add((run, pages_before))
            raise Killed
        return take_page(at, run, page, pages_before=pages_before, **more)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "take_page", dying)
        for _ in range(200):
            try:
                chase.bench.pull()
            except Killed:
                continue
            return len(died)
    raise AssertionError("it never ends")


def test_a_process_that_is_killed_before_every_page_finds_nothing_twice_and_misses_nothing(chase, monkeypatch):
    chase.include(*SEEDS)
    chase.bench.clock.advance(days=7)

    assert killed_before_each_page(chase, monkeypatch) > 12

    for source in CITING_SOURCES:
        assert chase.by_paper(chase.links(), source) == chase.linked(*SEEDS, source=source), source
        run = chase.runs()[source]
        assert run.complete
        assert run.counts.found == len({paper for paper, _, _ in chase.linked(*SEEDS, source=source)})
    discovered = chase.bench.emitted(RecordDiscovered)
    assert len(discovered) == len({each.bibliography.identifiers.doi for each in discovered})


def test_reports_that_are_included_no_more_while_a_run_waits_are_not_asked_about(chase, monkeypatch):
    chase.include(*SEEDS)
    chase.bench.clock.advance(days=7)
    take_page = runs.take_page

    def dying(at: Any, run: str, page: Page, *, pages_before: int, **more: Any) -> Any:
        if pages_before == 2:
            raise Killed
        return take_page(at, run, page, pages_before=pages_before, **more)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "take_page", dying)
        with pytest.raises(Killed):
            chase.bench.pull()
    reopened = RecordReopened(
        review=chase.bench.review, record=chase.record("round-2018"), revision=4, stage="text", reason="again"
    )
    chase.bench.hears(reopened)
    chase.bench.pull()

    there = chase.by_paper(chase.links(), "openalex")
    assert chase.linked("miller-2020", source="openalex") <= there <= chase.linked(*SEEDS, source="openalex")
    assert all(run.complete for run in chase.runs().values())


def hiding(app: ASGIApp, doi: str) -> ASGIApp:
    """Answers as the application does; Crossref counts a work and does not give it."""

    def change(body: Any) -> Any:
        if body.get("message-type") == "work-list":
            message = body["message"]
            message["items"] = [each for each in message["items"] if each["DOI"].lower() != doi]
        return body

    return altered(app, change)


def test_a_source_that_lies_about_its_count_makes_the_run_partial_and_is_asked_again(chase):
    chase.adopt(number=2, citations=Citations(sources=["crossref"]))
    chase.include("miller-2020")
    hidden = chase.key("aufegger-2020", "crossref")
    honest = chase.faults.app
    chase.faults.app = hiding(honest, hidden)
    chase.bench.pull_again()

    run = chase.runs()["crossref"]
    assert (run.complete, run.missing) == (False, [hidden])
    (watch,) = [each for each in chase.bench.get("status")["chases"] if each["source"] == "crossref"]
    assert hidden in watch["trouble"]

    chase.faults.app = honest
    chase.bench.clock.advance(minutes=2)
    chase.bench.pull()
    assert chase.runs()["crossref"].complete
    assert chase.by_paper(chase.links(), "crossref") == chase.linked("miller-2020", source="crossref")


def test_works_that_a_source_counts_as_citing_a_report_and_does_not_give_lack_by_their_number(chase):
    chase.adopt(number=2, citations=Citations(sources=["openalex"]))
    chase.include("miller-2020")
    hidden = {f"https://openalex.org/{chase.key(each)}" for each in ("chang-2021", "sims-2021")}
    honest = chase.faults.app

    def change(body: Any) -> Any:
        works = [each for each in body["results"] if each["id"] not in hidden]
        return body | {"results": works}

    chase.faults.app = altered(honest, change)
    chase.bench.pull_again()

    (watch,) = [each for each in chase.bench.items("watches", purpose="citations") if each["source"] == "openalex"]
    run = watch["last_run"]
    assert (run["state"], run["lacking"], run["missing"]) == ("partial", 2, [])
    assert watch["trouble"] == "openalex counts 2 more works that cite the reports than it gave"
    path = f"watches/{watch['watch']}/accept"
    chase.bench.post(path, {"lacking": 1, "reason": "one alone"}, status=409)
    chase.bench.post(path, {"lacking": 2, "reason": "both are withdrawn"})
    chase.bench.pull()
    assert chase.runs()["openalex"].complete

    chase.faults.app = honest
    chase.bench.pull_again()
    assert chase.by_paper(chase.links(), "openalex") == chase.linked("miller-2020", source="openalex")


def test_kept_answers_of_a_chase_read_again_change_nothing_and_bring_no_report_in(chase):
    chase.include(*SEEDS)
    chase.bench.pull_again()
    before = chase.bench.records()
    links = chase.links()

    asked = chase.bench.post("reparses", {"source": "semanticscholar"}, status=202)
    chase.bench.post("reparses", {"source": "crossref"}, status=202)
    chase.bench.runs(reparsing.reparse_answers)

    view = chase.bench.get(f"reparses/{asked['reparse']}")
    assert (view["state"], view["new"], view["merged"], view["updated"]) == ("done", 0, 0, 0)
    assert view["unchanged"] > 0
    assert (chase.bench.records(), chase.links()) == (before, links)


def test_a_source_that_knows_no_citations_is_refused_and_said_so(tmp_path):
    bench = IngestBench(tmp_path)
    bench.sources["crossref"].put(work("crossref", "10.1/1"))
    bench.adopt(citations=Citations(sources=["crossref"]))
    bench.pull()

    (run,) = [run for run in bench.emitted(RunFinished) if run.query.startswith("citations:")]
    assert (run.complete, run.error) == (False, "crossref knows no citations")
    bench.close()


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize(
    "fault",
    [
        answering(429, "application/json", b'{"message": "the budget is used up"}', retry_after="7200"),
        answering(500, "text/plain", b"oops"),
        answering(400, "application/json", b'{"error": "that is none"}'),
    ],
    ids=["a budget that is used up", "an error", "a refusal"],
)
def test_a_source_that_fails_amid_a_chase_is_asked_for_the_rest_when_it_is_well(chase, fault, after):
    chase.adopt(number=2, citations=Citations(sources=["semanticscholar"]))
    chase.include(*SEEDS)
    chase.faults.next(fault, times=4, after=after)
    chase.bench.pull_again()
    chase.faults.clear()
    for _ in range(3):
        chase.bench.clock.advance(hours=12)
        chase.bench.pull()

    assert chase.runs()["semanticscholar"].complete
    assert chase.by_paper(chase.links(), "semanticscholar") == chase.linked(*SEEDS)
    discovered = chase.bench.emitted(RecordDiscovered)
    assert len(discovered) == len({each.record for each in discovered}) == len(chase.bench.items("records"))
