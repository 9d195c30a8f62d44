"""Recorded answers of the sources that came later: each item becomes a record or a counted, explained rejection."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from services.ingest.ports.sources import doaj
from services.ingest.ports.sources.doaj import DOAJ
from services.ingest.ports.sources.port import Page
from tests.realdata.test_sources import abstracts, account, first_page

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
    with pytest.raises(doaj.SourceRefused, match="has 229848 records of 1900-01-01 alone, and gives 1000 at most"):
        first_page_of(DOAJ, harvest(answers, NOVEMBER))


def first_page_of(make: Any, body: Any) -> Page:
    return first_page(make, {"status": 200, "headers": JSON, "body": json.dumps(body)})
