"""What protocol takes and answers."""

from __future__ import annotations

from datetime import datetime

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


class QuestionView(BaseModel):
    """What a review asks."""

    review: str
    title: str
    question: str


class VersionHead(BaseModel):
    """Which version, by whom and when."""

    review: str
    version: int
    sha256: str
    published_by: str
    published_at: datetime


class VersionView(VersionHead):
    """One version, with the whole protocol."""

    protocol: Protocol
