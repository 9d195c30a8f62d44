"""Says documents and queries in Elasticsearch's JSON, with core features only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from services.search.domain import NO_NOTICE, Document, Notice, Screening
from services.search.ports.index.cursor import position_of
from services.search.ports.index.port import FACET_SIZE, Query, as_number, earliest
from services.search.ports.index.query import Everything, Field
from services.search.ports.index.sought import AllOf, AnyOf, Beginning, Doi, Row, Sought, Without
from services.search.ports.index.telling import LEAST_RECORDS, LEAST_SHARED, MOST_TERMS, stop_words, texts_of
from services.search.ports.index.words import BAR, FORM, Words
from shared.events.ingest import Bibliography
from shared.paging import with_one_more

#: What is looked for in any field is looked for in these two: each field more is looked into for each spelling.
_ANYWHERE = ("heads", "abstract")
#: What a find in the title adds.
_TITLE = 2
_FIELDS = {"title": "title", "abstract": "abstract", "author": "authors", "venue": "venue"}
_KEYWORDS = {
    "year": "year",
    "source": "sources.source",
    "kind": "kind",
    "language": "language",
    "status": "status",
    "stage": "stage",
    "venue": "venue_name",
    "notice": "notice",
}
_KEYWORD = {"type": "keyword", "ignore_above": 1_000}
#: What is kept of a description as it is, beside the venue.
_KEPT = Bibliography.model_fields.keys() - {"venue", "provenance"}
#: What is empty in most, said outright: what is left out is copied deeply from its default, each time.
_EMPTY = {name: each.default for name, each in Bibliography.model_fields.items() if each.default in ([], {})}


def mapping(analyzer: str, name: str, pieces: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The explicit mapping; what it does not name is kept and not indexed.

    `words` has the texts as words of the index, and `written`, where they count by their stems, each word as it is:
    Elasticsearch splits both at blanks, and keeps neither. `heads` has title, authors and venue together. `found_in` is
    the review of what is listed.
    """
    names = ("title", "authors", "venue", *_ANYWHERE)
    words = {"type": "text", "analyzer": "whitespace"}
    written = words | {"index_options": "docs", "norms": False}
    return {
        "dynamic": False,
        "_meta": {"name": name, "analyzer": analyzer, "shape": FORM},
        "_source": {"excludes": ["words", "written", "found_in", "piece.words", "piece.written"]},
        "properties": {
            "words": {"properties": dict.fromkeys(names, words)},
            "written": {"properties": dict.fromkeys(names, written)},
            "found_in": {"type": "keyword"},
            "record": {"type": "keyword"},
            "review": {"type": "keyword"},
            "listed": {"type": "boolean"},
            "day": {"type": "integer"},
            **{name: _KEYWORD for name in ("year", "kind", "language", "status", "stage", "venue_name", "notice")},
            "identifiers": {"properties": {"doi": _KEYWORD}},
            "sources": {"properties": {"source": _KEYWORD}},
            "piece": pieces(words, written, _KEYWORD),
        },
    }


# -- documents -----------------------------------------------------------------------------------


def to_source(document: Document, words: Words) -> dict[str, Any]:
    """A document as it is sent."""
    screening = document.screening
    source = {
        "record": document.record,
        "review": document.review,
        "revision": document.revision,
        "screening_revision": document.screening_revision,
        "status": screening.status,
        "stage": screening.stage,
        "reason": screening.reason,
        "notice": document.noticed,
        "notices": [asdict(notice) for notice in document.notices],
        **_described(document, words),
    }
    return {name: value for name, value in source.items() if value or value in (0, "")}


def _described(document: Document, words: Words) -> dict[str, Any]:
    bibliography = document.bibliography
    if bibliography is None:
        return {}
    texts = {
        "title": [bibliography.title or ""],
        "abstract": [bibliography.abstract or ""],
        "authors": bibliography.authors,
        "venue": [bibliography.venue or ""],
    }
    apart = {name: words.apart(each) for name, each in texts.items()}
    apart["heads"] = words.apart([*texts["title"], *texts["authors"], *texts["venue"]])
    return {
        "listed": True,
        "found_in": document.review,
        "day": earliest(bibliography),
        "year": (bibliography.published or "")[:4] or None,
        "venue_name": bibliography.venue,
        **bibliography.model_dump(include=_KEPT, exclude_none=True),
        "words": {name: in_order for name, (in_order, _) in apart.items()},
        "written": {name: each for name, (_, each) in apart.items() if each},
    }


def to_document(source: dict[str, Any], seen: str) -> Document:
    """The document that was stored."""
    return Document(
        record=source["record"],
        review=source["review"],
        revision=source.get("revision", 0),
        bibliography=_bibliography(source) if source.get("listed") else None,
        screening_revision=source.get("screening_revision", 0),
        screening=Screening(source["status"], source.get("stage"), source.get("reason")),
        notices=tuple(Notice(**notice) for notice in source.get("notices", ())),
        seen=seen,
    )


def _bibliography(source: dict[str, Any]) -> Bibliography:
    kept = {name: source[name] for name in _KEPT if name in source}
    return Bibliography.model_validate({**_EMPTY, **kept, "venue": source.get("venue_name")})


# -- queries -------------------------------------------------------------------------------------


def body(query: Query, wanted: Sought, words: Words) -> dict[str, Any]:
    """The body of a search: for the hits of a page, and for all that is counted."""
    only = _only(query)
    found = [] if wanted == Everything() else [Translator(words).translate(wanted)]
    asked: dict[str, Any] = {
        "query": {"bool": {"filter": only, "must": found}},
        # One more than the page holds, to see whether another page follows.
        "size": with_one_more(query.limit),
        "track_total_hits": True,
        "seq_no_primary_term": True,
        "sort": _order(query, wanted),
    }
    if query.facets:
        asked["aggs"] = {name: {"terms": _facet(name)} for name in query.facets}
    if after := position_of(query, (int | float, str)):
        asked["search_after"] = after[-len(asked["sort"]) :]
    return asked


def alike(about: Bibliography, record: str, review: str, words: Words) -> dict[str, Any]:
    """The query for what is like a record."""
    return {
        "bool": {
            "must": [more_like(about, words)],
            "filter": [{"term": {"found_in": review}}],
            "must_not": [{"ids": {"values": [record]}}],
        }
    }


def more_like(about: Bibliography, words: Words, *, within: str = "") -> dict[str, Any]:
    """What says much of the same: its words are given as they are indexed, since the index does not keep them."""
    texts = [" ".join(term for term in words.apart([text])[0].split() if term != BAR) for text in texts_of(about)]
    return {
        "more_like_this": {
            "fields": [f"{within}words.title", f"{within}words.abstract"], "like": texts, "max_query_terms": MOST_TERMS,
            "min_term_freq": 1, "min_doc_freq": LEAST_RECORDS, "minimum_should_match": f"{LEAST_SHARED:.0%}",
            "stop_words": sorted(stop_words(words)),
        }
    }  # fmt: skip


def position_in_order(row: dict[str, Any]) -> list[Any]:
    """Where a hit stands in its order, for a cursor: two values."""
    return [0, *row["sort"]][-2:]


def _order(query: Query, wanted: Sought) -> list[dict[str, str]]:
    if query.sort == "newest":
        return [{"day": "desc"}, {"record": "asc"}]
    # Where nothing is scored the record decides, and those that stand far behind are not looked at.
    return [{"record": "asc"}] if wanted == Everything() else [{"_score": "desc"}, {"record": "asc"}]


def _facet(name: str) -> dict[str, Any]:
    facet: dict[str, Any] = {"field": _KEYWORDS[name], "size": FACET_SIZE}
    if name != "stage":  # Nothing there is a value too: the first stage goes without saying (`AT_FIRST`).
        facet["exclude"] = [""]
    return facet | ({"missing": NO_NOTICE} if name == "notice" else {})


def _only(query: Query) -> list[dict[str, Any]]:
    """The conditions that are not scored."""
    only: list[dict[str, Any]] = [{"term": {"found_in": query.review}}]
    if query.published_from or query.published_until:
        day = {"gte": as_number(query.published_from) if query.published_from else 1}
        if query.published_until:
            day["lte"] = as_number(query.published_until)
        only.append({"range": {"day": day}})
    return only + [_among(name, values) for name, values in query.filters.items()]


def _among(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    among: dict[str, Any] = {"terms": {_KEYWORDS[name]: list(values)}}
    if name != "notice" or NO_NOTICE not in values:
        return among
    nothing = {"bool": {"must_not": {"exists": {"field": _KEYWORDS[name]}}}}
    return {"bool": {"should": [among, nothing], "minimum_should_match": 1}}


class Translator:
    """Says what is looked for; `within` is the object whose fields have the words."""

    def __init__(self, words: Words, *, titled: bool = True, within: str = "") -> None:
        self._words, self._titled, self._within = words, titled, within

    def translate(self, wanted: Sought) -> dict[str, Any]:
        match wanted:
            case Doi(name, begins):
                return {"prefix" if begins else "term": {"identifiers.doi": name}}
            case Row(guess=True):
                return self._guessed([wanted])
            case Row(words, field):
                return self._row(words, field)
            case Beginning(letters, field):
                written = self._within + ("written" if self._words.stems else "words")
                return _any([{"prefix": {f"{written}.{name}": letters}} for name in _names(field)])
            case Everything():
                return {"match_all": {}}
            case AnyOf(parts):
                guesses = [part for part in parts if isinstance(part, Row) and part.guess]
                others = [self.translate(part) for part in parts if part not in guesses]
                return _any([*others, *([self._guessed(guesses)] if guesses else [])])
            case AllOf(parts):
                return self._all_of(parts)
            case Without():
                return self._all_of((wanted,))

    def _all_of(self, parts: tuple[Sought, ...]) -> dict[str, Any]:
        unscored = Translator(self._words, titled=False, within=self._within)
        wanted = [self.translate(part) for part in parts if not isinstance(part, Without)]
        unwanted = [unscored.translate(part.part) for part in parts if isinstance(part, Without)]
        return {"bool": {"must": wanted, "must_not": unwanted}}

    def _row(self, words: tuple[str, ...], field: Field | None) -> dict[str, Any]:
        best = _best([self._phrase(name, words) for name in _names(field)])
        if field or not self._titled:
            return best
        # What the title has the heads have too, so that this finds nothing more.
        return _any([best, self._phrase("title", words, boost=_TITLE)])

    def _guessed(self, rows: list[Row]) -> dict[str, Any]:
        """Any of these, which count for little: to score a phrase each of its words is looked up first, and else only
        as many as are there."""
        some = [self._phrase(name, row.words) for row in rows for name in _names(row.field)]
        return {"constant_score": {"filter": _any(some)}}

    def _phrase(self, name: str, forms: tuple[str, ...], boost: float = 1) -> dict[str, Any]:
        stems = list(map(self._words.stem, forms))
        if len(stems) == 1:
            return {"term": {f"{self._within}words.{name}": {"value": stems[0], "boost": boost}}}
        return {"match_phrase": {f"{self._within}words.{name}": {"query": " ".join(stems), "boost": boost}}}


def _names(field: Field | None) -> tuple[str, ...]:
    return _ANYWHERE if field is None else (_FIELDS[field],)


def _best(some: list[dict[str, Any]]) -> dict[str, Any]:
    """The best of several scores, for what is one question in several fields."""
    return some[0] if len(some) == 1 else {"dis_max": {"queries": some}}


def _any(some: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": some, "minimum_should_match": 1}}
