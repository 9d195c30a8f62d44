"""Pieces in Elasticsearch: documents beside those of records in the same index, with fields of their own, so that both
are swapped in one step and no query of one looks into the words of the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import orjson

from services.search.domain import Piece
from services.search.ports.index.elastic_dsl import Translator, more_like
from services.search.ports.index.highlight import Finds
from services.search.ports.index.pieces import (
    ALL_TAGS,
    PieceHit,
    PieceQuery,
    PieceResults,
    as_described,
    marked_in,
    most_first,
    scope_of,
)
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import sought
from services.search.ports.index.sqlite_pieces import kept_parts, parts_of
from services.search.ports.index.words import Words
from shared.paging import cut, with_one_more

#: Stands before the name of a piece, so that no record has its id.
_ID = "piece:"

#: Lines of one request that writes; a piece is two, and of some kilobytes.
_LINES = 400

#: Values of one tag that are counted before the most frequent are shown.
_COUNTED = 1_000


class ElasticPieces:
    """Those of one generation, or of the live one, by what asks an index."""

    def __init__(
        self,
        words: Words,
        read: Callable[..., Any],
        client: Any,
        bulk: Callable[[list[bytes]], set[str]],
        target: Callable[[str], tuple[dict[str, Any], dict[str, Any]]],
        seen: Callable[[dict[str, Any]], str],
    ) -> None:
        self._words, self._read, self._client, self._bulk = words, read, client, bulk
        self._target, self._seen = target, seen

    def get(self, pieces: Collection[str]) -> dict[str, Piece]:
        if not pieces:
            return {}
        rows = self._read(self._client.mget, ids=[_ID + piece for piece in pieces])["docs"]
        found = [self._piece(row) for row in rows if row["found"]]
        return {piece.piece: piece for piece in found}

    def put(self, pieces: Iterable[Piece]) -> set[str]:
        refused: set[str] = set()
        lines: list[bytes] = []
        for piece in pieces:
            lines += [self._action(piece), orjson.dumps(self._source(piece))]
            if len(lines) >= _LINES:
                refused |= self._bulk(lines)
                lines = []
        if lines:
            refused |= self._bulk(lines)
        return {name.removeprefix(_ID) for name in refused}

    def search(self, query: PieceQuery) -> PieceResults:
        wanted, page = sought(query.text), query.page
        tagged = [{"terms": {f"piece.tags.{name}": list(values)}} for name, values in query.tags if values]
        only: list[dict[str, Any]] = [{"term": {"piece.scope": query.scope}}]
        if tagged:
            only.append({"nested": {"path": "piece.tags", "query": {"bool": {"filter": tagged}}}})
        scored = wanted != Everything()
        asked: dict[str, Any] = {
            "query": {"bool": {"must": [Translator(self._words, within="piece.").translate(wanted)], "filter": only}},
            "size": with_one_more(query.limit), "track_total_hits": True, "seq_no_primary_term": True,
            "sort": [{"_score": "desc"}, {"piece.name": "asc"}] if scored else [{"piece.name": "asc"}],
        }  # fmt: skip
        if page.after:
            asked["search_after"] = page.after[-len(asked["sort"]) :]
        if query.counted:
            asked["aggs"] = {"tags": _counting(query.counted, tagged)}
        answer = self._read(
            self._client.search, preference=f"review:{query.review}", allow_partial_search_results=False, **asked
        )
        shown, finds = cut(answer["hits"]["hits"], page, lambda row: [0, *row["sort"]][-2:]), Finds(wanted, self._words)
        pieces = [(self._piece(row), row["_score"]) for row in shown.rows]
        hits = [PieceHit(it, score if scored else None, marked_in(finds, it)) for it, score in pieces]
        counted = answer.get("aggregations", {}).get("tags", {}).get("chosen", {})
        facets = {
            name: most_first((each["key"], each["of"]["doc_count"]) for each in counted[name]["buckets"])
            for name in query.counted
        }
        return PieceResults(hits, answer["hits"]["total"]["value"], facets, shown.next)

    def like(self, piece: str, review: str, limit: int) -> list[PieceHit]:
        one = self.get([piece]).get(piece)
        if one is None or one.review != review or not one.listed:
            return []
        only = [{"term": {"piece.scope": scope_of(review, one.kind)}}]
        asked = {
            "bool": {
                "must": [more_like(as_described(one), self._words, within="piece.")],
                "filter": only,
                "must_not": [{"ids": {"values": [_ID + piece]}}],
            }
        }
        answer = self._read(
            self._client.search, preference=f"review:{review}", allow_partial_search_results=False, size=limit,
            seq_no_primary_term=True, query=asked, sort=[{"_score": "desc"}, {"piece.name": "asc"}],
        )  # fmt: skip
        return [PieceHit(self._piece(row), row["_score"], {}) for row in answer["hits"]["hits"]]

    def _action(self, piece: Piece) -> bytes:
        if piece.seen is None:
            return orjson.dumps({"create": {"_id": _ID + piece.piece}})
        where, state = self._target(piece.seen)
        return orjson.dumps({"index": {**where, "_id": _ID + piece.piece, **state}})

    def _source(self, piece: Piece) -> dict[str, Any]:
        kept = {
            "name": piece.piece, "review": piece.review, "kind": piece.kind,
            # As text, whose fields are nobody's but ours.
            "parts": orjson.dumps(kept_parts(piece)).decode(),
        }  # fmt: skip
        if not piece.listed:
            return {"piece": kept}
        apart = {"title": self._words.apart([piece.heading]), "abstract": self._words.apart([piece.text])}
        apart["heads"] = apart["title"]
        return {
            "piece": {
                **kept, "scope": scope_of(piece.review, piece.kind), "tags": piece.tags,
                "words": {name: in_order for name, (in_order, _) in apart.items()},
                "written": {name: each for name, (_, each) in apart.items() if each},
            }
        }  # fmt: skip

    def _piece(self, row: dict[str, Any]) -> Piece:
        kept = row["_source"]["piece"]
        return Piece(
            piece=kept["name"], review=kept["review"], kind=kept["kind"],
            parts=parts_of(orjson.loads(kept["parts"])), seen=self._seen(row),
        )  # fmt: skip


def mapping_of_pieces(words: dict[str, Any], written: dict[str, Any], keyword: dict[str, Any]) -> dict[str, Any]:
    """The mapping of their fields."""
    names = ("title", "abstract", "heads")
    return {
        "properties": {
            "name": keyword,
            "scope": keyword,
            "words": {"properties": dict.fromkeys(names, words)},
            "written": {"properties": dict.fromkeys(names, written)},
            "tags": {"type": "nested", "dynamic": False, "properties": dict.fromkeys(ALL_TAGS, keyword)},
        }
    }


def _counting(names: Iterable[str], tagged: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts pieces, and not their tags, by the tags that are chosen."""
    each = {
        name: {"terms": {"field": f"piece.tags.{name}", "size": _COUNTED}, "aggs": {"of": {"reverse_nested": {}}}}
        for name in names
    }
    chosen = {"filter": {"bool": {"filter": tagged}} if tagged else {"match_all": {}}, "aggs": each}
    return {"nested": {"path": "piece.tags"}, "aggs": {"chosen": chosen}}
