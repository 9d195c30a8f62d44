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
