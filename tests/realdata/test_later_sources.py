"""Recorded answers of the sources that came later: each item becomes a record or a counted, explained rejection."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from services.ingest.ports.fulltext import unpaywall
from services.ingest.ports.sources import arxiv, doaj, semanticscholar
from services.ingest.ports.sources.arxiv import ArXiv
from services.ingest.ports.sources.doaj import DOAJ
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.port import Page, SourceDrifted, SourceRefused, SourceUnavailable
from services.ingest.ports.sources.semanticscholar import SemanticScholar
from tests.realdata.test_sources import EVER, abstracts, account, exchanges, first_page

pytestmark = pytest.mark.realdata

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def answers(realdata: Path) -> Path:
    return realdata / "api-responses"


# DOAJ


def harvest(answers: Path, name: str) -> dict[str, Any]:
    with gzip.open(answers / "doaj-createadrln" / name, "rt", encoding="utf-8") as file:
        return json.load(file)


MAY, NOVEMBER = "search_v3_2024-05-06.json.gz", "search_v4_2024-11-20.json.gz"


@pytest.mark.parametrize(("name", "with_abstract", "with_doi"), [(MAY, 92, 91), (NOVEMBER, 91, 91)])
def test_every_recorded_article_of_doaj_is_read(answers, name, with_abstract, with_doi):
    body = harvest(answers, name)
    records = account(f"DOAJ {name}", [doaj.read_articles(body)], 100)
    assert len(records) == 100
    assert abstracts(records) == with_abstract
    assert sum(record.identifiers.doi is not None for record in records) == with_doi
    assert all(record.title and record.venue and record.authors for record in records)
    assert all(record.published and record.entered and record.updated for record in records)
    assert not any("<h4>" in (record.abstract or "") for record in records)
    years = {article["id"]: article["bibjson"]["year"] for article in body["results"]}
    assert all(record.published.startswith(years[record.source_id]) for record in records)
    assert sum(len(record.published) == 7 for record in records) == sum(
        str(article["bibjson"].get("month")) not in {"None", "0"} for article in body["results"]
    )


def test_six_months_of_doaj_show_what_went_and_what_came_and_stamps_that_are_no_news(answers):
    may, november = (
        {record.source_id: record for record in doaj.read_articles(harvest(answers, name)).records}
        for name in (MAY, NOVEMBER)
    )
    both = may.keys() & november.keys()
    restamped = {each for each in both if may[each].updated != november[each].updated}
    changed = {each for each in both if may[each].content_hash != november[each].content_hash}
    gone, new = may.keys() - november.keys(), november.keys() - may.keys()
    print(f"\n{len(both)} twice ({len(restamped)} with another stamp), {len(gone)} gone, {len(new)} new")
    assert (len(both), len(gone), len(new)) == (88, 12, 12)
    # The three that DOAJ stamped anew differ in nothing we use.
    assert (len(restamped), changed) == (3, set())


def test_a_recorded_total_beyond_the_ceiling_is_cut_into_slices(answers):
    with pytest.raises(SourceRefused, match="has 229848 records of 1900-01-01 alone, and gives 1000 at most"):
        first_page_of(DOAJ, harvest(answers, NOVEMBER))


def first_page_of(make: Any, body: Any) -> Page:
    return first_page(make, {"status": 200, "headers": JSON, "body": json.dumps(body)})


# arXiv


def feeds(answers: Path, pattern: str = "*") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every recorded answer by its file's name. Their UTF-8 was written down as Latin-1, which is undone."""
    for path in sorted((answers / "arxiv-lukasschwab").glob(f"{pattern}.json")):
        answer = json.loads(path.read_text(encoding="utf-8"))
        yield path.name, answer | {"body": answer["body"].encode("latin-1")}


def test_every_recorded_feed_of_arxiv_is_read(answers):
    pages, items = [], 0
    for _, answer in feeds(answers):
        if answer["status_code"] == 200:
            pages.append(arxiv.read_feed(fromstring(answer["body"])))
            items += answer["body"].count(b"<entry>")
    records = account("arXiv", pages, items)
    assert len(pages) == 19
    assert len(records) == items > 200
    assert all(record.title and record.authors and record.abstract and record.entered for record in records)
    assert all(record.identifiers.doi and not re.search(r"v[0-9]+$", record.source_id) for record in records)
    assert not any(record.notices for record in records)
    for record in records:
        if record.kind == "preprint":
            assert record.identifiers.doi == f"10.48550/arxiv.{record.source_id}"
            assert record.published == record.entered.isoformat()
    assert sum(page.found == 0 for page in pages) == 2


def test_a_hundred_recorded_entries_of_arxiv_have_the_right_values(answers):
    ((_, answer),) = feeds(answers, "q_testing_s0_m100*")
    page = arxiv.read_feed(fromstring(answer["body"]))
    named = re.findall(rb"<arxiv:doi>([^<]+)</arxiv:doi>", answer["body"])
    articles = [record for record in page.records if record.kind == "article"]
    assert [record.identifiers.doi for record in articles] == [doi.decode().lower() for doi in named]
    assert len(articles) == 32
    assert sum(len(record.authors) for record in page.records) == 366
    assert page.reported > 100
    # Names beyond ASCII are as their owners write them.
    assert not any("\ufffd" in name or "Ã" in name for record in page.records for name in record.authors)


def test_recorded_pages_of_arxiv_say_of_a_work_the_same_wherever_it_is(answers):
    seen: dict[str, set[str]] = {}
    for _, answer in feeds(answers, "q_testing*"):
        for record in arxiv.read_feed(fromstring(answer["body"])).records:
            seen.setdefault(record.source_id, set()).add(record.content_hash)
    assert len(seen) >= 100
    assert {len(hashes) for hashes in seen.values()} == {1}


def test_a_recorded_error_of_arxiv_is_a_refusal(answers):
    ((_, answer),) = feeds(answers, "id_abc*")
    with pytest.raises(SourceRefused, match="incorrect id format for abc"):
        asked(ArXiv, answer)


def test_a_recorded_look_up_of_arxiv_leaves_out_what_is_not_there(answers):
    ((_, answer),) = feeds(answers, "id_0808.05394_1707*")
    with httpx.Client(transport=served(answer)) as client:
        (page,) = ArXiv(Access("https://source.example.org"), client).look_up(
            ["0808.05394", "1707.08567"], date(2020, 1, 1)
        )
    assert ([record.source_id for record in page.records], page.missing) == (["1707.08567"], [])


def served(answer: dict[str, Any]) -> httpx.MockTransport:
    headers = {"content-type": "application/atom+xml; charset=utf-8"}
    return httpx.MockTransport(
        lambda request: httpx.Response(answer["status_code"], content=answer["body"], headers=headers)
    )


def asked(make: Any, answer: dict[str, Any]) -> Page:
    with httpx.Client(transport=served(answer)) as client:
        source = make(Access("https://source.example.org"), client, limits=Limits(tries=1), sleep=lambda seconds: None)
        return next(iter(source.pages(EVER)))


# Semantic Scholar


def bulk_walks(answers: Path) -> dict[str, dict[str | None, dict[str, Any]]]:
    """The recorded walks of the bulk search by their cassettes, each with its answers by the token they answer."""
    walks: dict[str, dict[str | None, dict[str, Any]]] = {}
    for exchange in exchanges(answers, "semanticscholar-danielnsilva"):
        url = httpx.URL(exchange["uri"])
        if url.path.endswith("/paper/search/bulk"):
            walks.setdefault(f"{exchange['cassette']} {url.params.get('sort')}", {})[url.params.get("token")] = exchange
    return walks


def test_every_recorded_walk_of_the_bulk_search_is_read_to_its_end(answers):
    whole = []
    for name, by_token in bulk_walks(answers).items():

        def answer(request: httpx.Request, by_token: dict[str | None, Any] = by_token) -> httpx.Response:
            exchange = by_token.get(request.url.params.get("token"))
            if exchange is None:
                return httpx.Response(503)
            return httpx.Response(200, content=exchange["body"].encode(), headers=JSON)

        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            source = SemanticScholar(
                Access("https://source.example.org"), client, limits=Limits(tries=1), sleep=lambda seconds: None
            )
            pages = []
            try:
                pages.extend(source.pages(EVER))
                whole.append(name)
            except SourceUnavailable:
                # Not every cassette holds the walk's last page.
                assert len(pages) < 3
        items = sum(len(json.loads(exchange["body"])["data"]) for exchange in by_token.values())
        records = [record for page in pages for record in page.records]
        rejections = [rejection for page in pages for rejection in page.rejections]
        if name in whole:
            assert len(records) + len(rejections) == items == pages[-1].reported
            # Papers that were asked for with their count of citations alone have nothing that describes them.
            reasons = {rejection.reason for rejection in rejections}
            assert reasons <= {"it has no title, no abstract and no identifier known elsewhere"}
            assert len({item.source_id for item in (*records, *rejections)}) == items
    print(f"\n{len(whole)} whole walks")
    assert len(whole) == 4


def test_a_thousand_recorded_papers_have_the_right_values(answers):
    with gzip.open(answers / "semanticscholar-danielnsilva/Paper.json.gz", "rt", encoding="utf-8") as file:
        paper = json.load(file)
    papers = [paper, *paper["citations"], *paper["references"]]
    page = semanticscholar.read_papers({"total": len(papers), "data": papers})
    records = account("Semantic Scholar", [page], len(papers))
    assert {rejection.reason for rejection in page.rejections} == {"it has no paperId, so nothing identifies it"}
    assert (len(papers), len(page.rejections)) == (1015, 6)
    named = {each["paperId"]: each["externalIds"] for each in papers if each["paperId"]}
    for record in records:
        ids = named[record.source_id]
        assert record.identifiers.pmid == ids.get("PubMed")
        assert record.identifiers.pmcid == (f"PMC{ids['PubMedCentral']}" if "PubMedCentral" in ids else None)
        if "DOI" in ids:
            assert record.identifiers.doi == ids["DOI"].lower()
    assert not any((record.published or "").endswith("-01-01") for record in records)
    assert sum(record.kind == "preprint" for record in records) > 100
    assert sum(record.published is not None for record in records) > 1000
    assert sum(record.title is None for record in records) == 0


def test_a_recorded_paper_of_nulls_is_an_explained_rejection(answers):
    paper = json.loads((answers / "semanticscholar-danielnsilva/PaperWithNullValues.json").read_text())
    (rejection,) = semanticscholar.read_papers({"total": 1, "data": [paper]}).rejections
    assert rejection.reason == "it has no title, no abstract and no identifier known elsewhere"


def test_recorded_lists_of_ids_are_read_with_their_nulls(answers):
    seen = []
    for exchange in exchanges(answers, "semanticscholar-danielnsilva"):
        if "/paper/batch" in exchange["uri"] and exchange["status"] == 200:
            listed = json.loads(exchange["body"])
            answer = semanticscholar.Answer(200, httpx.Headers(JSON), exchange["body"].encode())
            page = semanticscholar.read_batch(answer, [""] * len(listed))
            assert page.found == page.reported == sum(paper is not None for paper in listed)
            seen.append((len(listed), page.found))
    assert sorted(seen) == [(3, 3), (4, 3), (4, 3)]


def test_recorded_errors_and_other_answers_are_no_empty_pages(answers):
    refused, others = set(), 0
    for exchange in exchanges(answers, "semanticscholar-danielnsilva"):
        if exchange["status"] != 200:
            with pytest.raises(SourceRefused) as caught:
                first_page(SemanticScholar, exchange)
            refused.add(caught.value.detail.partition(": ")[2])
        elif "/datasets/" in exchange["uri"] or "/batch" in exchange["uri"]:
            with pytest.raises(SourceDrifted):
                first_page(SemanticScholar, exchange)
            others += 1
    assert refused == {
        "Author with id 0 not found",
        "Forbidden",
        "No positive paper examples given",
        "Paper with id 0 not found",
        "Unrecognized or unsupported fields: [unknown]",
    }
    assert others > 5


# Unpaywall


def test_every_recorded_answer_of_unpaywall_is_read(answers):
    lines = (answers / "unpaywall-unpywall/responses.jsonl").read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        work = json.loads(line)
        answer = unpaywall.Answer(200, httpx.Headers(JSON), line.encode())
        found[work["doi"]] = unpaywall.read_work(answer, work["doi"])
        addresses = {each["url"] for each in work["oa_locations"]}
        assert {each.url for each in found[work["doi"]].locations} == addresses
        assert found[work["doi"]].best.url == work["best_oa_location"]["url"]
        assert found[work["doi"]].openness == work["oa_status"]
    assert len(found) == 5
    assert not any(each.remarks for each in found.values())
    assert {each.best.host for each in found.values()} == {"publisher", "repository"}
    assert {each.best.version for each in found.values()} == {"published", "accepted"}
    assert found["10.1016/j.envint.2020.105730"].best.licence == "cc-by-nc-nd"


# Errors that others have quoted


def test_every_quoted_error_of_them_is_an_error(answers):
    makes = {"arxiv": ArXiv, "semanticscholar": SemanticScholar}
    seen = []
    for line in (answers / "errors-quoted/errors.jsonl").read_text().splitlines():
        quoted = json.loads(line)
        if quoted["api"] in makes:
            with pytest.raises(SourceUnavailable, match=f"HTTP {quoted['status']}"):
                first_page(makes[quoted["api"]], quoted)
            seen.append((quoted["api"], quoted["status"]))
    assert sorted(seen) == [("arxiv", 429), ("semanticscholar", 429)]
