"""What every service answers alike: its journal of events, and its dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

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


class Readiness(BaseModel):
    """Each thing each service depends on: `ok`, or what is wrong with it."""

    ready: bool
    services: dict[str, dict[str, str]]


class HeldKeyView(BaseModel):
    """A key of a topic whose events wait: `parked` of them, behind one that failed, needs another first or is of
    an unknown version; or `released` and about to be done. `letter` is the dead letter that holds it, if one does."""

    topic: str
    partition: int
    key: str
    review: str | None
    cause: Literal["fault", "not_yet", "unknown_version", "released"]
    reason: str
    since: datetime
    parked: int
    letter: str | None


class DeadLetterGroup(BaseModel):
    """Waiting dead letters that have type, reason and place in common; `example` is one of them."""

    group: str
    type: str | None
    slug: str
    place: str | None
    count: int
    oldest: datetime
    newest: datetime
    example: str
