"""Recorded answers that tell of citations: what each work cites is read whole, and counted where it has no id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.ingest.ports.sources import openalex, semanticscholar
from services.ingest.ports.sources.citing import Seed
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.http import Access, Answer
from services.ingest.ports.sources.port import Page
from shared import identifiers
from tests.realdata.test_sources import exchanges

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def answers(realdata: Path) -> Path:
    return realdata / "api-responses"


def bodies(answers: Path, folder: str, *words: str) -> list[Any]:
    """The bodies of the recorded answers whose address has all these words."""
    return [
        json.loads(each["body"])
        for each in exchanges(answers, folder)
        if each["status"] == 200 and each["body"].startswith("{") and all(word in each["uri"] for word in words)
    ]


def test_recorded_works_of_openalex_say_what_they_cite_and_it_lists_some_that_it_has_no_more(answers):
    reports = bodies(answers, "openalex-openalexPro", "filter=openalex%3A", "per-page=200")[0]
    cited = openalex.read_references(reports)
    (given,) = [{one.source_id for one in openalex.read_works(body).records} for body in bodies(
        answers, "openalex-openalexPro", "filter=cited_by%3A", "per-page=200"
    )]  # fmt: skip

    assert [len(works) for works in cited.values()] == [each["referenced_works_count"] for each in reports["results"]]
    listed = {each for works in cited.values() for each in works}
    assert (len(listed), len(given), given - listed) == (42, 38, set())


def test_every_recorded_work_that_cites_one_of_two_says_which(answers):
    (body,) = bodies(answers, "openalex-openalexPro", "filter=cites%3A", "per-page=200")
    citing = openalex.read_references(body)

    assert len(citing) == body["meta"]["count"] == 5
    assert all({"W3046863325", "W3045921891"} & set(works) for works in citing.values())


@pytest.mark.parametrize(("name", "inner", "papers", "unnamed"), [
    ("citations", "citingPaper", 1_881, 8), ("references", "citedPaper", 67, 23)
])  # fmt: skip
def test_every_recorded_list_of_semantic_scholar_is_read_to_its_end(answers, name, inner, papers, unnamed):
    recorded = [
        each for each in exchanges(answers, "semanticscholar-danielnsilva") if f"/{name}?" in each["uri"]
    ]  # fmt: skip
    headers = httpx.Headers({"content-type": "application/json"})
    parts = [semanticscholar.read_list(Answer(200, headers, each["body"].encode()), inner) for each in recorded]

    assert sum(len(part.ids) + part.unnamed for part in parts) == papers
    assert sum(part.unnamed for part in parts) == unnamed
    assert [part.following is None for part in parts] == [False] * (len(parts) - 1) + [True]


def test_every_recorded_reference_of_crossref_is_listed_by_its_doi_or_counted(answers):
    works: dict[str, dict[str, Any]] = {}
    for body in bodies(answers, "crossref-habanero", "/works"):
        message = body.get("message") if isinstance(body, dict) else None
        for work in (message or {}).get("items") or [message or {}]:
            if work.get("reference") and work.get("DOI") and "," not in work["DOI"]:
                works.setdefault(work["DOI"].lower(), work)
    assert len(works) > 50

    def answer(request: httpx.Request) -> httpx.Response:
        asked = [each[4:] for each in request.url.params["filter"].split(",") if each.startswith("doi:")]
        items = [works[each] for each in asked if each in works]
        message = {"total-results": len(items), "items": items}
        return httpx.Response(200, json={"message-type": "work-list", "message": message})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        source = Crossref(Access("https://crossref.example"), client, sleep=lambda seconds: None)
        for doi, work in list(works.items())[:40]:
            pages = list(source.chase([Seed(record="rec", ids=[doi])]))
            named = {one for each in work["reference"] if (one := identifiers.doi(each.get("DOI")))}
            without = sum(identifiers.doi(each.get("DOI")) is None for each in work["reference"])
            accounted(pages, works.keys() & named, without, len(work["reference"]))


def accounted(pages: list[Page], there: set[str], without: int, listed: int) -> None:
    said = "; ".join(remark for page in pages for remark in page.remarks)
    assert {each.source_id for page in pages for each in (*page.records, *page.rejections)} == there
    assert (f"{without} of {listed} references of 1 reports have no DOI" in said) == (without > 0)
    assert not any(page.missing for page in pages)
