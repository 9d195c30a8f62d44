"""What protocol takes and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shared.events.protocol import Protocol


class Applied(BaseModel):
    """What became of a protocol that was applied: its version, and whether that is a new one. `warnings` say what the
    team that it names lacks to do what its stages ask."""

    review: str
    version: int
    sha256: str
    changed: bool
    warnings: list[str] = []


class ReviewView(BaseModel):
    """A review and the newest version of its protocol."""

    review: str
    title: str
    version: int
    sha256: str
    published_by: str
    published_at: datetime


class SourceAsked(BaseModel):
    """A source that a protocol has searched, by the name that revisions know it by; `database` is what people call one
    that is searched by hand."""

    source: str
    database: str | None = None


class QuestionView(BaseModel):
    """What a review asks, and the sources that its newest protocol has searched for that."""

    review: str
    title: str
    question: str
    sources: list[SourceAsked] = []


class VersionHead(BaseModel):
    """Which version, by whom and when; `why`, where that was said; and how many things it says otherwise than the one
    before it, by the part of the protocol (`changed`), None of one that an earlier release made."""

    review: str
    version: int
    sha256: str
    published_by: str
    published_at: datetime
    why: str | None = None
    changed: dict[str, int] | None = None


class VersionView(VersionHead):
    """One version, with the whole protocol."""

    protocol: Protocol


class Difference(BaseModel):
    """A part of a protocol that is new (`before` None), gone (`after` None) or other; `at` names it as errors do, with
    parts of lists by their names: `stages.full_text.votes`."""

    at: str
    before: Any = None
    after: Any = None


class Changes(BaseModel):
    """What a version says otherwise than the one before it; of the first, nothing."""

    review: str
    version: int
    changes: list[Difference]


class Warned(BaseModel):
    """What a source cannot say of a strategy: of which term, where it is one's."""

    term: str | None
    why: str


class StrategyAsked(BaseModel):
    """A strategy at a source: the exact strings that are asked, whether what comes is held against the strategy, and
    what the source cannot say."""

    strategy: str
    source: str
    strings: list[str]
    filtered: bool
    warnings: list[Warned]


class Checked(BaseModel):
    """A protocol that may be applied, of which nothing is kept: the newest version (0 where there is none), what it
    says otherwise than that, and what each source will be asked. `warnings` are those of `Applied`."""

    review: str
    newest: int
    changes: list[Difference]
    asked: list[StrategyAsked]
    warnings: list[str]
    protocol: Protocol
