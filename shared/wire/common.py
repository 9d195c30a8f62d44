"""What every service answers alike: its journal of events, its dead letters, and the keys they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class JournalEntry(BaseModel):
    """An event a service told: its CloudEvents envelope, its place in the service's journal, its other causes."""

    seq: int
    event: dict[str, Any]
    because: list[str] = []
    published_at: datetime | None = None


class DeadLetterView(BaseModel):
    """A delivery set aside, with its reason and the place in the code that gave it. `holds` says that later events
    of its key wait for the decision."""

    id: str
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: str | None
    review: str | None
    type: str | None
    slug: str
    raised_at: str
    reason: str
    holds: bool
    state: str
    set_aside_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decided_why: str | None


class DeadLetterText(DeadLetterView):
    """The same with the message as text, in which what is not UTF-8 is escaped."""

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


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Discard(_Body):
    """Why a dead letter is never done."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class DeadLetterDecision(BaseModel):
    """A discarded letter, and what follows: `behind` later events of its key go on without it."""

    letter: DeadLetterView
    behind: int
    follows: str


class RetryGroup(_Body):
    """Try at most `limit` letters of a group, oldest first, those after the letter `after`; `all` goes on after one
    that still does not work."""

    all: bool = False
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: Annotated[str, Field(max_length=100)] | None = None


class DiscardGroup(Discard):
    """Discard at most `limit` letters of a group, oldest first, and why."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Failure(BaseModel):
    """A letter that still does not work, and why."""

    letter: str
    slug: str
    reason: str


class GroupDecision(BaseModel):
    """How many letters of a group were done and how many failed, how many are left, the last that was looked at."""

    done: int
    failed: int
    left: int
    last: str | None
    first_failure: Failure | None
