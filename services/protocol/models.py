"""Tables: reviews, and the versions of their protocols."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db.types import Instant, Json


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""


class ReviewRow(Base, table=True):
    """A review, and which version of its protocol is the newest."""

    __tablename__ = "reviews"

    review: str = Field(primary_key=True)
    title: str
    version: int
    sha256: str
    published_by: str
    published_at: datetime = Field(sa_type=Instant)


class VersionRow(Base, table=True):
    """One version of a protocol, whole. Written once; the key lets two leads not take the same number.

    `why` is what whoever made it said of that, and `changed` how many things it says otherwise than the version before
    it, by the part of the protocol; None of one that an earlier release wrote.
    """

    __tablename__ = "versions"

    review: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    sha256: str
    document: dict[str, Any] = Field(sa_type=Json)
    published_by: str
    published_at: datetime = Field(sa_type=Instant)
    why: str | None = None
    changed: dict[str, int] | None = Field(default=None, sa_type=Json)
