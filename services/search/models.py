"""Search's tables: its rebuilds, and the searches that people saved. What can be found is in the index, which the log
can always make again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.search.domain import RebuildStates
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
    """A search that somebody comes back to: `asked` is what it asks for. Of one name each has one in a review."""

    __tablename__ = "saved_searches"
    __table_args__ = (
        Index("saved_searches_of_owner", "review", "owner", "id"),
        Index("saved_searches_by_name", "review", "owner", "name", unique=True),
    )

    id: str = Field(primary_key=True)
    review: str
    owner: str
    name: str
    asked: dict[str, Any] = Field(sa_type=Json)
    saved_at: datetime = Field(sa_type=Instant)
