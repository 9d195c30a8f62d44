"""What every service answers alike: its journal of events, and its dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class JournalEntry(BaseModel):
    """An event a service told: its CloudEvents envelope, its place in the service's journal, its other causes."""

    seq: int
    event: dict[str, Any]
    because: list[str] = []
    published_at: datetime | None = None


class DeadLetterView(BaseModel):
    """A delivery set aside, with its reason. `value` is the message as text, with what is not UTF-8 escaped."""

    id: str
    topic: str
    partition: int
    offset: int
    type: str | None
    slug: str
    reason: str
    state: str
    set_aside_at: datetime
    value: str
