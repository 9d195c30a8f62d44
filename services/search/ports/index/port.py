"""The search index: the promise that SQLite and Elasticsearch keep, held by tests/contract/test_search_index.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from services.search.domain import Document
from shared.errors import Invalid
from shared.events.ingest import Bibliography

if TYPE_CHECKING:
    from services.search.ports.index.pieces import Pieces

Sort = Literal["relevance", "newest"]

#: What hits are counted by; each facet lists its 20 most frequent values.
FACETS = ("year", "source", "kind", "language", "status", "stage", "venue")
#: Not what a record is or where it stands, but what became of its report: counted where it is asked for.
NOTICE = "notice"
FACET_SIZE = 20

_FILTERS = ("status", "stage", "source", "kind", "language", "venue", NOTICE)

#: Why a generation that is gone cannot be used.
DROPPED = "this generation of the search index was dropped, by another rebuild or on request"

#: Why a generation that an earlier release made is not read and not written.
OUTDATED = "the search index is in the form of another release, and is made anew from the log"

MAX_LIMIT = 200
#: Records that are shown as being like one.
MAX_ALIKE = 20
MAX_FILTER_VALUES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for in one review.

    `text` is in the language of `services.search.ports.index.query`; empty, or `*`, it finds every record. A filter
    with several values admits any of them. A partial date counts by its earliest day; a record without a date is left
    out as soon as `published_from` or `published_until` is given. `stage` is where a record waits, or was excluded; one
    that is included, or was kept out by a rule, has none, and one of which nothing was told waits at `""`. `relevance`
    ties, and so everything when there is no text, are ordered by record; `newest` puts records without a date last.
    `notice` has kinds of notices that stand, drills left out, or `none` for records without any. `cursor` is the `next`
    of the page before. Raises Invalid.
    """

    review: str
    text: str = ""
    published_from: date | None = None
    published_until: date | None = None
    status: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    venue: tuple[str, ...] = ()
    notice: tuple[str, ...] = ()
    sort: Sort = "relevance"
    facets: tuple[str, ...] = ()
    limit: int = 20
    cursor: str | None = None

    def __post_init__(self) -> None:
        errors = [
            *([] if 1 <= self.limit <= MAX_LIMIT else [_error("limit", f"must be 1 to {MAX_LIMIT}")]),
            *([] if self.sort in ("relevance", "newest") else [_error("sort", "must be relevance or newest")]),
            *(
                _error("facets", f"there is no facet {name!r}; there are {', '.join((*FACETS, NOTICE))}")
                for name in self.facets
                if name not in (*FACETS, NOTICE)
            ),
            *(
                _error(name, f"at most {MAX_FILTER_VALUES} values")
                for name, values in self.filters.items()
                if len(values) > MAX_FILTER_VALUES
            ),
        ]
        if errors:
            raise Invalid("; ".join(f"{error['at']}: {error['why']}" for error in errors), errors=errors)

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """The filters by exact value that are set."""
        values = {name: getattr(self, name) for name in _FILTERS}
        return {name: chosen for name, chosen in values.items() if chosen}


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found.

    `score` tells hits of one query apart and nothing else; None when nothing was scored. `marked` holds, for
    `title` (whole) and `abstract` (up to three fragments), HTML with <mark> around what was found and all
    else escaped; a field without a find is absent.
    """

    document: Document
    score: float | None
    marked: dict[str, list[str]]

    @property
    def record(self) -> str:
        return self.document.record


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many of the hits have this value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Results:
    """One page: its hits, how many there are on all pages, the facets asked for, and the next page's cursor."""

    hits: list[Hit]
    total: int
    facets: dict[str, list[FacetCount]]
    next: str | None


@runtime_checkable
class SearchIndex(Protocol):
    """Every record of every review, findable.

    Promises, on every adapter:
    - `put` returns when the documents are durable; a document whose record has changed since it was read is
      refused and nothing of it is stored, so that writers who read, join and put again lose nothing of each
      other (`services.search.ports.index.writing.write` does that);
    - `get` sees every `put` that has returned, `search` and `count` see it after the next `refresh`, or within seconds;
    - only described records that are not gone are found and counted, and only in their own review;
    - pages follow each other without a gap or a repetition as long as nothing is written meanwhile;
    - all processes that opened the same name see the same index, also across a `swap`.

    Thread-safe. Every method but `close` raises Unavailable, saying why, when the index cannot be reached.
    """

    @property
    def pieces(self) -> Pieces:
        """What the synthesis says, in the same generation."""
        ...

    def ready(self) -> None:
        """Checks that the index can do what is asked of it, and makes the first, empty one if there is none.

        Raises Invalid when it lacks something (a version), or was built with another analyzer, naming it.
        """
        ...

    def ping(self) -> None:
        """Raises Unavailable unless the index answers."""
        ...

    def mark(self) -> str:
        """Names this generation, or the live one, unlike every other one there ever was: a generation that was made
        anew after the index was lost has another mark, whatever it is called."""
        ...

    def current(self) -> bool:
        """Whether this generation, or the live one, has the form that this release writes and reads; else nothing but
        `ping`, `mark`, `fresh`, `swap` and `drop` works, and Unavailable is raised."""
        ...

    def get(self, records: Collection[str]) -> dict[str, Document]:
        """The documents of these records, gone ones too; a record that was never put is absent."""
        ...

    def put(self, documents: Iterable[Document]) -> set[str]:
        """Stores documents and returns the records that were refused: stored ones that `seen` does not know.

        Raises Rejected, naming the record, for a document the index will never accept; others of the same
        call may have been stored then.
        """
        ...

    def refresh(self) -> None:
        """Makes all that was put findable."""
        ...

    def search(self, query: Query) -> Results:
        """Raises Invalid, with the place, when the text cannot be understood or the cursor is another query's."""
        ...

    def like(self, record: str, review: str, limit: int) -> list[Hit]:
        """Records of a review that say much of what tells this one from others, the most alike first; never itself,
        and none for one that is not found there."""
        ...

    def count(self, review: str | None = None) -> int:
        """How many records can be found, in a review or in all."""
        ...

    def fresh(self) -> SearchIndex:
        """A new, empty generation beside the live one, with its own `close`. Nobody else sees it."""
        ...

    def swap(self, new: SearchIndex) -> None:
        """Puts a `fresh` generation in the place of the live one, in one step; `new` is spent.

        All other generations are dropped, also those of rebuilds that died or are still running, whose next
        call fails. What was put into the old generation since the rebuild read it is not in the new one:
        replay the log's tail after the swap. Raises Conflict when another swap has dropped `new`.
        """
        ...

    def drop(self) -> None:
        """Deletes this generation and all that is in it, for a rebuild that is given up, and for tests.

        What is gone already stays gone, and a `fresh` one that a swap has made the live one is left alone.
        """
        ...

    def close(self) -> None: ...


def earliest(bibliography: Bibliography) -> int:
    """The first day a record's date may mean, as the number YYYYMMDD; 0 without a date."""
    if not bibliography.published:
        return 0
    year, month, day = [*bibliography.published.split("-"), "01", "01"][:3]
    return int(year + month + day)


def as_number(day: date) -> int:
    """A day as the number YYYYMMDD, comparable with `earliest`."""
    return day.year * 10_000 + day.month * 100 + day.day


def _error(at: str, why: str) -> dict[str, str]:
    return {"at": at, "why": why}
