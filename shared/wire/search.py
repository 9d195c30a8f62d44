"""What search says over HTTP: pages of records, with facets and what was found marked, and rebuilds."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from shared.events.ingest import Bibliography, NoticeKind

RebuildState = Literal["waiting", "running", "done", "failed"]


class FoundNotice(BaseModel):
    """What happened to a record's report after it appeared, and still stands; `drill` marks an exercise."""

    notice: str
    kind: NoticeKind
    source: str
    reason: str
    drill: bool


class FoundRecord(BaseModel):
    """A record that was found, with the notices of its report that stand. `marked` holds HTML: <mark> around what was
    found, all else escaped."""

    record: str
    status: Literal["screening", "included", "excluded"]
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
