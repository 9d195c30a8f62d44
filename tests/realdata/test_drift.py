"""The drift guard on recorded answers: it is silent while nothing has changed, and speaks when a field is gone."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from services.ingest.domain import drift
from services.ingest.jobs.drifting import counted
from services.ingest.ports.sources import arxiv, crossref, doaj, europepmc, openalex, semanticscholar
from services.ingest.ports.sources.port import SourceRecord
from shared.events.values import Identifiers
from tests.realdata.test_later_sources import MAY, NOVEMBER, feeds, harvest
from tests.realdata.test_sources import APRIL, exchanges, harvests, results_of, works_of

pytestmark = pytest.mark.realdata

#: Records of a run: as few as are held against at all, so that chance has the most of it.
PIECE = drift.ENOUGH_BEFORE

#: What a source has when a field has gone.
GONE: dict[str, dict[str, object]] = {
    "title": {"title": None},
    "abstract": {"abstract": None},
    "DOI": {"identifiers": Identifiers()},
    "date": {"published": None},
}


Lists = Iterator[list[SourceRecord]]


def of_openalex(answers: Path) -> Lists:
    """Those of four reviews one after the other, though each is a strategy of its own: the harder case."""
    for works in works_of(answers, APRIL):
        yield openalex.read_works({"meta": {"count": len(works)}, "results": works}).records


def of_crossref(answers: Path) -> Lists:
    """Those of the question with the most answers. How many works have an abstract there is a matter of who publishes
    them, from none to nearly all, so that lists of several questions are no runs of one watch."""
    lists: defaultdict[tuple[str, ...], list[list[SourceRecord]]] = defaultdict(list)
    for exchange in exchanges(answers, "crossref-habanero", "mixed-ropensci-fulltext"):
        if exchange["status"] == 200 and '"work-list"' in exchange["body"]:
            url = httpx.URL(exchange["uri"])
            asked = (url.params.get(name, "") for name in ("query", "filter", "select"))
            lists[url.path, *asked].append(crossref.read_items(json.loads(exchange["body"])).records)
    yield from max(lists.values(), key=lambda each: sum(map(len, each)))


def of_pubmed(answers: Path) -> Lists:
    for page in harvests(answers).values():
        yield page.records


def of_europepmc(answers: Path) -> Lists:
    for name in ("search_1000results_cancer.json.gz", "fetch_10pages_cancer.json.gz"):
        for body in results_of(answers, name):
            yield europepmc.read_results(body).records


def of_doaj(answers: Path) -> Lists:
    for name in (MAY, NOVEMBER):
        yield doaj.read_articles(harvest(answers, name)).records


def of_arxiv(answers: Path) -> Lists:
    for _, answer in feeds(answers, "q_testing*"):
        yield arxiv.read_feed(fromstring(answer["body"])).records


def of_semanticscholar(answers: Path) -> Lists:
    with gzip.open(answers / "semanticscholar-danielnsilva/Paper.json.gz", "rt", encoding="utf-8") as file:
        paper = json.load(file)
    for papers in (paper["citations"], paper["references"]):
        yield semanticscholar.read_papers({"total": len(papers), "data": papers}).records


#: The recorded lists of each source, and the fields of which a collapse can be seen: works that never had an abstract
#: lose none, as those of Crossref here, and those of Europe PMC, which were asked for in its short form.
LISTS: dict[str, tuple[Callable[[Path], Lists], set[str]]] = {
    "openalex": (of_openalex, set(GONE)),
    "crossref": (of_crossref, set(GONE) - {"abstract"}),
    "pubmed": (of_pubmed, set(GONE)),
    "europepmc": (of_europepmc, set(GONE) - {"abstract"}),
    "doaj": (of_doaj, set(GONE)),
    "arxiv": (of_arxiv, set(GONE)),
    "semanticscholar": (of_semanticscholar, set(GONE)),
}


@pytest.fixture(params=sorted(LISTS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def pieces(name: str, realdata: Path) -> list[list[SourceRecord]]:
    """The records of all lists one after the other, cut into runs, without a rest that is no run."""
    records = [record for listed in LISTS[name][0](realdata / "api-responses") for record in listed]
    cut = [records[at : at + PIECE] for at in range(0, len(records), PIECE)]
    return [piece for piece in cut if len(piece) == PIECE]


def test_no_recorded_list_is_taken_for_drift(name, pieces):
    history: list[dict[str, int]] = []
    alarms = []
    for piece in pieces:
        alarms += drift.collapses(counted(piece), history[: drift.RUNS])
        history.insert(0, counted(piece))
    print(f"\n{name}: {len(pieces)} runs of {PIECE} records, {len(alarms)} alarms")
    assert len(pieces) >= 2
    assert alarms == []


def test_a_field_that_is_gone_is_told_in_the_run_in_which_it_goes(name, pieces):
    *before, last = pieces
    history = [counted(piece) for piece in reversed(before)][: drift.RUNS]
    seen = {}
    for field, gone in GONE.items():
        stripped = [record.model_copy(update=gone) for record in last[: drift.ENOUGH]]
        seen[field] = [words for words in drift.collapses(counted(stripped), history) if f" have {field}," in words]
    print(f"\n{name}: {seen}")
    assert {field for field, words in seen.items() if words} == LISTS[name][1]


def test_fields_that_go_all_at_once_are_told_each(name, pieces):
    *before, last = pieces
    history = [counted(piece) for piece in reversed(before)][: drift.RUNS]
    bare = [SourceRecord(source=name, source_id=record.source_id) for record in last]
    assert len(list(drift.collapses(counted(bare), history))) == len(LISTS[name][1])
