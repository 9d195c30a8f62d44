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

from services.ingest.ports.sources import arxiv, doaj
from services.ingest.ports.sources.arxiv import ArXiv
from services.ingest.ports.sources.doaj import DOAJ
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.port import Page, SourceRefused, SourceUnavailable
from tests.realdata.test_sources import EVER, abstracts, account, first_page

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


# Errors that others have quoted


def test_every_quoted_error_of_them_is_an_error(answers):
    makes = {"arxiv": ArXiv}
    seen = []
    for line in (answers / "errors-quoted/errors.jsonl").read_text().splitlines():
        quoted = json.loads(line)
        if quoted["api"] in makes:
            with pytest.raises(SourceUnavailable, match=f"HTTP {quoted['status']}"):
                first_page(makes[quoted["api"]], quoted)
            seen.append((quoted["api"], quoted["status"]))
    assert sorted(seen) == [("arxiv", 429)]
