"""Documents in Elasticsearch's JSON and back, and the marks it puts into folded text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.search.domain import Document, Notice, Screening
from services.search.ports.index.elastic_dsl import mapping, marked, search_body, to_document, to_source
from services.search.ports.index.highlight import CLOSING, OPENING
from services.search.ports.index.port import Query
from services.search.ports.index.query import parse
from shared.events.ingest import Bibliography

_text = st.none() | st.text(max_size=20)


@given(
    title=_text,
    abstract=_text,
    authors=st.lists(st.text(max_size=8), max_size=3),
    venue=_text,
    kind=_text,
    published=st.sampled_from([None, "2019", "2019-04-01"]),
    status=st.sampled_from(["screening", "included", "excluded"]),
    reason=_text,
)
def test_a_document_comes_back_as_it_went(
    title: str, abstract: str, authors: list[str], venue: str, kind: str, published: str, status: str, reason: str
) -> None:
    bibliography = Bibliography(
        title=title, abstract=abstract, authors=authors, venue=venue, kind=kind, published=published
    )
    document = Document(
        record="r",
        review="v",
        revision=3,
        bibliography=bibliography,
        screening_revision=2,
        screening=Screening(status, None, reason),  # type: ignore[arg-type]
        notices=(Notice("notice_1", "retraction", "pubmed", reason or "", drill=bool(venue)),),
    )

    assert to_document(to_source(document), "seen") == document
    assert to_document(to_source(document), "seen").seen == "seen"


def test_plain_text_is_stored_once() -> None:
    source = to_source(
        Document(record="r", review="v", revision=1, bibliography=Bibliography(title="Trust", abstract="Führung"))
    )

    assert (source["title"], source["abstract"], source["abstract_original"]) == ("Trust", "Fuhrung", "Führung")
    assert "title_original" not in source


def test_a_record_without_notices_is_found_by_what_it_lacks() -> None:
    body = search_body(Query(review="v", notice=("none", "correction"), facets=("notice",)), None, "standard")
    assert body["query"]["bool"]["filter"][-1] == {
        "bool": {
            "should": [
                {"terms": {"notice": ["none", "correction"]}},
                {"bool": {"must_not": {"exists": {"field": "notice"}}}},
            ],
            "minimum_should_match": 1,
        }
    }
    assert body["aggs"]["notice"]["terms"]["missing"] == "none"


def test_a_tombstone_is_not_listed() -> None:
    assert "listed" not in to_source(Document(record="r", review="v", revision=2))


def test_marks_in_the_folded_text_fit_the_original() -> None:
    document = Document(record="r", review="v", revision=1, bibliography=Bibliography(title="Gro\u0308ße & Führung"))

    highlight = {"title": [f"Große & {OPENING}Fuhrung{CLOSING}"]}

    assert marked(document, highlight) == {"title": ["Größe &amp; <mark>Führung</mark>"]}


def test_marks_of_stems_and_of_written_words_are_put_together() -> None:
    document = Document(record="r", review="v", revision=1, bibliography=Bibliography(title="leading trust"))

    highlight = {
        "title": [f"{OPENING}leading{CLOSING} trust"],
        "title.words": [f"leading {OPENING}trust{CLOSING}"],
    }

    assert marked(document, highlight) == {"title": ["<mark>leading</mark> <mark>trust</mark>"]}


def test_words_are_indexed_a_second_time_only_where_the_analyzer_stems() -> None:
    assert "fields" in mapping("english", "x")["properties"]["title"]
    assert "fields" not in mapping("standard", "x")["properties"]["title"]
    assert "fields" not in mapping("english", "x")["properties"]["authors"]


def test_a_beginning_is_looked_for_among_unstemmed_words() -> None:
    body = search_body(Query(review="v", text="title:integrat*"), parse("title:integrat*"), "english")

    assert body["query"]["bool"]["must"] == [
        {"bool": {"should": [{"prefix": {"title.words": "integrat"}}], "minimum_should_match": 1}}
    ]
    assert set(body["highlight"]["fields"]) == {"title", "title.words", "abstract", "abstract.words"}
