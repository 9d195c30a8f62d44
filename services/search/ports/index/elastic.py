"""The search index on Elasticsearch 9: one index per generation, behind an alias that moves in one step."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from elasticsearch import ApiError, BadRequestError, Elasticsearch, OrjsonSerializer, TransportError

from services.search.domain import Document
from services.search.ports.index.cursor import asked_by
from services.search.ports.index.elastic_dsl import alike, body, mapping, position_in_order, to_document, to_source
from services.search.ports.index.elastic_pieces import ElasticPieces, mapping_of_pieces
from services.search.ports.index.highlight import Finds
from services.search.ports.index.pieces import Pieces
from services.search.ports.index.port import DROPPED, OUTDATED, FacetCount, Hit, Query, Results, SearchIndex
from services.search.ports.index.query import Everything
from services.search.ports.index.sought import Sought, sought
from services.search.ports.index.words import FORM, Words
from shared.errors import Conflict, Invalid, LivingError, Rejected, Unavailable
from shared.paging import cut

if TYPE_CHECKING:
    from elastic_transport import ObjectApiResponse  # Elasticsearch's own, which gives it no other name.

_MAJOR = 9
_BULK_BYTES = 8_000_000
_FIRST = "0" * 32


class _Interrupted(Unavailable):
    """What was asked is not there; perhaps only because a swap is putting another in its place."""


class ElasticIndex:
    """What stands behind an alias: NAME leads to the live generation, and each generation has one of its own.

    Every request goes to an alias and requires that it is one, so that nothing ever makes an index by
    accident and a dropped generation is noticed. `generation` is the index of a `fresh` one.
    """

    def __init__(self, url: str, *, name: str, analyzer: str, generation: str | None = None) -> None:
        self._url, self._name, self._analyzer, self._generation = url, name, analyzer, generation
        self._alias = _own_alias(generation) if generation else name
        self._words = Words(analyzer)
        #: Whether the live generation was found to be of another form; then it is asked again with each request.
        self._outdated = False
        # Without the user and password that the URL may have.
        self._server = f"Elasticsearch at {urlsplit(url).netloc.rpartition('@')[2]}"
        try:
            self._client = Elasticsearch(
                url, request_timeout=60, max_retries=0, retry_on_timeout=False, serializer=OrjsonSerializer()
            )
        except ValueError as error:
            raise Invalid(f"the search URL is not http(s)://HOST:PORT: {type(error).__name__}") from None

    def ready(self) -> None:
        with self._asking():
            self._check_version()
            if not self._client.indices.exists_alias(name=self._alias):
                self._make_first()
            self._check_analyzer()
            # One that an earlier release made showed what is new each second or two, whether anybody looked or not.
            self._client.indices.put_settings(index=self._alias, settings={"index.refresh_interval": None})

    def ping(self) -> None:
        with self._asking():
            health = self._client.options(ignore_status=408).cluster.health(
                index=self._alias, wait_for_status="yellow", timeout="1s"
            )
        if health.get("timed_out", True):
            raise Unavailable(f"{self._server}: the index {self._alias!r} is not there or not whole")

    def mark(self) -> str:
        (settings,) = self._read(self._client.indices.get_settings, name="index.uuid").values()
        return str(settings["settings"]["index"]["uuid"])

    def current(self) -> bool:
        with self._asking():
            self._outdated = any(meta.get("shape") != FORM for meta in self._meta())
        return not self._outdated

    def get(self, records: Collection[str]) -> dict[str, Document]:
        self._require_current()
        if not records:
            return {}
        rows = self._read(self._client.mget, ids=list(records))["docs"]
        return {row["_id"]: to_document(row["_source"], _seen(row)) for row in rows if row["found"]}

    def put(self, documents: Iterable[Document]) -> set[str]:
        self._require_current()
        refused: set[str] = set()
        for lines in _in_portions(documents, self._words):
            refused |= self._bulk(lines)
        return refused

    def refresh(self) -> None:
        self._read(self._client.indices.refresh)

    def search(self, query: Query) -> Results:
        wanted = sought(query.text)
        asked = body(query, wanted, self._words)
        self._require_current()
        # One review asks one copy of the index, since copies may score a little differently.
        copy = f"review:{query.review}"
        answer = self._read(self._client.search, preference=copy, allow_partial_search_results=False, **asked)
        return _results(query, answer.body, wanted, self._words)

    def like(self, record: str, review: str, limit: int) -> list[Hit]:
        document = self.get([record]).get(record)
        if document is None or document.review != review or document.bibliography is None:
            return []
        asked = alike(document.bibliography, record, review, self._words)
        copy = f"review:{review}"
        answer = self._read(
            self._client.search, preference=copy, allow_partial_search_results=False, size=limit,
            seq_no_primary_term=True, query=asked, sort=[{"_score": "desc"}, {"record": "asc"}],
        )  # fmt: skip
        return [Hit(to_document(row["_source"], _seen(row)), row["_score"], {}) for row in answer["hits"]["hits"]]

    def count(self, review: str | None = None) -> int:
        self._require_current()
        only = [{"term": {"listed": True}}, *([{"term": {"review": review}}] if review is not None else [])]
        count: int = self._read(self._client.count, query={"bool": {"filter": only}})["count"]
        return count

    @property
    def pieces(self) -> Pieces:
        return ElasticPieces(self._words, self._read_current, self._client, self._bulk_current, _target, _seen)

    def fresh(self) -> ElasticIndex:
        generation = f"{self._name}-{uuid.uuid4().hex}"
        with self._asking():
            self._make(generation, {_own_alias(generation): {}})
        return ElasticIndex(self._url, name=self._name, analyzer=self._analyzer, generation=generation)

    def swap(self, new: SearchIndex) -> None:
        if not isinstance(new, ElasticIndex) or new._generation is None:
            raise TypeError("swap takes what fresh() of the same index gave")
        with new._asking():
            others = [index for index in self._generations() if index != new._generation]
            forget = [
                {"remove": {"index": old, "aliases": [self._name, _own_alias(old)], "must_exist": False}}
                for old in others
            ]
            lead = {"add": {"index": new._generation, "alias": self._name, "is_write_index": True}}
            self._client.indices.update_aliases(actions=[lead, *forget])
            # Only now: a node drops an index a moment before it sees the aliases that changed with it.
            for old in others:
                self._client.options(ignore_status=404).indices.delete(index=old)

    def drop(self) -> None:
        with self._asking():
            found = self._client.indices.get_alias(index=f"{self._name}-*")
            for index, fields in found.items():
                aliases = fields["aliases"]
                if self._alias in aliases and (self._generation is None or self._name not in aliases):
                    self._client.options(ignore_status=404).indices.delete(index=index)

    def close(self) -> None:
        self._client.close()

    # -- asking ----------------------------------------------------------------------------------

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turns what the client raises into our errors."""
        try:
            yield
        except TransportError as error:
            raise Unavailable(f"{self._server} does not answer: {type(error).__name__}") from error
        except ApiError as error:
            raise self._failure(error.status_code, _reason(error)) from error

    def _failure(self, status: int, reason: str) -> LivingError:
        """What an answer that is none comes to."""
        if status == 404:
            return self._missing(reason)
        if status == 400:
            return Invalid(f"{self._server} refuses the request: {reason}")
        kind = _Interrupted if status == 503 else Unavailable
        return kind(f"{self._server} cannot do this now: {status}, {reason}")

    def _missing(self, reason: str) -> LivingError:
        if self._generation:
            return Conflict(DROPPED)
        return _Interrupted(f"{self._server}: there is no index {self._name!r}: rebuild it ({reason})")

    def _read(self, ask: Callable[..., ObjectApiResponse[Any]], **what: Any) -> ObjectApiResponse[Any]:
        """Asks, and once more when a swap dropped the generation under the first request."""
        try:
            return self._read_once(ask, **what)
        except _Interrupted:
            return self._read_once(ask, **what)

    def _read_once(self, ask: Callable[..., ObjectApiResponse[Any]], **what: Any) -> ObjectApiResponse[Any]:
        with self._asking():
            answer = ask(index=self._alias, **what)
        # Of several documents, each may fail by itself.
        for row in answer.get("docs", ()):
            if "error" in row:
                raise self._missing(row["error"]["reason"])
        return answer

    def _read_current(self, ask: Callable[..., ObjectApiResponse[Any]], **what: Any) -> ObjectApiResponse[Any]:
        self._require_current()
        return self._read(ask, **what)

    # -- writing ---------------------------------------------------------------------------------

    def _bulk(self, lines: list[bytes]) -> set[str]:
        fields = ("_id", "_index", "status", "error.type", "error.reason")
        with self._asking():
            answer = self._client.bulk(
                operations=lines,  # type: ignore[arg-type]  # What is JSON already is sent as it is.
                index=self._alias,
                require_alias=True,
                filter_path=["errors", *(f"items.*.{name}" for name in fields)],
            )
        if not answer["errors"]:
            return set()
        results = [result for item in answer["items"] for result in item.values()]
        return {result["_id"] for result in results if "error" in result and self._refused(result)}

    def _bulk_current(self, lines: list[bytes]) -> set[str]:
        self._require_current()
        return self._bulk(lines)

    def _refused(self, result: dict[str, Any]) -> bool:
        """Whether this is the refusal of a document whose record, or generation, is not as it was read.

        Raises for any other error.
        """
        status, error = result["status"], result["error"]
        if status == 409 or (status == 404 and result["_index"] != self._alias):
            return True
        if status == 404:
            raise self._missing(error["reason"])
        kind = Rejected if status == 400 else Unavailable
        raise kind(f"{self._server} could not store record {result['_id']}: {error['type']}, {error['reason']}")

    # -- generations -----------------------------------------------------------------------------

    def _make_first(self) -> None:
        """Processes that start together make the same first generation, and all but one find it made.

        So does one that comes so late that a swap has already replaced it: the alias can have one index
        to write to.
        """
        first = f"{self._name}-{_FIRST}"
        try:
            self._make(first, {_own_alias(first): {}, self._name: {"is_write_index": True}})
        except ApiError:
            if self._client.indices.exists_alias(name=self._name):
                return
            # It is there, and only the name that leads to it was taken away.
            own = {"add": {"index": first, "alias": _own_alias(first)}}
            lead = {"add": {"index": first, "alias": self._name, "is_write_index": True}}
            self._client.indices.update_aliases(actions=[own, lead])

    def _make(self, generation: str, aliases: dict[str, Any]) -> None:
        # No refresh interval: while nobody searches nothing is made ready to be found, which took the pipeline a tenth
        # of its time; a search makes all so first (Elasticsearch's page "Index modules", `index.search.idle.after`).
        self._client.indices.create(
            index=generation,
            aliases=aliases,
            mappings=mapping(self._analyzer, self._name, mapping_of_pieces),
            settings={"number_of_shards": 1, "auto_expand_replicas": "0-1"},
        )

    def _generations(self) -> list[str]:
        """All generations of this name; the pattern alone would also find those of `NAME-something`."""
        found = self._client.indices.get_alias(index=f"{self._name}-*")
        return [index for index in found if re.fullmatch(re.escape(self._name) + "-[0-9a-f]{32}", index)]

    def _check_version(self) -> None:
        try:
            nodes = self._client.nodes.info(filter_path="nodes.*.version")["nodes"]
        except BadRequestError as error:
            raise Invalid(f"{self._server} does not speak version {_MAJOR}: {_reason(error)}") from error
        versions = sorted({node["version"] for node in nodes.values()})
        if any(version.split(".")[0] != str(_MAJOR) for version in versions):
            raise Invalid(f"{self._server} has version {', '.join(versions)}; the search index needs {_MAJOR}.x")

    def _check_analyzer(self) -> None:
        for built in self._meta():
            if (built.get("name"), built.get("analyzer")) != (self._name, self._analyzer):
                raise Invalid(
                    f"{self._server}: the index {self._alias!r} was built as {built}, this program and its settings "
                    f"want the name {self._name!r} and the analyzer {self._analyzer!r}: rebuild the index, or set "
                    "LIVING_SEARCH_ANALYZER back"
                )
        self.current()

    def _meta(self) -> list[dict[str, Any]]:
        """What is written down of how the index was built."""
        found = self._client.indices.get_mapping(index=self._alias)
        return [index["mappings"].get("_meta", {}) for index in found.values()]

    def _require_current(self) -> None:
        if self._outdated and not self.current():
            raise Unavailable(OUTDATED)


def _in_portions(documents: Iterable[Document], words: Words) -> Iterator[list[bytes]]:
    """The documents as lines of `_bulk`, in portions that a server takes."""
    lines: list[bytes] = []
    size = 0
    for document in documents:
        lines += [_action(document), orjson.dumps(to_source(document, words))]
        size += len(lines[-1])
        if size > _BULK_BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _action(document: Document) -> bytes:
    """How a document is put: made if nobody knows it, else only over the state it was read from.

    External versions (the sum of both revisions) would not do: a writer that jumps two revisions of one
    part has the higher sum, and would overwrite the other part that it has not read.
    """
    if document.seen is None:
        return orjson.dumps({"create": {"_id": document.record}})
    where, state = _target(document.seen)
    return orjson.dumps({"index": {**where, "_id": document.record, **state}})


def _target(seen: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where a document that was read is put again, and over which state alone."""
    generation, number, term = orjson.loads(seen)
    return {"_index": _own_alias(generation)}, {"if_seq_no": number, "if_primary_term": term}


def _seen(row: dict[str, Any]) -> str:
    return orjson.dumps([row["_index"], row["_seq_no"], row["_primary_term"]]).decode()


def _results(query: Query, found: dict[str, Any], wanted: Sought, words: Words) -> Results:
    page = cut(found["hits"]["hits"], asked_by(query), position_in_order)
    buckets, finds = found.get("aggregations", {}), Finds(wanted, words)
    scored = wanted != Everything() and query.sort == "relevance"
    return Results(
        hits=[_hit(row, finds, scored=scored) for row in page.rows],
        total=found["hits"]["total"]["value"],
        facets={
            name: [FacetCount(bucket["key"], bucket["doc_count"]) for bucket in buckets[name]["buckets"]]
            for name in query.facets
        },
        next=page.next,
    )


def _hit(row: dict[str, Any], finds: Finds, *, scored: bool) -> Hit:
    document = to_document(row["_source"], _seen(row))
    return Hit(document, row["_score"] if scored else None, finds.marked(document.bibliography))


def _own_alias(generation: str) -> str:
    return f"{generation}-itself"


def _reason(error: ApiError) -> str:
    """The server's own words, without the request."""
    body = error.body if isinstance(error.body, dict) else {}
    cause = body.get("error", {})
    return str(cause.get("reason", cause) if isinstance(cause, dict) else cause) or error.message
