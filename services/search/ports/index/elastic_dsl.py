"""Says documents and queries in Elasticsearch's JSON, with core features only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.search.domain import NO_NOTICE, Document, Notice, Screening
from services.search.ports.index.cursor import position_of
from services.search.ports.index.highlight import (
    CLOSING,
    OPENING,
    marked_fields,
    spans_of,
    united,
)
from services.search.ports.index.port import FACET_SIZE, Query, as_number, earliest
from services.search.ports.index.query import And, Expression, Not, Or, Phrase, Prefix
from shared.events.ingest import Bibliography
from shared.folding import composed, fold
from shared.paging import with_one_more

#: Changes with every change of the mapping, so that an index of another shape is noticed at start.
SHAPE = 1

_BOOSTS = {"title": 3, "abstract": 1, "authors": 1, "venue": 0.5}
_FIELDS = {"title": "title", "abstract": "abstract", "author": "authors", "venue": "venue"}
_STEMMED = ("title", "abstract")
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
#: What a later release has added to the mapping: an index of before takes it in at a start, and is none the worse.
ADDED = {"notice": _KEYWORD}
_PLAIN = ("published", "kind", "language", "identifiers", "sources")


def mapping(analyzer: str, name: str) -> dict[str, Any]:
    """The explicit mapping; what it does not name is kept and not indexed.

    Where the analyzer stems, `words` holds the unstemmed words beside it, for words that end in *.
    """
    text: dict[str, object] = {"type": "text", "analyzer": analyzer}
    if words_of("title", analyzer) != "title":
        text = {**text, "fields": {"words": {"type": "text", "analyzer": "standard", "norms": False}}}
    plain = {"type": "text", "analyzer": "standard"}
    return {
        "dynamic": False,
        "_meta": {"name": name, "analyzer": analyzer, "shape": SHAPE},
        "properties": {
            **{field: text if field in _STEMMED else plain for field in _BOOSTS},
            "record": {"type": "keyword"},
            "review": {"type": "keyword"},
            "listed": {"type": "boolean"},
            "day": {"type": "integer"},
            **{name: _KEYWORD for name in ("year", "kind", "language", "status", "venue_name")},
            **ADDED,
            "identifiers": {"properties": {"doi": _KEYWORD}},
            "sources": {"properties": {"source": _KEYWORD}},
        },
    }


def words_of(field: str, analyzer: str) -> str:
    """The field that holds a field's words as they are written."""
    return f"{field}.words" if field in _STEMMED and analyzer != "standard" else field


# -- documents -----------------------------------------------------------------------------------


def to_source(document: Document) -> dict[str, Any]:
    """A document as it is stored: text fields folded, beside each the original where it differs."""
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
        **_described(document.bibliography),
    }
    return {name: value for name, value in source.items() if value or value in (0, "")}


def _described(bibliography: Bibliography | None) -> dict[str, Any]:
    if bibliography is None:
        return {}
    described: dict[str, object] = {
        "listed": True,
        "day": earliest(bibliography),
        "year": (bibliography.published or "")[:4] or None,
        "venue_name": bibliography.venue,
        "published": bibliography.published,
        "kind": bibliography.kind,
        "language": bibliography.language,
        "identifiers": bibliography.identifiers.model_dump(exclude_none=True),
        "sources": [source.model_dump(exclude_none=True) for source in bibliography.sources],
    }
    for field in _BOOSTS:
        original = getattr(bibliography, field)
        described[field] = _folded(original)
        if described[field] != original and field != "venue":
            described[f"{field}_original"] = original
    return described


def _folded(text: str | list[str] | None) -> str | list[str] | None:
    if isinstance(text, list):
        return [fold(one) for one in text]
    return text and fold(text)


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
    described = {name: source[name] for name in _PLAIN if name in source}
    for field in ("title", "abstract", "authors"):
        original = source.get(f"{field}_original", source.get(field))
        if original is not None:
            described[field] = original
    return Bibliography.model_validate({**described, "venue": source.get("venue_name")})


# -- queries -------------------------------------------------------------------------------------


def search_body(query: Query, expression: Expression | None, analyzer: str) -> dict[str, Any]:
    """The body of `_search`: one hit more than the page holds, to see whether another page follows."""
    found: dict[str, Any] = {"filter": [*_only(query)]}
    if expression is not None:
        found["must"] = [_Translator(analyzer).translate(expression)]
    body: dict[str, Any] = {
        "query": {"bool": found},
        "size": with_one_more(query.limit),
        "track_total_hits": True,
        "allow_partial_search_results": False,
        "seq_no_primary_term": True,
        "sort": _order(query, expression),
        "aggs": {name: {"terms": _facet(name)} for name in query.facets},
    }
    if expression is not None:
        body["highlight"] = _highlight(analyzer)
    if after := position_of(query, (int | float, str)):
        body["search_after"] = after
    return body


def _order(query: Query, expression: Expression | None) -> list[dict[str, str]]:
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


def _highlight(analyzer: str) -> dict[str, Any]:
    fields: dict[str, dict[str, object]] = {
        field: {} for name in _STEMMED for field in (name, words_of(name, analyzer))
    }
    return {
        "type": "unified",
        "number_of_fragments": 0,
        "max_analyzed_offset": 100_000,
        "pre_tags": [OPENING],
        "post_tags": [CLOSING],
        "fields": fields,
    }


class _Translator:
    def __init__(self, analyzer: str) -> None:
        self._analyzer = analyzer

    def translate(self, expression: Expression) -> dict[str, Any]:
        match expression:
            case Phrase(text, "doi"):
                return {"term": {"identifiers.doi": text}}
            case Prefix(text, "doi"):
                return {"prefix": {"identifiers.doi": text}}
            case Phrase(text, field):
                return self._phrase(text, field)
            case Prefix(text, field):
                return self._prefix(text, field)
            case Or(parts):
                return {"bool": {"should": [self.translate(part) for part in parts], "minimum_should_match": 1}}
            case And(parts):
                return self._all_of(parts)
            case Not():
                return self._all_of((expression,))

    def _all_of(self, parts: tuple[Expression, ...]) -> dict[str, Any]:
        wanted = [self.translate(part) for part in parts if not isinstance(part, Not)]
        unwanted = [self.translate(part.part) for part in parts if isinstance(part, Not)]
        return {"bool": {"must": wanted, "must_not": unwanted}}

    def _phrase(self, text: str, field: str | None) -> dict[str, Any]:
        fields = [f"{name}^{boost}" for name, boost in _BOOSTS.items()] if field is None else [_FIELDS[field]]
        # A word that the analyzer drops ("the") must not empty the result.
        return {"multi_match": {"query": text, "type": "phrase", "fields": fields, "zero_terms_query": "all"}}

    def _prefix(self, text: str, field: str | None) -> dict[str, Any]:
        names = list(_BOOSTS) if field is None else [_FIELDS[field]]
        begins = [{"prefix": {words_of(name, self._analyzer): text}} for name in names]
        return {"bool": {"should": begins, "minimum_should_match": 1}}


# -- answers -------------------------------------------------------------------------------------


def marked(document: Document, highlight: dict[str, list[str]]) -> dict[str, list[str]]:
    """What was found in the title and the abstract, from the marks Elasticsearch put into the folded text.

    The folded text is as long as the composed original, so the marks fit the original as they are.
    """
    described = document.bibliography or Bibliography()
    title, abstract = composed(described.title or ""), composed(described.abstract or "")
    return marked_fields(title, abstract, _spans(highlight, "title"), _spans(highlight, "abstract"))


def _spans(highlight: dict[str, list[str]], field: str) -> list[tuple[int, int]]:
    texts = [*highlight.get(field, []), *highlight.get(f"{field}.words", [])]
    return united([span for text in texts for span in spans_of(text)])
