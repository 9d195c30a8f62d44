"""What search says over HTTP: pages of records, with facets and what was found marked, and rebuilds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.events.ingest import Bibliography, NoticeKind
from shared.wire.common import Given, Line, Long, Short

RebuildState = Literal["waiting", "running", "done", "failed"]


class FoundNotice(BaseModel):
    """What happened to a record's report after it appeared, and still stands; `drill` marks an exercise."""

    notice: str
    kind: NoticeKind
    source: str
    reason: str
    drill: bool


class FoundRecord(BaseModel):
    """A record that was found: one that people left out at a stage is `excluded`, one that a rule of the protocol does
    `kept_out`. It has the notices of its report that stand. `marked` holds HTML: <mark> around what was found, all else
    escaped."""

    record: str
    status: Literal["screening", "included", "excluded", "kept_out"]
    stage: str | None
    bibliography: Bibliography
    marked: dict[str, list[str]]
    score: float | None
    notices: list[FoundNotice] = []


class FacetValue(BaseModel):
    """How many of the records found have this value."""

    value: str
    count: int


class SearchPage(BaseModel):
    """One page of what was found, how much there is in all, and the facets asked for."""

    items: list[FoundRecord]
    total: int
    facets: dict[str, list[FacetValue]]
    next: str | None


class AlikeRecords(BaseModel):
    """Records that are like one, the most alike first."""

    items: list[FoundRecord]


class FoundLink(BaseModel):
    """What a fragment that was found is tied to."""

    link: str
    cmoc: str
    element: str
    stance: str
    inference: str


class FoundFragment(BaseModel):
    """A fragment of the evidence that was found. `quote` is there where its words were found in a copy that is open.
    `suspended` says that a notice about its report holds it up; `notices` are those of the report that stand. `marked`
    holds HTML: <mark> around what was found, all else escaped."""

    fragment: str
    record: str
    study: str
    locator: str | None
    paraphrase: str
    quote: str | None
    suspended: bool
    links: list[FoundLink]
    notices: list[FoundNotice] = []
    marked: list[str]
    score: float | None


class FragmentPage(BaseModel):
    """One page of fragments, how many there are in all, and the facets asked for."""

    items: list[FoundFragment]
    total: int
    facets: dict[str, list[FacetValue]]
    next: str | None


class AlikeFragments(BaseModel):
    """Fragments that are like one, the most alike first."""

    items: list[FoundFragment]


class FoundTheory(BaseModel):
    """A CMOC that was found, with its programme theory. `standing` is `stated`, or what it is once the protocol states
    it no more, with `why` and `into` which CMOCs it went; `status` is what the draft says of its evidence."""

    cmoc: str
    theory: str
    heading: str
    statement: str
    context: str
    resource: str
    reasoning: str
    outcome: str
    standing: Literal["stated", "set_aside", "refuted", "merged", "split"]
    why: str | None
    into: list[str]
    status: str | None
    support: int | None
    marked: list[str]
    score: float | None


class TheoryPage(BaseModel):
    """One page of CMOCs, how many there are in all, and the facets asked for."""

    items: list[FoundTheory]
    total: int
    facets: dict[str, list[FacetValue]]
    next: str | None


class FoundRelease(BaseModel):
    """A signed revision that was found, by its summary or by the words of what it changed; `drill` is an exercise.
    `withdrawn` is why nobody should go by it any more, and `replaced_by` the number of the one to read instead."""

    number: int
    title: str
    summary: str
    change_class: Literal["MAJOR", "MINOR", "PATCH", "NONE"]
    drill: bool
    withdrawn: str | None = None
    replaced_by: int | None = None
    marked: list[str]
    score: float | None


class ReleasePage(BaseModel):
    """One page of signed revisions, how many there are in all, and the facets asked for."""

    items: list[FoundRelease]
    total: int
    facets: dict[str, list[FacetValue]]
    next: str | None


class RebuildView(BaseModel):
    """A rebuild of the index from the log. `skipped` deliveries were no events; they are dead letters."""

    id: str
    state: RebuildState
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    events: int
    skipped: int
    error: str | None


class Rebuilds(BaseModel):
    """The newest rebuilds, newest first."""

    items: list[RebuildView]


_Day = Annotated[date, Field(strict=False)]
_Values = Annotated[list[Short], Field(max_length=50)]


class NewSavedSearch(Given):
    """A search that one comes back to: what one calls it, and what is asked for, as when records are found."""

    name: Annotated[Line, Field(max_length=200)]
    q: Long = ""
    published_from: _Day | None = None
    published_until: _Day | None = None
    status: _Values = []
    stage: _Values = []
    source: _Values = []
    kind: _Values = []
    language: _Values = []
    venue: _Values = []
    notice: _Values = []
    sort: Literal["relevance", "newest"] = "relevance"
    alert: bool = False


class AlertAsked(Given):
    """Whether a saved search tells of what comes to match it."""

    alert: bool


class SavedSearch(BaseModel):
    """A search of one's own in a review, which nobody else sees. One with an `alert` tells of each record once, when it
    comes to match, at most every ten minutes."""

    saved: str
    name: str
    q: str = ""
    published_from: date | None = None
    published_until: date | None = None
    status: list[str] = []
    stage: list[str] = []
    source: list[str] = []
    kind: list[str] = []
    language: list[str] = []
    venue: list[str] = []
    notice: list[str] = []
    sort: Literal["relevance", "newest"] = "relevance"
    saved_at: datetime
    alert: bool = False
