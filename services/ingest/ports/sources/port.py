"""What a bibliographic source promises; held by tests/contract/test_sources.py on every adapter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import not_
from typing import Literal, Protocol

import orjson
from pydantic import Field, model_validator

from shared.errors import Invalid, Unavailable
from shared.events.base import Value
from shared.events.ingest import NoticeKind
from shared.events.values import Identifiers, PartialDate
from shared.wire.ingest import Dating as Dating
from shared.wire.ingest import Direction as Direction

#: How much of an item that cannot be used is kept, in characters.
EXCERPT = 500

#: Characters of a cursor at most.
LONGEST_CURSOR = 2_000

#: What a work is, in one vocabulary for all sources; a term nobody mapped is `other`.
Kind = Literal[
    "article",
    "review",
    "preprint",
    "conference_paper",
    "book",
    "chapter",
    "thesis",
    "report",
    "editorial",
    "letter",
    "dataset",
    "notice",
    "other",
]


#: Seconds that an adapter waits at most by itself. A source that asks for more is left alone until then.
LONGEST_PAUSE = 120.0


class SourceUnavailable(Unavailable):
    """The source does not answer, or not yet: try again, not sooner than `retry_after` seconds if given."""

    slug = "source_unavailable"

    def __init__(self, detail: str, *, source: str, retry_after: float | None = None) -> None:
        super().__init__(detail, source=source, retry_after=retry_after)
        self.source = source
        self.retry_after = retry_after


class SourceDrifted(Unavailable):
    """The source answered in a form its documentation does not have: a person must look."""

    slug = "source_drifted"

    def __init__(self, detail: str, *, source: str) -> None:
        super().__init__(detail, source=source)
        self.source = source


class SourceRefused(Invalid):
    """The source understood and said no (strategy, limits, key): a person must change something."""

    slug = "source_refused"

    def __init__(self, detail: str, *, source: str) -> None:
        super().__init__(detail, source=source)
        self.source = source


class Query(Value):
    """A strategy in the source's own syntax, and the days it is asked about, both included.

    `by` says which of a work's days they are; it must be one of the source's `datings`.
    """

    text: str = Field(min_length=1)
    since: date
    until: date
    by: Dating = "came"

    @model_validator(mode="after")
    def _window_runs_forward(self) -> Query:
        if self.since > self.until:
            raise ValueError(f"the window begins on {self.since}, after its end on {self.until}")
        return self


class Notice(Value):
    """A retraction, correction or the like that a source tells of.

    `of` names the work it strikes, or `text` does, a title or a reference, where the source gives no identifier;
    without both it strikes the very record that carries it. `by` names the notice itself where the source does
    (`doi:...`, `pmid:...`, else a reference). `said` is the source's word where `kind` says less.
    """

    kind: NoticeKind
    of: Identifiers | None = None
    text: str | None = None
    by: str | None = None
    published: PartialDate | None = None
    said: str | None = None


class SourceRecord(Value):
    """One source's description of one work, as the source has it; identifiers and dates normalised.

    `authors` and `editors` are `Family, Given` where the source keeps the parts apart, else as written there.
    `keywords` are those of its authors and of its indexers. `other_venues` are further names of the venue, such as its
    abbreviations. `pages` are as the source writes them, with a plain hyphen; of a work that has a number instead of
    pages, some sources write that there.
    `entered` and `updated` are the source's own stamps; they do not tell whether anything we use has
    changed, `content_hash` does. Of one that is `restricted` it holds no more than may be told.
    """

    source: str
    source_id: str
    title: str | None = None
    other_titles: list[str] = []
    abstract: str | None = None
    keywords: list[str] = Field(default=[], exclude_if=not_)
    authors: list[str] = []
    editors: list[str] = Field(default=[], exclude_if=not_)
    venue: str | None = None
    other_venues: list[str] = Field(default=[], exclude_if=not_)
    volume: str | None = Field(default=None, exclude_if=not_)
    issue: str | None = Field(default=None, exclude_if=not_)
    pages: str | None = Field(default=None, exclude_if=not_)
    article_number: str | None = Field(default=None, exclude_if=not_)
    issns: list[str] = Field(default=[], exclude_if=not_)
    isbns: list[str] = Field(default=[], exclude_if=not_)
    publisher: str | None = Field(default=None, exclude_if=not_)
    urls: list[str] = Field(default=[], exclude_if=not_)
    published: PartialDate | None = None
    kind: Kind = "other"
    language: str | None = None
    identifiers: Identifiers = Identifiers()
    notices: list[Notice] = []
    restricted: bool = Field(default=False, exclude_if=not_)
    entered: date | None = None
    updated: date | None = None

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) over every field but the stamps: equal means nothing we use has changed.

        A field that came in a later release counts only where it says something, so that a release alone changes none.
        In what order keywords stand is nothing that we use: some sources sort them anew every day.
        """
        used = self.model_dump(mode="json", exclude={"entered", "updated"})
        if self.keywords:
            used["keywords"] = sorted(self.keywords)
        return hashlib.sha256(orjson.dumps(used, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Rejection(Value):
    """An item of a page that is not a usable record: which, why, and the beginning of what came.

    `position` counts from 0 within its page.
    """

    source: str
    source_id: str | None
    position: int
    reason: str
    excerpt: str = Field(max_length=EXCERPT)


class Link(Value):
    """That an item with the id `found` is cited by the report of a record (`backward`) or cites it (`forward`)."""

    seed: str
    found: str
    direction: Direction


class Page(Value):
    """One page of a walk. Every item the source sent on it is in `records` or in `rejections`.

    `cursor` is where to go on after this page; the last page of a walk, and only it, has none.
    `reported` is the source's own count for the whole window; it may move during a walk. `missing` are ids that the
    source listed and did not give, though it was asked for them again. `remarks` are
    what the source said about the strategy (a phrase it ignored), and what of its items had to be left out or
    mended (a date that is a placeholder, a byte that is no character). `quota` are its rate and budget headers. `links`
    are of those of its items that a chase of citations found. `lacking` is how many works a walk within a chase, once
    it is over, has given less than its count says, beside those in `missing`: nobody can tell which they are.
    """

    records: list[SourceRecord] = []
    rejections: list[Rejection] = []
    cursor: str | None = None
    reported: int | None = None
    missing: list[str] = []
    remarks: list[str] = []
    quota: dict[str, str] = {}
    links: list[Link] = []
    lacking: int = 0

    @property
    def found(self) -> int:
        return len(self.records) + len(self.rejections)

    @property
    def distinct(self) -> set[tuple[str, int | None]]:
        """What tells its items apart: their ids; of those without one, how they begin and their place on the page."""
        rejected = {
            (each.source_id or each.excerpt, None if each.source_id else each.position) for each in self.rejections
        }
        return rejected.union((each.source_id, None) for each in self.records)


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer of a source as it came, of whatever status. `asked` is method and address with all that was sent,
    without keys and addresses of persons; `at` is the machine's time. `quota` are its rate and budget headers."""

    asked: str
    status: int
    content_type: str
    at: datetime
    body: bytes = field(repr=False)
    quota: Mapping[str, str] = field(default_factory=dict)


#: What becomes of each answer of a walk; what it raises ends the walk.
Keep = Callable[[Heard], None]


def keep_nothing(heard: Heard) -> None:
    """For whoever asks only for the pages."""


class Source(Protocol):
    """A bibliographic API, walked page by page.

    Promises, on every adapter:
    - `pages` gives every item of the window at least once: as a record, or as a rejection with its reason;
    - it may be stopped after any page and begun again with that page's cursor, by another process and
      later, and then gives at least what was not yet given; where a source keeps no place, or lost it, it
      gives from the beginning again what was given before, so a caller must be able to meet an item twice;
    - a cursor belongs to the query it came from, is opaque, holds no secret, and is at most 2,000
      characters long;
    - an answer that is no documented one is an error (`SourceDrifted`), never an empty page;
    - a page that holds less than the source's own count, list of ids or rule for the end let expect is asked for again;
      what then still lacks is for the caller to see from `reported` and `missing`, as no walk ends in silence;
    - every answer that came whole goes to `keep` before the page that is read from it is given, and also one that is
      busy, refused or no documented one.

    Raises SourceUnavailable, SourceDrifted or SourceRefused; pages given before stay good.
    """

    name: str

    #: By which days it can be asked, the best one for what is new first. One that knows the days of publication alone
    #: misses what is indexed late, and so needs a long look back.
    datings: tuple[Dating, ...]

    #: How many days a window should at least reach back behind the end of the last one.
    least_overlap_days: int

    #: The share of its own count by which a source may give fewer works, since its count is no exact one.
    slack: float

    #: How many works it is asked for at once by their ids.
    ids_at_once: int

    def pages(self, query: Query, cursor: str | None = None, keep: Keep = keep_nothing) -> Iterator[Page]: ...

    def look_up(self, ids: Sequence[str], since: date, keep: Keep = keep_nothing) -> Iterator[Page]:
        """The works with these ids of the source, at most `ids_at_once`, as they are now.

        What has not changed since that day may be left out, and what the source has no more is. Pages of it have no
        cursor. Raises as `pages` does; SourceRefused where any of the ids is one that it does not take.
        """
        ...

    def read_again(self, heard: Heard) -> Page | None:
        """The items of an answer that was kept, as they are read today, in their places; asks nobody.

        None where the answer carries no works: a list of ids, an error, what is in no documented form.
        """
        ...
