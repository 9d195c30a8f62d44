"""The tables that every service's database has: outbox, inbox, dead letters, answered commands.

A service's own tables stand on a base of their own (`table_base`), since services share no tables.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db.types import Counter, Instant, Json


def table_base() -> type[SQLModel]:
    """A fresh base class for one service's tables, with metadata of its own (`Base.metadata`)."""

    class Base(SQLModel, registry=registry()):
        pass

    return Base


BusBase = table_base()


class OutboxRow(BusBase, table=True):
    """An event this service told: first waiting for the relay, afterwards the service's own journal."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_unpublished",
            "seq",
            postgresql_where=text("published_at IS NULL"),
            sqlite_where=text("published_at IS NULL"),
        ),
        Index("outbox_of_review", "review", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    event_id: str = Field(unique=True)
    correlation: str = Field(index=True)
    review: str
    type: str
    topic: str
    key: str
    payload: str
    recorded_at: datetime = Field(sa_type=Instant)
    published_at: datetime | None = Field(default=None, sa_type=Instant)


class CauseRow(BusBase, table=True):
    """One of several events that led to an event, beside the one its envelope names."""

    __tablename__ = "outbox_causes"

    cause: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)


class InboxRow(BusBase, table=True):
    """An event this service has heard, so that a second delivery changes nothing."""

    __tablename__ = "inbox"

    consumer: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    heard_at: datetime = Field(sa_type=Instant)


class DeadLetter(BusBase, table=True):
    """A delivery that will never work as it is, kept whole with its reason until someone decides."""

    __tablename__ = "dead_letters"
    __table_args__ = (Index("dead_letters_place", "consumer", "topic", "partition", "offset", unique=True),)

    id: str = Field(primary_key=True)
    consumer: str
    topic: str
    partition: int
    offset: int = Field(sa_type=Counter)
    event_id: str | None = Field(default=None, index=True)
    type: str | None = None
    value: bytes
    slug: str
    reason: str
    state: str = Field(default="waiting", index=True)  # waiting, retried
    set_aside_at: datetime = Field(sa_type=Instant)
    retried_at: datetime | None = Field(default=None, sa_type=Instant)


class CommandRow(BusBase, table=True):
    """A person's command and its answer, so that a retried request is answered, not done again."""

    __tablename__ = "commands"

    person: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    command: str
    digest: str
    answer: dict[str, Any] = Field(sa_type=Json)
    done_at: datetime = Field(sa_type=Instant, index=True)
