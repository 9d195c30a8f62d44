"""The tables that every service's database has: outbox, inbox, held keys, dead letters, answered commands.

A service's own tables stand on a base of their own (`class Base(SQLModel, registry=registry())`): services share no
tables.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, Select, select, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel, col

from shared.db.types import Counter, Instant, Json
from shared.states import States
from shared.wire.common import LetterState


class BusBase(SQLModel, registry=registry()):
    """A table that every service's database has."""


class OutboxRow(BusBase, table=True):
    """An event this service told: its journal."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_of_review", "review", "seq"), {"sqlite_autoincrement": True})

    seq: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    event_id: str = Field(unique=True)
    correlation: str = Field(index=True)
    review: str
    type: str
    topic: str
    key: str
    payload: str
    recorded_at: datetime = Field(sa_type=Instant)
    #: Of the trace in which it was told (W3C Trace Context); None outside of any.
    traceparent: str | None = None


class WaitingRow(BusBase, table=True):
    """An event of the outbox that the relay has not brought to the log. A row of its own, since to mark the event would
    write its payload and all its indexes anew."""

    __tablename__ = "outbox_waiting"
    __table_args__ = ({"sqlite_autoincrement": True},)

    turn: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    event_id: str


def published() -> Select[OutboxRow]:
    """The events of the outbox that the relay has brought to the log."""
    query = select(OutboxRow).outerjoin(WaitingRow, col(WaitingRow.event_id) == col(OutboxRow.event_id))
    return query.where(col(WaitingRow.turn).is_(None))


class CauseRow(BusBase, table=True):
    """One of several events that led to an event, beside the one its envelope names."""

    __tablename__ = "outbox_causes"

    cause: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)


class PublishedUpToRow(BusBase, table=True):
    """The last event this service put on a partition of the log: at the next start the log must still have it."""

    __tablename__ = "published_up_to"

    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    offset: int = Field(sa_type=Counter)
    event_id: str
    at: datetime = Field(sa_type=Instant)


class HeardUpToRow(BusBase, table=True):
    """The last message of a partition that this service is done with. Ahead of it the group may only have stored
    what does not concern the service: else this database is older than the log believes."""

    __tablename__ = "heard_up_to"

    consumer: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    offset: int = Field(sa_type=Counter)
    #: None for a message that was no event.
    event_id: str | None = None
    at: datetime = Field(sa_type=Instant)


class InboxRow(BusBase, table=True):
    """An event this service has heard, so that a second delivery changes nothing.

    Its position on the log says when it may be forgotten; rows of before positions were kept have none.
    """

    __tablename__ = "inbox"
    consumer: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    heard_at: datetime = Field(sa_type=Instant)
    topic: str | None = None
    partition: int | None = None
    offset: int | None = Field(default=None, sa_type=Counter)


class HeardTypeRow(BusBase, table=True):
    """A type of event that this service reacts to, and since when: what is not here was never heard, even where
    the consumer's offsets have passed it."""

    __tablename__ = "heard_types"

    consumer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    since: datetime = Field(sa_type=Instant)


class HeldKeyRow(BusBase, table=True):
    """A key of a topic that stands still for this consumer: its events are parked, in order, until it goes on.

    `cause` is `fault` (its dead letter `letter` waits for a person), `not_yet` (its first event needs another one),
    `unknown_version` (a later release knows it) or `released` (it goes on as soon as the listener comes to it).
    """

    __tablename__ = "held_keys"
    __table_args__ = (Index("held_keys_due", "consumer", "try_at"),)

    consumer: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    partition: int
    review: str | None = None
    cause: str
    reason: str
    letter: str | None = None
    since: datetime = Field(sa_type=Instant)
    tries: int = 0
    #: By the machine's clock, since the platform's may stand still; None while only a person can let it go on.
    try_at: datetime | None = Field(default=None, sa_type=Instant)


class ParkedEventRow(BusBase, table=True):
    """An event whose key is held: heard, in the inbox, and not done yet."""

    __tablename__ = "parked_events"
    __table_args__ = (Index("parked_of_key", "consumer", "topic", "key", "offset"),)

    consumer: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    offset: int = Field(primary_key=True, sa_type=Counter)
    key: str
    event_id: str
    type: str
    value: bytes
    parked_at: datetime = Field(sa_type=Instant)
    traceparent: str | None = None


class PutOffEventRow(BusBase, table=True):
    """The newest event of a key that needs more than this release can: heard, and not adopted. A later release does it
    at its start; an event of the key that can be done makes it void.

    `lacks` are the features that are needed and not there, `reason` says why it was not done when it was tried.
    """

    __tablename__ = "put_off_events"

    consumer: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    review: str
    event_id: str
    value: bytes
    lacks: str
    reason: str | None = None
    since: datetime = Field(sa_type=Instant)
    traceparent: str | None = None


class LetterStates(States[LetterState]):
    """A message that was set aside, until a person decides."""

    WAITING: Final = "waiting"
    RETRIED: Final = "retried"
    DISCARDED: Final = "discarded"

    what = "dead letter"
    moves = {
        (None, WAITING): "a message cannot be done, or read",
        (WAITING, RETRIED): "a person has it tried again, and it is done",
        (WAITING, DISCARDED): "a person says that it is never done",
        (RETRIED, DISCARDED): "the message came again, was parked, and is given up",
        (DISCARDED, DISCARDED): "the message came again, was parked, and is given up",
    }


class DeadLetterRow(BusBase, table=True):
    """A delivery that does not work as it is, kept whole with its reason until someone decides.

    `slug` is the kind of the reason, `raised_at` the place in the code that gave it (`module:function`, or "" for
    what could not be read): letters of one type, slug and place have one cause. `holds` says that later events of
    its key wait for the decision.
    """

    __tablename__ = "dead_letters"
    __table_args__ = (
        Index("dead_letters_place", "consumer", "topic", "partition", "offset", unique=True),
        Index("dead_letters_causes", "state", "type", "slug", "raised_at", "id"),
    )

    id: str = Field(primary_key=True)
    consumer: str
    topic: str
    partition: int
    offset: int = Field(sa_type=Counter)
    key: str | None = None
    event_id: str | None = Field(default=None, index=True)
    review: str | None = Field(default=None, index=True)
    type: str | None = None
    value: bytes
    slug: str
    raised_at: str = Field(default="", sa_column_kwargs={"server_default": ""})
    reason: str
    holds: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    state: LetterState = Field(default=LetterStates.WAITING, sa_type=AutoString, index=True)
    set_aside_at: datetime = Field(sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_by: str | None = None
    decided_why: str | None = None
    traceparent: str | None = None


class FactRow(BusBase, table=True):
    """Something this database was first used with and must be used with ever after, such as the signing key's
    fingerprint."""

    __tablename__ = "facts"

    name: str = Field(primary_key=True)
    value: str
    since: datetime = Field(sa_type=Instant)


class CommandRow(BusBase, table=True):
    """A person's command and its answer, so that a retried request is answered, not done again."""

    __tablename__ = "commands"

    person: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    command: str
    digest: str
    answer: dict[str, Any] = Field(sa_type=Json)
    done_at: datetime = Field(sa_type=Instant, index=True)


class BlobBase(SQLModel, registry=registry()):
    """A table of the databases of those services that keep blobs (`Service.blobs`)."""


class BlobNameRow(BlobBase, table=True):
    """A blob that is in use, and by what. One that nothing uses goes."""

    __tablename__ = "blob_names"

    sha256: str = Field(primary_key=True)
    used_by: str = Field(primary_key=True)
    since: datetime = Field(sa_type=Instant, index=True)


class BlobRow(BlobBase, table=True):
    """A blob that is kept in rows, whose chunks bear the id of its draft; `stored_at` is when it was put or named last,
    by the machine's clock."""

    __tablename__ = "blobs"

    sha256: str = Field(primary_key=True)
    draft: str
    size: int = Field(sa_type=Counter)
    stored_at: datetime = Field(sa_type=Instant)


class BlobDraftRow(BlobBase, table=True):
    """A blob that is being written, or whose writer died. Ids sort by age."""

    __tablename__ = "blob_drafts"

    id: str = Field(primary_key=True)


class BlobChunkRow(BlobBase, table=True):
    """A compressed chunk of a blob or of a draft."""

    __tablename__ = "blob_chunks"

    draft: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    data: bytes
