"""The tables of notify: who wants to be told, what there is to tell, and how far each telling has come."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.notify.domain import DeliveryStates
from shared.db.types import Instant, Json
from shared.events.synthesis import ChangeClass
from shared.wire.notify import Channel, DeliveryState, Every


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""


NotificationKind = Literal[
    "revision", "withdrawal", "course", "overdue", "trouble", "search", "agreement", "conflict", "queue", "progress",
    "alert", "test", "digest", "confirm",
]  # fmt: skip


class SubscriptionRow(Base, table=True):
    """A person's wish to be told. Ended ones stay, so that their deliveries can still be looked up.

    Of progress they are told at most once in so many `minutes`, None where they are not; `digested_at` is when that was
    last, and `digest` the event that it was about.

    Of mail `url` is the address. It waits for whoever reads it to confirm it `unconfirmed_until` then, None where it
    does not. `bounces` are the messages in a row that the address refused. A secret that was rotated signs beside the
    new one until `old_secret_until`, by the machine's clock.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("subscriptions_of_review", "review", "id"),
        Index("subscriptions_of_owner", "review", "owner", "id"),
        Index("subscriptions_of_whom", "owner", "id"),
        Index(
            "subscriptions_to_progress",
            "id",
            postgresql_where=text("minutes IS NOT NULL"),
            sqlite_where=text("minutes IS NOT NULL"),
        ),
        Index(
            "subscriptions_unconfirmed",
            "unconfirmed_until",
            "id",
            postgresql_where=text("unconfirmed_until IS NOT NULL"),
            sqlite_where=text("unconfirmed_until IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    review: str
    owner: str
    channel: Channel = Field(sa_type=AutoString)
    url: str | None = None
    host: str = ""
    #: The key of the signatures; needed as it is for each of them, so it is stored, and left out of every repr.
    secret: str | None = Field(default=None, repr=False)
    kinds: list[str] = Field(sa_type=Json)
    active: bool = True
    ended_why: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    minutes: int | None = None
    digested_at: datetime | None = Field(default=None, sa_type=Instant)
    digest: str | None = None
    theories: list[str] = Field(default=[], sa_type=Json)
    cmocs: list[str] = Field(default=[], sa_type=Json)
    least: ChangeClass = Field(default="NONE", sa_type=AutoString)
    every: Every = Field(default="at once", sa_type=AutoString)
    zone: str = "UTC"
    unconfirmed_until: datetime | None = Field(default=None, sa_type=Instant)
    bounces: int = 0
    old_secret: str | None = Field(default=None, repr=False)
    old_secret_until: datetime | None = Field(default=None, sa_type=Instant)


class InterestRow(Base, table=True):
    """What of a review's revisions a subscription is told of, and by how great a change at least
    (`services.notify.domain.filters`)."""

    __tablename__ = "interests"
    __table_args__ = (Index("interests_of_review", "review", "what", "rank", "subscription"),)

    subscription: str = Field(primary_key=True, foreign_key="subscriptions.id")
    what: str = Field(primary_key=True)
    review: str
    rank: int


class GatheredRow(Base, table=True):
    """A notification that waits to be told in a digest, due then; where it is None, with the revision that ends the
    cycle. It goes with the digest that tells it."""

    __tablename__ = "gathered"
    __table_args__ = (
        Index("gathered_of_notice", "notice"),
        Index(
            "gathered_due",
            "due_at",
            "subscription",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
    )

    subscription: str = Field(primary_key=True, foreign_key="subscriptions.id")
    notice: str = Field(primary_key=True, foreign_key="notices.id")
    created_at: datetime = Field(sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)


class ChangedCmocRow(Base, table=True):
    """That a revision changed a CMOC: the entries of the CMOC's own feed."""

    __tablename__ = "changed_cmocs"
    __table_args__ = (Index("changes_of_cmoc", "review", "cmoc", "number", "notice"),)

    notice: str = Field(primary_key=True, foreign_key="notices.id")
    cmoc: str = Field(primary_key=True)
    review: str
    number: int


class WithdrawnRow(Base, table=True):
    """That a revision was withdrawn: what the feeds say of its entry from then on."""

    __tablename__ = "withdrawn_revisions"

    review: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Instant)
    why: str
    replaced_by: int | None = None


class StandingRow(Base, table=True):
    """How the stages of a review stood when screening told it last, by the event that did."""

    __tablename__ = "standings"

    review: str = Field(primary_key=True)
    event: str
    stages: list[dict[str, Any]] = Field(sa_type=Json)
    at: datetime = Field(sa_type=Instant)
    correlation: str


class NotificationRow(Base, table=True):
    """Something to tell, frozen: `body` is byte for byte what every subscriber gets and every signature covers.

    Its id follows from what it is about, so that there is one however often its event is heard. Notifications of
    revisions and of the review's course are the entries of the feed, those of trouble, searches and agreement of the
    leads' own.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("notices_of_review", "review", "kind", "number", "id"),)

    id: str = Field(primary_key=True)
    review: str
    kind: NotificationKind = Field(sa_type=AutoString)
    about: str
    number: int = 0
    body: str = Field(sa_type=Text)
    written_at: datetime = Field(sa_type=Instant)
    correlation: str
    caused_by: str | None = None


class TroubleRow(Base, table=True):
    """How it stands with a source that a review asks and that once gave trouble.

    `since` is the day on which the trouble that stands was first told, None where all is clear; `last_day` the last
    day on which it was. `met_at` and `cleared_at` are when what was heard last happened, since runs and sweeps are
    heard in no order among each other. `rejecting` are the watches whose last run gave many items of no use.
    """

    __tablename__ = "troubles"

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    since: date | None = None
    last_day: date
    met_at: datetime = Field(sa_type=Instant)
    cleared_at: datetime | None = Field(default=None, sa_type=Instant)
    rejecting: list[str] = Field(default=[], sa_type=Json)


class DeliveryRow(Base, table=True):
    """A notification on its way to one subscription; at most one of the two together.

    `attempts` counts all that were made, `failures` those since it was last asked for. `leased_until` (by
    the machine's clock) keeps a second sender away while one is at it.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("notice", "subscription", name="deliveries_once"),
        Index("deliveries_of_subscription", "subscription", "id"),
        Index(
            "deliveries_due",
            "due_at",
            "id",
            postgresql_where=text(f"state = '{DeliveryStates.WAITING}'"),
            sqlite_where=text(f"state = '{DeliveryStates.WAITING}'"),
        ),
    )

    id: str = Field(primary_key=True)
    subscription: str = Field(foreign_key="subscriptions.id")
    notice: str = Field(foreign_key="notices.id")
    state: DeliveryState = Field(default=DeliveryStates.WAITING, sa_type=AutoString)
    attempts: int = 0
    failures: int = 0
    created_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    leased_until: datetime | None = Field(default=None, sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)


class AttemptRow(Base, table=True):
    """One try of a delivery, and what came of it."""

    __tablename__ = "attempts"

    delivery: str = Field(primary_key=True, foreign_key="deliveries.id")
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    status: int | None = None
    error: str | None = None
