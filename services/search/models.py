"""Search's tables: its rebuilds. What can be found is in the index, which the log can always make again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from shared.db.tables import table_base
from shared.db.types import Instant

Base = table_base()


class Rebuild(Base, table=True):
    """A rebuild of the index: `waiting`, `running`, `done` or `failed` (with its reason)."""

    __tablename__ = "rebuilds"

    id: str = Field(primary_key=True)
    state: str = Field(default="waiting", index=True)
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    events: int = 0
    skipped: int = 0
    error: str | None = None
