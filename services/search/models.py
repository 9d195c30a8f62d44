"""Search's tables: its rebuilds, the searches that people saved, and what is told of these. What can be found is in
the index, which the log can always make again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.search.domain import Part, RebuildStates
from shared.db.types import Instant, Json
from shared.wire.search import RebuildState


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""


class RebuildRow(Base, table=True):
    """A rebuild of the index; a failed one with its reason."""

    __tablename__ = "rebuilds"

    id: str = Field(primary_key=True)
    state: RebuildState = Field(default=RebuildStates.WAITING, sa_type=AutoString, index=True)
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    events: int = 0
    skipped: int = 0
    error: str | None = None


class FirstStageRow(Base, table=True):
    """The stage at which records of a review came in when search first heard of one: that of whatever is found and of
    which no stage was told."""

    __tablename__ = "first_stages"

    review: str = Field(primary_key=True)
    stage: str


class SavedSearchRow(Base, table=True):
    """A search that somebody comes back to: `asked` is what it asks for. Of one name each has one in a review. It tells
    of what comes to match since `alerts_since`, None where it does not; `asks_of` are then the parts
    (`parts_asked`) whose news can have a record match it, and `alerted_at` is when it told last."""

    __tablename__ = "saved_searches"
    __table_args__ = (
        Index("saved_searches_of_owner", "review", "owner", "id"),
        Index("saved_searches_by_name", "review", "owner", "name", unique=True),
        Index(
            "saved_searches_that_alert",
            "review",
            "id",
            postgresql_where=text("alerts_since IS NOT NULL"),
            sqlite_where=text("alerts_since IS NOT NULL"),
        ),
        Index(
            "saved_searches_that_alert_of_whom",
            "owner",
            "review",
            postgresql_where=text("alerts_since IS NOT NULL"),
            sqlite_where=text("alerts_since IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    review: str
    owner: str
    name: str
    asked: dict[str, Any] = Field(sa_type=Json)
    saved_at: datetime = Field(sa_type=Instant)
    alerts_since: datetime | None = Field(default=None, sa_type=Instant)
    asks_of: str | None = None
    alerted_at: datetime | None = Field(default=None, sa_type=Instant)


class ArrivedRow(Base, table=True):
    """News of a record that some saved search of its review may tell of, by the event that told it; it goes when all of
    them were asked. `part` is what of the record is news, and `before` the record as it was without that: what matched
    then has not come to match. None where there was nothing, or it is not known."""

    __tablename__ = "arrived"
    __table_args__ = (Index("arrived_in_review", "review", "id"),)

    id: str = Field(primary_key=True)
    review: str
    record: str
    part: Part = Field(sa_type=AutoString)
    event: str | None = None
    before: dict[str, Any] | None = Field(default=None, sa_type=Json)
    arrived_at: datetime = Field(sa_type=Instant)


class MatchRow(Base, table=True):
    """That a saved search has found a record to tell of, which it does once. It stays as long as the search."""

    __tablename__ = "matches"

    saved: str = Field(primary_key=True, foreign_key="saved_searches.id")
    record: str = Field(primary_key=True)
    matched_at: datetime = Field(sa_type=Instant)


class UntoldRow(Base, table=True):
    """What a saved search has found `since` and does not tell of before `due_at`: the first records, each with its
    title and the event that told the news of it, and how many `more`."""

    __tablename__ = "untold"

    saved: str = Field(primary_key=True, foreign_key="saved_searches.id")
    review: str
    records: list[dict[str, Any]] = Field(sa_type=Json)
    more: int = 0
    since: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant, index=True)
