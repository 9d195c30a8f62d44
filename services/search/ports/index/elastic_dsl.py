"""Says documents and queries in Elasticsearch's JSON, with core features only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.search.domain import NO_NOTICE, Document, Notice, Screening
from services.search.ports.index.cursor import position_of
from services.search.ports.index.port import FACET_SIZE, Query, as_number, earliest
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import AllOf, AnyOf, Beginning, Doi, Row, Sought, Without
from services.search.ports.index.words import FORM, Words
from shared.events.ingest import Bibliography
from shared.paging import with_one_more

_BOOSTS = {"title": 3, "abstract": 1, "authors": 1, "venue": 0.5}
_FIELDS = {"title": "title", "abstract": "abstract", "author": "authors", "venue": "venue"}
_KEYWORDS = {
    "year": "year",
    "source": "sources.source",
    "kind": "kind",
    "language": "language",
    "status": "status",
    "venue": "venue_name",
    "notice": "notice",
}
_KEYWORD = {"type": "keyword", "ignore_above": 1_000}
#: What is kept of a description as it is, beside the venue.
_KEPT = Bibliography.model_fields.keys() - {"venue", "provenance"}


def mapping(analyzer: str, name: str) -> dict[str, Any]:
    """The explicit mapping; what it does not name is kept and not indexed.

    `words` has the texts as words of the index, which Elasticsearch is left to split at blanks, and does not keep.
    """
    words = {field: {"type": "text", "analyzer": "whitespace"} for field in _BOOSTS}
    return {
        "dynamic": False,
        "_meta": {"name": name, "analyzer": analyzer, "shape": FORM},
        "_source": {"excludes": ["words"]},
        "properties": {
            "words": {"properties": words},
            "record": {"type": "keyword"},
            "review": {"type": "keyword"},
            "listed": {"type": "boolean"},
            "day": {"type": "integer"},
            **{name: _KEYWORD for name in ("year", "kind", "language", "status", "venue_name", "notice")},
            "identifiers": {"properties": {"doi": _KEYWORD}},
            "sources": {"properties": {"source": _KEYWORD}},
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
        **_described(document.bibliography, words),
    }
    return {name: value for name, value in source.items() if value or value in (0, "")}


def _described(bibliography: Bibliography | None, words: Words) -> dict[str, Any]:
    if bibliography is None:
        return {}
    return {
        "listed": True,
        "day": earliest(bibliography),
        "year": (bibliography.published or "")[:4] or None,
        "venue_name": bibliography.venue,
        **bibliography.model_dump(include=_KEPT, exclude_none=True),
        "words": {
            "title": words.indexed([bibliography.title or ""]),
            "abstract": words.indexed([bibliography.abstract or ""]),
            "authors": words.indexed(bibliography.authors),
            "venue": words.indexed([bibliography.venue or ""]),
        },
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
    return Bibliography.model_validate({**kept, "venue": source.get("venue_name")})


# -- queries -------------------------------------------------------------------------------------


def search_body(query: Query, wanted: Sought, words: Words) -> dict[str, Any]:
    """The body of `_search`: one hit more than the page holds, to see whether another page follows."""
    found: dict[str, Any] = {"filter": [*_only(query)]}
    if wanted != Everything():
        found["must"] = [_Translator(words).translate(wanted)]
    body: dict[str, Any] = {
        "query": {"bool": found},
        "size": with_one_more(query.limit),
        "track_total_hits": True,
        "allow_partial_search_results": False,
        "seq_no_primary_term": True,
        "sort": _order(query),
        "aggs": {name: {"terms": _facet(name)} for name in query.facets},
    }
    if after := position_of(query, (int | float, str)):
        body["search_after"] = after
    return body


def _order(query: Query) -> list[dict[str, str]]:
    if query.sort == "newest":
        return [{"day": "desc"}, {"record": "asc"}]
    # Without a text every score is the same, 0, and the record decides.
    return [{"_score": "desc"}, {"record": "asc"}]


def _facet(name: str) -> dict[str, Any]:
    without = {"missing": NO_NOTICE} if name == "notice" else {}
    return {"field": _KEYWORDS[name], "size": FACET_SIZE, "exclude": [""]} | without


def _only(query: Query) -> list[dict[str, Any]]:
    """The conditions that are not scored."""
    only: list[dict[str, Any]] = [{"term": {"review": query.review}}, {"term": {"listed": True}}]
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


class _Translator:
    def __init__(self, words: Words) -> None:
        self._words = words

    def translate(self, wanted: Sought) -> dict[str, Any]:
        match wanted:
            case Doi(name, begins):
                return {"prefix" if begins else "term": {"identifiers.doi": name}}
            case Row(words, field):
                return self._row(" ".join(map(self._words.stem, words)), field)
            case Beginning(letters, field):
                names = list(_BOOSTS) if field is None else [_FIELDS[field]]
                either = self._words.beginnings(letters)
                return _any([{"prefix": {f"words.{name}": one}} for name in names for one in either])
            case Everything():
                return {"match_all": {}}
            case AnyOf(parts):
                return _any(list(map(self.translate, parts)))
            case AllOf(parts):
                return self._all_of(parts)
            case Without():
                return self._all_of((wanted,))

    def _row(self, text: str, field: str | None) -> dict[str, Any]:
        if field is not None:
            return {"match_phrase": {f"words.{_FIELDS[field]}": text}}
        fields = [f"words.{name}^{boost}" for name, boost in _BOOSTS.items()]
        return {"multi_match": {"query": text, "type": "phrase", "fields": fields}}

    def _all_of(self, parts: tuple[Sought, ...]) -> dict[str, Any]:
        wanted = [self.translate(part) for part in parts if not isinstance(part, Without)]
        unwanted = [self.translate(part.part) for part in parts if isinstance(part, Without)]
        return {"bool": {"must": wanted, "must_not": unwanted}}


def _any(some: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": some, "minimum_should_match": 1}}
