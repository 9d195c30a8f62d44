"""Reading: an item is read by itself, whatever it is, and its neighbours never pay for it."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from services.ingest.ports.sources import crossref, europepmc, openalex, pubmed
from services.ingest.ports.sources.http import Access
from services.ingest.ports.sources.port import Page, Rejection, SourceDrifted, SourceRecord
from services.ingest.ports.sources.reading import Reader
from tests.unit.services.ingest.ports.sources.wire import Net, json_reply, query, text_reply

JSON = {"content-type": "application/json"}


def page_of(name: str, *titles: bytes) -> httpx.Response:
    """A source's page of works with these titles, as the bytes between the quotes."""
    if name == "crossref":
        items = [b'{"DOI": "10.5555/%d", "title": ["%s"]}' % (n, title) for n, title in enumerate(titles)]
        body = b'{"message-type": "work-list", "message": {"total-results": 2, "next-cursor": "z", "items": [%s]}}'
    elif name == "openalex":
        items = [b'{"id": "https://openalex.org/W1%d", "title": "%s"}' % (n, title) for n, title in enumerate(titles)]
        body = b'{"meta": {"count": 2, "next_cursor": null}, "results": [%s]}'
    else:
        items = [b'{"source": "MED", "id": "1%d", "title": "%s"}' % (n, title) for n, title in enumerate(titles)]
        body = b'{"hitCount": 2, "resultList": {"result": [%s]}}'
    return httpx.Response(200, content=body % b", ".join(items), headers=JSON)


OPEN = {"crossref": crossref.Crossref, "openalex": openalex.OpenAlex, "europepmc": europepmc.EuropePMC}


def pages(name: str, *replies: httpx.Response) -> list[Page]:
    net = Net(*replies)
    source = {**OPEN, "pubmed": pubmed.PubMed}[name](Access("https://source.test"), net.client, **net.timing)
    return list(source.pages(query()))


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize("bad", [rb"a \ud83d b", b"a \xff b", b"a \x01 b", rb"a \udfff b"])
def test_a_character_that_is_none_costs_neither_its_item_nor_the_page(name, bad):
    (page,) = pages(name, page_of(name, b"Sound", bad))

    assert [record.title for record in page.records] in (["Sound", "a \ufffd b"], ["Sound", "a b"])
    assert "it was read with U+FFFD" in page.remarks[0]


@pytest.mark.parametrize("bad", [b"\x0b", b"&#x1f;", b"&#xD83D;", "\ufffe".encode(), b"\xff", b"&bogus;"])
def test_a_character_that_is_no_xml_costs_neither_its_item_nor_the_page(bad):
    article = "<PubmedArticle><MedlineCitation><PMID>{}</PMID><Article><ArticleTitle>{}</ArticleTitle></Article>"
    article += "</MedlineCitation></PubmedArticle>"
    body = f"<PubmedArticleSet>{article.format(1, 'Sound')}{article.format(2, 'a BAD b')}</PubmedArticleSet>"
    found = json_reply({"esearchresult": {"count": "2", "idlist": ["1", "2"]}})
    reply = httpx.Response(200, content=body.encode().replace(b"BAD", bad), headers={"content-type": "text/xml"})

    (page,) = pages("pubmed", found, reply)

    assert [record.source_id for record in page.records] == ["1", "2"]
    assert page.records[0].title == "Sound"
    assert "is not sound XML" in page.remarks[0]


@pytest.mark.parametrize("name", OPEN)
def test_a_page_that_is_cut_off_is_drift_and_not_mended(name):
    whole = page_of(name, b"Sound", b"Cut \xff")
    with pytest.raises(SourceDrifted, match="not JSON"):
        pages(name, httpx.Response(200, content=whole.content[:-5], headers=JSON))


def test_a_page_of_another_kind_is_drift_whatever_its_characters():
    with pytest.raises(SourceDrifted):
        pages("crossref", text_reply("<html>\x01\ufffe</html>", "application/json"))


@pytest.mark.parametrize("total", [-1, 2**31, 10**18, True, 3.0, "3", None])
@pytest.mark.parametrize("name", OPEN)
def test_a_count_that_is_none_is_drift(name, total):
    body = orjson.loads(page_of(name, b"Sound").content)
    holder, field = {
        "crossref": ("message", "total-results"), "openalex": ("meta", "count"), "europepmc": (None, "hitCount"),
    }[name]  # fmt: skip
    (body[holder] if holder else body)[field] = total
    with pytest.raises(SourceDrifted):
        pages(name, json_reply(body))


@pytest.mark.parametrize("count", ["-1", "²", "9" * 5000, "many", 2, None])
def test_a_count_in_no_digits_is_drift(count):
    with pytest.raises(SourceDrifted):
        pages("pubmed", json_reply({"esearchresult": {"count": count, "idlist": []}}))


def reading(*items: Any, raising: Exception | None = None) -> Page:
    def read(item: Any, reader: Reader) -> SourceRecord | Rejection:
        if item == "bad" and raising:
            raise raising
        return reader.record(item, source_id=str(reader.position), title=str(item))

    return Reader("crossref", read).page(list(items))


@pytest.mark.parametrize(
    "error", [OverflowError("too large"), RecursionError("too deep"), ValueError("9" * 10_000), KeyError("\x00\n")]
)
def test_whatever_reading_an_item_raises_is_its_rejection(error):
    page = reading("one", "bad", "two", raising=error)

    assert [record.title for record in page.records] == ["one", "two"]
    (rejection,) = page.rejections
    assert rejection.position == 1
    assert type(error).__name__ in rejection.reason
    assert len(rejection.reason) < 500 and rejection.reason.isprintable()


def test_an_item_that_cannot_even_be_shown_is_rejected_all_the_same():
    endless: list[Any] = []
    for _ in range(3_000):
        endless = [endless]

    def read(item: Any, reader: Reader) -> SourceRecord | Rejection:
        return reader.reject(item, None, "it is nothing")

    (rejection,) = Reader("crossref", read).page([endless]).rejections

    assert "cannot be shown" in rejection.excerpt


def record(**fields: Any) -> SourceRecord | Rejection:
    def read(item: Any, reader: Reader) -> SourceRecord | Rejection:
        return reader.record(item, **{"source_id": "1", "title": "Care", **fields})

    page = Reader("crossref", read).page([{}])
    return (page.records + page.rejections)[0]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"title": "x" * 5_000_000}, "its title is longer"),
        ({"abstract": "x" * 200_001}, "its abstract is longer"),
        ({"venue": "x" * 2_001}, "its venue is longer"),
        ({"source_id": "x" * 301}, "its source_id is longer"),
        ({"authors": ["x"] * 20_001}, "more than 20000 authors"),
        ({"authors": ["x" * 1_001]}, "an author's name of more than 1000"),
        ({"authors": ["x" * 900] * 600}, "characters together"),
        ({"notices": [{"kind": "correction"}] * 501}, "more than 500 notices"),
    ],
)
def test_a_field_that_would_burst_a_message_or_an_index_is_a_rejection(fields, why):
    rejected = record(**fields)

    assert isinstance(rejected, Rejection)
    assert why in rejected.reason


def test_ten_thousand_authors_are_a_record():
    assert len(record(authors=["Okoye, Ada"] * 10_000).authors) == 10_000


def test_titles_beside_the_title_that_cannot_be_titles_are_left_out():
    read = record(other_titles=["x" * 5_001, *(f"Care {number}" for number in range(50))])

    assert read.other_titles == [f"Care {number}" for number in range(20)]


def test_a_date_that_is_a_placeholder_is_remarked_with_what_the_source_said():
    item = {"DOI": "10.5555/x", "type": "journal-article", "title": ["Care"], "issued": {"date-parts": [[9999, 12]]}}
    body = {"message-type": "work-list", "message": {"total-results": 1, "items": [item]}}

    page = crossref.read_items(body)

    assert page.records[0].published is None
    assert page.remarks == ["10.5555/x: [9999, 12] is no date we can use"]


def test_a_better_date_beside_a_placeholder_is_taken():
    dates = {"issued": {"date-parts": [[0]]}, "published-online": {"date-parts": [[2020, 2]]}}
    item = {"DOI": "10.5555/x", "type": "journal-article", "title": ["Care"]} | dates
    body = {"message-type": "work-list", "message": {"total-results": 1, "items": [item]}}

    assert crossref.read_items(body).records[0].published == "2020-02"


def test_a_page_full_of_placeholders_makes_a_few_remarks():
    item = {"type": "journal-article", "title": ["Care"], "issued": {"date-parts": [[9999]]}}
    items = [item | {"DOI": f"10.5555/{number}"} for number in range(200)]
    body = {"message-type": "work-list", "message": {"total-results": 200, "items": items}}

    assert len(crossref.read_items(body).remarks) == 20


@pytest.mark.parametrize("name", ["crossref", "openalex", "europepmc"])
def test_a_cursor_longer_than_any_place_is_drift(name):
    field = {"crossref": b'"z"', "openalex": b"null", "europepmc": b'"hitCount": 2'}[name]
    long = b'"%s"' % (b"z" * 2_001)
    put = b'"hitCount": 2, "nextCursorMark": ' + long if name == "europepmc" else long
    reply = page_of(name, b"Sound")
    body = reply.content.replace(field, put)

    with pytest.raises(SourceDrifted, match="cursor"):
        pages(name, httpx.Response(200, content=body, headers=JSON))


@pytest.mark.parametrize("said", ["²", "9" * 400, "-1", "soon", ""])
def test_a_pace_that_is_none_leaves_the_pace_as_it_is(said):
    reply = page_of("crossref", b"Sound", b"Sound too")
    for header in (b"x-rate-limit-limit", b"x-rate-limit-interval"):
        reply.headers.raw.append((header, said.encode("latin-1")))

    assert len(pages("crossref", reply)) == 1
