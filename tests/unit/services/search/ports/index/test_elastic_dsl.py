"""Documents in Elasticsearch's JSON and back, and the marks it puts into folded text."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.search.domain import Document, Notice, Screening
from services.search.ports.index.elastic_dsl import body, mapping, to_document, to_source
from services.search.ports.index.elastic_pieces import mapping_of_pieces
from services.search.ports.index.port import Query
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import sought
from services.search.ports.index.words import Words
from shared.events.ingest import Bibliography

_text = st.none() | st.text(max_size=20)
ENGLISH = Words("english")
UNKEPT = ["words", "written", "found_in"]


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
        title=title, abstract=abstract, authors=authors, venue=venue, kind=kind, published=published,
        volume=kind or None, editors=authors,
    )  # fmt: skip
    document = Document(
        record="r",
        review="v",
        revision=3,
        bibliography=bibliography,
        screening_revision=2,
        screening=Screening(status, None, reason),  # type: ignore[arg-type]
        notices=(Notice("notice_1", "retraction", "pubmed", reason or "", drill=bool(venue)),),
    )

    kept = {name: value for name, value in to_source(document, ENGLISH).items() if name not in UNKEPT}
    assert to_document(kept, "seen") == document
    assert to_document(kept, "seen").seen == "seen"


def test_the_words_are_sent_and_not_kept() -> None:
    described = Bibliography(title="Leading teams", authors=["Häkkinen Ø", "Stein K"])
    source = to_source(Document(record="r", review="v", revision=1, bibliography=described), Words("standard"))

    authors = "hakkinen o ¦ stein k"
    assert source["words"] == {
        "title": "leading teams", "abstract": "", "authors": authors, "venue": "",
        "heads": f"leading teams ¦ {authors} ¦",
    }  # fmt: skip
    assert "written" not in source
    pieces = ["piece.words", "piece.written"]
    assert mapping("standard", "x", mapping_of_pieces)["_source"] == {"excludes": [*UNKEPT, *pieces]}


def test_where_words_count_by_their_stems_they_are_also_sent_as_they_are_written_once() -> None:
    described = Bibliography(title="Leading teams lead, leading", authors=["Stein K"])
    source = to_source(Document(record="r", review="v", revision=1, bibliography=described), ENGLISH)

    assert source["words"]["title"] == "lead team lead lead"
    assert source["written"]["title"] == "leading teams lead"


def test_a_record_without_notices_is_found_by_what_it_lacks() -> None:
    asked = body(Query(review="v", notice=("none", "correction"), facets=("notice",)), Everything(), ENGLISH)

    assert asked["query"]["bool"]["filter"][-1] == {
        "bool": {
            "should": [
                {"terms": {"notice": ["none", "correction"]}},
                {"bool": {"must_not": {"exists": {"field": "notice"}}}},
            ],
            "minimum_should_match": 1,
        }
    }
    assert asked["aggs"]["notice"]["terms"]["missing"] == "none"


def test_a_tombstone_is_not_listed() -> None:
    assert "listed" not in to_source(Document(record="r", review="v", revision=2), ENGLISH)


def looked_for(text: str) -> list[dict[str, Any]]:
    """What of a text is looked for, beside the conditions that are not scored."""
    must: list[dict[str, Any]] = body(Query(review="v", text=text), sought(text), ENGLISH)["query"]["bool"]["must"]
    return must


def any_of(*some: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(some), "minimum_should_match": 1}}


def term(field: str, word: str, boost: float = 1) -> dict[str, Any]:
    return {"term": {f"words.{field}": {"value": word, "boost": boost}}}


def phrase(field: str, words: str) -> dict[str, Any]:
    return {"match_phrase": {f"words.{field}": {"query": words, "boost": 1}}}


def test_a_word_is_looked_for_by_its_stem_and_a_beginning_among_written_words() -> None:
    beginning = any_of({"prefix": {"written.title": "integrat"}})

    assert looked_for("title:leading title:integrat*") == [
        {"bool": {"must": [term("title", "lead"), beginning], "must_not": []}}
    ]


def test_a_find_in_the_title_adds_to_what_is_wanted_alone() -> None:
    wanted = {"dis_max": {"queries": [term("heads", "roof"), term("abstract", "roof")]}}
    unwanted = {"dis_max": {"queries": [term("heads", "wood"), term("abstract", "wood")]}}

    assert looked_for("roof -wood") == [
        {"bool": {"must": [any_of(wanted, term("title", "roof", boost=2))], "must_not": [unwanted]}}
    ]


def test_a_word_in_two_is_looked_for_without_scores_and_words_as_they_were_asked_for_are_scored() -> None:
    in_two = any_of(phrase("title", "lead ership"), phrase("title", "lead rship"), phrase("title", "leader ship"))

    assert looked_for("title:leadership") == [
        any_of(term("title", "leadership"), {"constant_score": {"filter": in_two}})
    ]
    assert looked_for('title:roof OR title:"slant roof"') == [
        any_of(term("title", "roof"), any_of(phrase("title", "slant roof"), term("title", "slantroof")))
    ]
