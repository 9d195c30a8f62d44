"""Recorded answers nobody here wrote: each item becomes a record or a counted, explained rejection."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring
from zipfile import ZipFile

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from demo.replay.app import replay_app
from demo.replay.server import ReplayServer
from demo.replay.works import OpenAlexWorksCorpus
from services.ingest.ports.sources import crossref, europepmc, openalex, pubmed
from services.ingest.ports.sources.crossref import Crossref
from services.ingest.ports.sources.europepmc import EuropePMC
from services.ingest.ports.sources.http import Access, Limits
from services.ingest.ports.sources.noticing import of_title
from services.ingest.ports.sources.openalex import OpenAlex
from services.ingest.ports.sources.port import (
    Page,
    Query,
    Source,
    SourceDrifted,
    SourceRecord,
    SourceRefused,
    SourceUnavailable,
)
from services.ingest.ports.sources.pubmed import PubMed

pytestmark = pytest.mark.realdata

EVER = Query(text="is_paratext:false", since=date(1900, 1, 1), until=date(2030, 1, 1))
MARCH, APRIL = "works_2023-03.zip", "works_2023-04-10.zip"


@pytest.fixture(scope="module")
def answers(realdata: Path) -> Path:
    return realdata / "api-responses"


def exchanges(answers: Path, *folders: str) -> Iterator[dict[str, Any]]:
    """Every recorded exchange of these folders: uri, status, headers, body."""
    for folder in folders:
        with gzip.open(answers / folder / "interactions.jsonl.gz", "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def first_page(make: Callable[..., Source], exchange: dict[str, Any]) -> Page:
    """What the adapter makes of this answer to its first request."""
    length = {"content-encoding", "content-length", "transfer-encoding"}
    headers = {name: value for name, value in exchange["headers"].items() if name.lower() not in length}
    body = (exchange["body"] or "").encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(exchange["status"], content=body, headers=headers))
    with httpx.Client(transport=transport) as client:
        source = make(Access("https://source.example.org"), client, limits=Limits(tries=1), sleep=lambda seconds: None)
        return next(iter(source.pages(EVER.model_copy(update={"text": "leadership"}))))


def account(what: str, pages: Iterable[Page], items: int) -> list[SourceRecord]:
    """Prints and checks that `items` recorded items went into records or rejections, and gives the records."""
    pages = list(pages)
    records = [record for page in pages for record in page.records]
    rejections = [rejection for page in pages for rejection in page.rejections]
    reasons = Counter(rejection.reason for rejection in rejections)
    abstracts = sum(record.abstract is not None for record in records)
    print(f"\n{what}: {items} items = {len(records)} records ({abstracts} with abstract) + {len(rejections)} rejected")
    for reason, count in reasons.most_common():
        print(f"  {count} x {reason}")
    assert items == len(records) + len(rejections) == sum(page.found for page in pages)
    assert all(rejection.reason and rejection.excerpt for rejection in rejections)
    return records


def abstracts(records: Iterable[SourceRecord]) -> int:
    return sum(record.abstract is not None for record in records)


# OpenAlex


def works_of(answers: Path, build: str) -> Iterator[list[dict[str, Any]]]:
    for archive in sorted((answers / "openalex-synergy").glob(f"*/{build}")):
        with ZipFile(archive) as file:
            for member in file.namelist():
                yield json.loads(file.read(member))


@lru_cache(maxsize=2)
def synergy(answers: Path, build: str) -> tuple[list[Page], int]:
    lists = list(works_of(answers, build))
    pages = [openalex.read_works({"meta": {"count": len(works)}, "results": works}) for works in lists]
    return pages, sum(len(works) for works in lists)


def test_every_recorded_list_of_openalex_is_read(answers):
    pages, items, refused = [], 0, Counter()
    for exchange in exchanges(answers, "openalex-openalexPro"):
        path, _, asked = exchange["uri"].removeprefix("https://api.openalex.org/").partition("?")
        if exchange["status"] != 200:
            with pytest.raises(SourceRefused) as caught:
                first_page(OpenAlex, exchange)
            refused[caught.value.detail[:70]] += 1
        elif path == "works" and "group_by" not in asked:
            pages.append(first_page(OpenAlex, exchange))
            items += len(json.loads(exchange["body"])["results"])
    records = account("OpenAlex 2026", pages, items)
    print(f"  {sum(refused.values())} refusals: {dict(refused)}")
    assert (len(pages), items, sum(refused.values())) == (12, 55, 9)
    assert abstracts(records) == 42
    # Lists asked with select=ids have nothing but identifiers, and are records still.
    assert sum(record.title is None for record in records) == 4
    assert Counter(record.language for record in records) == {"en": 50, None: 4, "de": 1}
    assert any("x-ratelimit-remaining-usd" in page.quota for page in pages)
    assert sum(page.cursor is None and page.found == 0 for page in pages) == 1


@pytest.mark.parametrize(("build", "items", "with_abstract"), [(MARCH, 3944, 3154), (APRIL, 3945, 3688)])
def test_every_work_of_synergy_is_read(answers, build, items, with_abstract):
    pages, found = synergy(answers, build)
    records = account(f"OpenAlex SYNERGY {build}", pages, found)
    assert found == items == len(records)
    # One work's index holds nothing but the pieces of an empty tag.
    assert abstracts(records) == with_abstract
    works = {work["id"]: work for works in works_of(answers, build) for work in works}
    assert len(works) == items - 1
    assert len({record.source_id for record in records}) == items - 1
    assert sum(record.title is None for record in records) == 11
    assert sum(len(record.notices) for record in records) == 1
    assert sum((record.published or "") < "2018" for record in records) == (2829 if build == MARCH else 2830)
    assert all(record.identifiers.openalex and record.published for record in records)


def test_no_markup_is_left_in_a_title_of_synergy(answers):
    pages, _ = synergy(answers, APRIL)
    titles = [record.title for page in pages for record in page.records if record.title]
    assert not [title for title in titles if "<" in title or "&lt;" in title or "&amp;" in title]
    glued = "An<i>in vitro</i>FcRn- dependent transcytosis assay"
    assert any(work["title"] and glued in work["title"] for works in works_of(answers, APRIL) for work in works)
    assert any(title.startswith("An in vitro FcRn- dependent transcytosis assay") for title in titles)
    assert any("of rFVIIa " in title for title in titles)
    assert not [title for title in titles if "\u00ad" in title]


def test_a_content_hash_tells_news_where_the_stamp_does_not(answers):
    march, april = (
        {record.source_id: record for page in synergy(answers, build)[0] for record in page.records}
        for build in (MARCH, APRIL)
    )
    both = march.keys() & april.keys()
    restamped = {key for key in both if march[key].updated != april[key].updated}
    changed = {key for key in both if march[key].content_hash != april[key].content_hash}
    gained = {key for key in both if not march[key].abstract and april[key].abstract}
    print(
        f"\n{len(both)} works twice: {len(restamped)} with another stamp, {len(changed)} with other content "
        f"({len(changed - restamped)} of them with the old stamp), {len(gained)} with an abstract that came later"
    )
    assert changed - restamped
    assert restamped - changed
    assert gained <= changed
    assert len(gained) > 500


def test_every_distinct_work_of_synergy_walks_through_the_replay_once(answers):
    pages, _ = synergy(answers, APRIL)
    known = {record.source_id: record for page in pages for record in page.records}
    corpus = OpenAlexWorksCorpus(answers / "openalex-synergy")
    with ReplayServer(replay_app(corpus)) as server, httpx.Client() as client:
        source = OpenAlex(Access(f"{server.url}/openalex"), client, sleep=lambda seconds: None)
        walked = list(source.pages(EVER))
    records = account("OpenAlex SYNERGY through the replay", walked, sum(page.found for page in walked))
    assert len(records) == 3944
    assert {record.source_id for record in records} == known.keys()
    assert {page.reported for page in walked} == {3944}
    assert [page.found for page in walked[-3:]] == [100, 44, 0]
    # The API of today does not select the host_venue of 2023, so what it says of venues may be missing, and no more.
    for record in records:
        of_venue = {"venue": None, "issns": []}
        assert record.model_copy(update=of_venue) == known[record.source_id].model_copy(update=of_venue)
        assert record.venue in {known[record.source_id].venue, None}


def test_a_window_of_publication_dates_cuts_synergy_in_two(answers):
    corpus = OpenAlexWorksCorpus(answers / "openalex-synergy", f"*/{APRIL}")
    with ReplayServer(replay_app(corpus)) as server, httpx.Client() as client:
        source = OpenAlex(Access(f"{server.url}/openalex"), client, sleep=lambda seconds: None)
        old = next(source.pages(EVER.model_copy(update={"until": date(2017, 12, 31)})))
        new = next(source.pages(EVER.model_copy(update={"since": date(2018, 1, 1)})))
        words = Query(text='title.search:"cerebral palsy" AND NOT baclofen', since=EVER.since, until=EVER.until)
        titles = [record.title.lower() for page in source.pages(words) for record in page.records]
    assert (old.reported, new.reported) == (2830, 1114)
    assert titles
    assert all("cerebral palsy" in title and "baclofen" not in title for title in titles)


# Crossref


def test_every_recorded_list_of_crossref_is_read(answers):
    pages, items, errors = [], 0, Counter()
    for exchange in exchanges(answers, "crossref-habanero", "mixed-ropensci-fulltext"):
        if "//api.crossref.org/" not in exchange["uri"] or "/transform" in exchange["uri"]:
            continue
        if exchange["status"] != 200:
            with pytest.raises((SourceRefused, SourceDrifted, SourceUnavailable)) as caught:
                first_page(Crossref, exchange)
            errors[type(caught.value).__name__] += 1
            continue
        body = json.loads(exchange["body"])
        if body["message-type"] == "work-list":
            pages.append(first_page(Crossref, exchange))
            items += len(body["message"]["items"])
        else:
            with pytest.raises(SourceDrifted, match="not a work-list"):
                first_page(Crossref, exchange)
    records = account("Crossref", pages, items)
    print(f"  errors: {dict(errors)}")
    assert (len(pages), items) == (47, 850)
    # One of the 192 abstracts is the word "Abstract" and nothing else.
    assert abstracts(records) == 191
    reasons = Counter(rejection.reason for page in pages for rejection in page.rejections)
    assert reasons == {
        "it is a part of a work (a figure, table or supplement)": 32,
        "it is an issue of a journal, not a work in it": 28,
        "it is a journal, not a work in it": 2,
    }
    assert errors == {"SourceDrifted": 23, "SourceRefused": 17, "SourceUnavailable": 1}
    assert {"public", "polite"} >= {page.quota.get("x-api-pool") for page in pages} - {None}


def test_every_recorded_abstract_of_crossref_keeps_its_words(answers):
    checked = 0
    for exchange in exchanges(answers, "crossref-habanero", "mixed-ropensci-fulltext"):
        if exchange["status"] != 200 or '"work-list"' not in exchange["body"]:
            continue
        for item in json.loads(exchange["body"])["message"]["items"]:
            if raw := item.get("abstract"):
                record = _one(crossref.read_items, item)
                bare = html.unescape("".join(fromstring(_declared(raw)).itertext()))
                # One deposit escaped its tags.
                bare = re.sub("</?(?:p|em|strong)(?: align=.center.)?>", "", bare)
                seen = re.sub("^(abstract|summary)", "", _letters(bare), flags=re.IGNORECASE)
                assert _letters(record.abstract or "") == seen
                assert "<" not in (record.abstract or "") or "<" in bare
                checked += 1
    assert checked == 192


def crossref_works(answers: Path) -> dict[str, SourceRecord]:
    bodies = [
        json.loads(exchange["body"])
        for exchange in exchanges(answers, "crossref-habanero", "mixed-ropensci-fulltext")
        if exchange["status"] == 200 and '"work-list"' in exchange["body"]
    ]
    return {record.source_id: record for body in bodies for record in crossref.read_items(body).records}


#: What no plain text has: tags, entities, characters that nobody sees, commands of TeX.
MARKUP = re.compile(
    r"</?(?:jats:|mml:)?(?:i|b|em|p|sup|sub|scp|sc|italic|bold|title|sec|h4|math|m[a-z]+)\b[^<>]*>"
    "|&(?:[a-z]{2,6}|#[0-9]+);|[\u00ad\u200b\ufeff]|\\\\[a-z]+\\{"
)


def test_no_markup_is_left_in_recorded_texts(answers):
    records = [*crossref_works(answers).values()]
    records += [record for page in harvests(answers).values() for record in page.records]
    for name in ("search_cancer_core.json", "search_1000results_cancer.json.gz", "fetch_10pages_cancer.json.gz"):
        records += [record for body in results_of(answers, name) for record in europepmc.read_results(body).records]
    texts = [text for record in records for text in (record.title, record.abstract, *record.other_titles) if text]
    print(f"\n{len(texts)} titles and abstracts of {len(records)} records")
    assert len(texts) > 3_000
    assert [found[0] for text in texts if (found := MARKUP.search(text))] == []


def test_recorded_dates_of_crossref_are_the_earliest_known(answers):
    """Of 67 works that were online before they were in print the issue's date was later, or less precise."""
    works, earlier = crossref_works(answers), 0
    for exchange in exchanges(answers, "crossref-habanero", "mixed-ropensci-fulltext"):
        if exchange["status"] != 200 or '"work-list"' not in exchange["body"]:
            continue
        for item in json.loads(exchange["body"])["message"]["items"]:
            record = works.get(str(item.get("DOI")).lower())
            online = (item.get("published-online") or {}).get("date-parts", [[None]])[0]
            if record and online[0] and record.published:
                printed = (item.get("published-print") or {}).get("date-parts", [[None]])[0]
                shared = min(len(online), len(printed))
                if printed[0] and online[:shared] < printed[:shared]:
                    assert record.published.startswith("-".join(f"{part:02}" for part in online))
                    earlier += 1
    undated = [record for record in works.values() if not record.published]
    print(f"\n{earlier} items were online first; {len(undated)} of {len(works)} works have no date")
    assert earlier > 50
    # Those were asked for without their dates.
    assert len(undated) == 20
    assert works["10.31390/gradschool_theses.6125"].published == "2025-04-01"


def test_recorded_single_works_of_crossref_are_read(answers):
    works = [
        json.loads(exchange["body"])["message"]
        for exchange in exchanges(answers, "crossref-habanero", "mixed-ropensci-fulltext")
        if exchange["status"] == 200 and '"message-type":"work",' in exchange["body"]
    ]
    works += [json.loads(path.read_text())["message"] for path in sorted((answers / "mixed-colrev/crossref").iterdir())]
    body = {"message-type": "work-list", "message": {"total-results": len(works), "items": works}}
    records = account("Crossref single works", [crossref.read_items(body)], len(works))
    assert len(records) == len(works) > 40
    assert Counter(notice.kind for record in records for notice in record.notices)["correction"] > 0


def _one(read: Callable[[Any], Page], item: Any) -> SourceRecord:
    return read({"message-type": "work-list", "message": {"total-results": 1, "items": [item]}}).records[0]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _declared(raw: str) -> str:
    return f'<a xmlns:jats="urn:jats" xmlns:mml="urn:mml" xmlns:xlink="urn:xlink">{raw}</a>'


# PubMed


def harvests(answers: Path) -> dict[str, Page]:
    """The three harvests of following days, their XML made again out of the JSON of xmltodict."""
    pages = {}
    for path in sorted((answers / "pubmed-createadrln").glob("efetch_*.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            root = _xml("PubmedArticleSet", json.load(file)["PubmedArticleSet"])
        pages[path.name.split(".")[0]] = pubmed.read_articles(fromstring(tostring(root)))
    return pages


def _xml(tag: str, value: Any) -> Element:
    """Undoes xmltodict; only the order of text and inline tags within one element is lost for good."""
    element = Element(tag)
    if not isinstance(value, dict):
        element.text = value
        return element
    for name, inner in value.items():
        if name.startswith("@"):
            element.set(name[1:], inner)
        elif name == "#text":
            element.text = inner
        else:
            element.extend(_xml(name, each) for each in (inner if isinstance(inner, list) else [inner]))
    return element


def test_every_recorded_citation_of_pubmed_is_read(answers):
    paths = sorted((answers / "pubmed-biopython/Entrez").glob("pubmed*.xml"))
    paths.append(answers / "pubmed-titipata/pubmed-29768149.xml")
    roots = [fromstring(path.read_bytes()) for path in paths]
    records = account("PubMed XML", map(pubmed.read_articles, roots), sum(len(root) for root in roots))
    assert len(records) == 9
    assert abstracts(records) == 8
    one = next(record for record in records if record.source_id == "29963580")
    assert one.identifiers.model_dump() == {
        "doi": "10.1117/1.jmi.5.2.026002",
        "pmid": "29963580",
        "pmcid": "PMC6022861",
        "openalex": None,
    }


def test_every_harvest_of_pubmed_is_read(answers):
    pages = harvests(answers)
    records = account("PubMed harvests", pages.values(), 300)
    assert [abstracts(page.records) for page in pages.values()] == [92, 89, 90]
    assert all(record.title and record.published and record.entered for record in records)
    assert sum(bool(record.other_titles) for record in records) == 3
    assert sum(record.notices != [] for record in records) == 6
    assert all(record.kind == "notice" for record in records if record.notices)


def test_a_moving_window_brings_the_same_citations_again_and_nothing_new_in_them(answers):
    first, second, third = (
        {record.source_id: record.content_hash for record in page.records} for page in harvests(answers).values()
    )
    assert len(first.keys() & second.keys()) == 52
    assert len(first.keys() & third.keys()) == 51
    assert len(second.keys() & third.keys()) == 99
    assert all(second[key] == third[key] for key in second.keys() & third.keys())


@pytest.mark.parametrize("name", ["esearch1.xml", "pubmed3.html", "epost2.xml", "esummary1.xml", "efetch_pmc.xml"])
def test_recorded_answers_of_another_kind_are_no_empty_results(answers, name):
    body = (answers / "pubmed-biopython/Entrez" / name).read_text()
    media_type = "text/html" if name.endswith("html") else "text/xml"
    exchange = {"status": 200, "headers": {"content-type": media_type}, "body": body}
    with pytest.raises(SourceDrifted, match="JSON was expected"):
        first_page(PubMed, exchange)
    if not name.endswith("html"):
        with pytest.raises((pubmed.Malformed, pubmed.Refused)):
            pubmed.read_articles(fromstring(body))


def test_a_recorded_uri_too_long_is_a_refusal(answers):
    (exchange,) = [each for each in exchanges(answers, "mixed-ropensci-fulltext") if each["status"] == 414]
    with pytest.raises(SourceRefused, match="HTTP 414"):
        first_page(PubMed, exchange)


# Europe PMC


def results_of(answers: Path, name: str) -> list[dict[str, Any]]:
    path = answers / "europepmc-pyeuropepmc" / name
    raw = path.read_bytes()
    body = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    return body if isinstance(body, list) else [body]


@pytest.mark.parametrize(
    ("name", "items", "with_abstract", "with_title"),
    [
        ("search_cancer_core.json", 25, 21, 25),
        ("search_cancer.json", 25, 0, 25),
        ("search_cancer_idlist.json", 25, 0, 0),
        ("search_cancer_page2.json", 5, 0, 5),
        ("search_no_results.json", 0, 0, 0),
        ("search_1000results_cancer.json.gz", 1000, 0, 1000),
        ("fetch_10pages_cancer.json.gz", 1000, 0, 1000),
    ],
)
def test_every_recorded_list_of_europe_pmc_is_read(answers, name, items, with_abstract, with_title):
    bodies = results_of(answers, name)
    assert sum(len(body["resultList"]["result"]) for body in bodies) == items
    pages = [
        first_page(
            EuropePMC, {"status": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
        )
        for body in bodies
    ]
    records = account(f"Europe PMC {name}", pages, items)
    assert abstracts(records) == with_abstract
    assert sum(record.title is not None for record in records) == with_title
    assert len({record.source_id for record in records}) == items
    if items == 1000:
        assert Counter(record.source_id.partition(":")[0] for record in records) == {"MED": 923, "PMC": 53, "PPR": 24}


def test_ten_recorded_pages_of_europe_pmc_have_ten_marks(answers):
    marks = [europepmc.read_results(body).cursor for body in results_of(answers, "fetch_10pages_cancer.json.gz")]
    assert len(set(marks)) == 10
    (nothing,) = results_of(answers, "search_no_results.json")
    assert europepmc.read_results(nothing).cursor is None


def test_the_xml_form_of_a_recorded_list_says_the_same_as_the_json_form(answers):
    root = fromstring((answers / "europepmc-pyeuropepmc/search_cancer.xml").read_bytes())
    results = [{field.tag: field.text for field in result if not len(field)} for result in root.iter("result")]
    from_xml = europepmc.read_results({"hitCount": len(results), "resultList": {"result": results}})
    (body,) = results_of(answers, "search_cancer.json")
    assert account("Europe PMC XML", [from_xml], 25) == europepmc.read_results(body).records


@pytest.mark.parametrize("name", ["search_cancer.xml", "search_cancer_dc.xml"])
def test_a_recorded_form_we_never_ask_for_is_drift(answers, name):
    body = (answers / "europepmc-pyeuropepmc" / name).read_text()
    exchange = {"status": 200, "headers": {"content-type": "application/xml"}, "body": body}
    with pytest.raises(SourceDrifted, match="JSON was expected, application/xml came"):
        first_page(EuropePMC, exchange)


# Notices


def test_no_ordinary_work_is_taken_for_a_notice_by_its_title(answers):
    """Of all recorded works of PubMed, Europe PMC and SYNERGY, the sources' own types tell which are notices."""
    titles: dict[str, tuple[str | None, str | None]] = {}
    notices: dict[str, str | None] = {}
    known = [record for page in synergy(answers, APRIL)[0] for record in page.records]
    known += [record for page in harvests(answers).values() for record in page.records]
    for name in ("search_cancer_core.json", "search_1000results_cancer.json.gz", "fetch_10pages_cancer.json.gz"):
        for body in results_of(answers, name):
            known += europepmc.read_results(body).records
            for result in body["resultList"]["result"]:
                types = {*(result.get("pubType") or "").split("; ")}
                types |= {*(result.get("pubTypeList") or {}).get("pubType", [])}
                if any(re.search("erratum|correction|retraction|concern", each.lower()) for each in types):
                    notices[f"europepmc MED:{result['id']}"] = result["title"]
    for record in known:
        titles[f"{record.source} {record.source_id}"] = (record.title, record.abstract)
        if record.kind == "notice" and record.source == "pubmed":
            notices[f"pubmed {record.source_id}"] = record.title
    said = {key: titled for key, (title, abstract) in titles.items() if (titled := of_title(title, abstract))}
    print(f"\n{len(titles)} works, {len(notices)} of them notices; {len(said)} say so in their title")
    assert len(titles) > 5_000
    # OpenAlex of 2023 has no type for notices; it holds one.
    assert {titles[key][0] for key in said.keys() - notices.keys()} == {"Department of Error"}
    # And one title says it in words of its own.
    assert len(notices.keys() - said.keys()) == 1
    assert {titled.kind for titled in said.values()} == {"correction", "retraction"}
    assert not any(titled.of_itself for titled in said.values())


def test_recorded_notices_name_the_works_they_strike(answers):
    (core,) = results_of(answers, "search_cancer_core.json")
    struck = [notice for record in europepmc.read_results(core).records for notice in record.notices]
    assert [(notice.kind, notice.of and notice.of.pmid, notice.of and notice.of.doi) for notice in struck] == [
        ("correction", "39293462", "10.1016/s0140-6736(24)01653-2"),
        ("correction", "39971854", "10.1007/s10120-025-01593-y"),
    ]


# Errors that others have quoted


def test_every_quoted_error_is_an_error(answers):
    makes = {
        "openalex": OpenAlex,
        "crossref": Crossref,
        "europepmc": EuropePMC,
        "pubmed": PubMed,
        "pubmed-esearch": PubMed,
    }
    seen = Counter()
    for line in (answers / "errors-quoted/errors.jsonl").read_text().splitlines():
        quoted = json.loads(line)
        make = makes.get(quoted["api"])
        if make is None or "not an error" in quoted.get("note", ""):
            continue
        with pytest.raises((SourceUnavailable, SourceRefused, SourceDrifted)) as caught:
            first_page(make, quoted)
        seen[f"{quoted['api']} {quoted['status']}: {type(caught.value).__name__}"] += 1
        if quoted["headers"].get("Retry-After"):
            assert caught.value.retry_after == float(quoted["headers"]["Retry-After"])
    print(f"\n{dict(seen)}")
    assert seen == {
        "openalex 429: SourceUnavailable": 1,
        "crossref 429: SourceUnavailable": 1,
        "europepmc 200: SourceRefused": 2,
        "europepmc 503: SourceUnavailable": 1,
        "pubmed 429: SourceUnavailable": 1,
        "pubmed-esearch 200: SourceUnavailable": 1,
    }
