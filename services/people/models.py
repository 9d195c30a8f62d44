"""The tables of people: persons, where they belong, how they are invited, and the keys by which they are known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.people.domain.handovers import HandoverStates
from shared.db.types import Counter, Instant, Json
from shared.wire.people import HandoverState, KeyKind, Role


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""


class PersonRow(Base, table=True):
    """Somebody who may act. All else knows them by their id; `name` is None once it was erased."""

    __tablename__ = "persons"

    id: str = Field(primary_key=True)
    name: str | None = Field(default=None, repr=False)
    #: Whether they may found reviews in which they have no role yet.
    founds: bool = False
    since: datetime = Field(sa_type=Instant)
    erased_at: datetime | None = Field(default=None, sa_type=Instant)


class ReviewRow(Base, table=True):
    """A review as people know it, also `*` for all of them: who changes who belongs to it locks this row.

    `founded_by` is None for one whose protocol came by itself. `pseudonyms` says that members see each other's numbers
    instead of names; `numbered` counts those given out. `public` says that anybody may read what it has published;
    `title` is what its newest protocol calls it, None before one was heard of.
    """

    __tablename__ = "reviews"
    __table_args__ = (Index("reviews_public", "review", postgresql_where=text("public"), sqlite_where=text("public")),)

    review: str = Field(primary_key=True)
    founded_by: str | None = None
    pseudonyms: bool = False
    public: bool = False
    title: str | None = None
    numbered: int = 0
    since: datetime = Field(sa_type=Instant)


class MemberRow(Base, table=True):
    """A person's belonging to a review, or to all (`*`). Who left stays, with `left_at`, so that they come back as
    themselves, and nobody else passes for them.

    `look` is what their name looks like there (`domain.names.look_of`): no two of a review look alike.
    """

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("review", "look", name="members_look_alike"),
        Index("members_of_person", "person", "review"),
    )

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    role: Role = Field(sa_type=AutoString)
    look: str = Field(repr=False)
    number: int
    joined_at: datetime = Field(sa_type=Instant)
    left_at: datetime | None = Field(default=None, sa_type=Instant)


class HandoverRow(Base, table=True):
    """The proposal that a member (`to`) takes a review over from a lead (`by`), who stays with another role. At most
    one of a review is open."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index("handovers_of_review", "review", "id"),
        Index(
            "handovers_open",
            "review",
            unique=True,
            postgresql_where=text(f"state = '{HandoverStates.OPEN}'"),
            sqlite_where=text(f"state = '{HandoverStates.OPEN}'"),
        ),
    )

    id: str = Field(primary_key=True)
    review: str
    by: str
    to: str
    why: str
    stays_as: Role = Field(sa_type=AutoString)
    state: HandoverState = Field(default=HandoverStates.OPEN, sa_type=AutoString)
    proposed_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)


class OldNameRow(Base, table=True):
    """The name under which somebody acted in a review before people had ids, and whose it is; once said, for good."""

    __tablename__ = "old_names"
    __table_args__ = (Index("old_names_of_person", "person"),)

    review: str = Field(primary_key=True)
    name: str = Field(primary_key=True, repr=False)
    person: str
    mapped_at: datetime = Field(sa_type=Instant)
    mapped_by: str


class InvitationRow(Base, table=True):
    """A link that makes whoever has it a member, once and until its end. Only the hash of its secret is kept.

    `person` is who it is for, where it lets somebody in again who is known already.
    """

    __tablename__ = "invitations"
    __table_args__ = (Index("invitations_of_review", "review", "id"),)

    id: str = Field(primary_key=True)
    hashed: str = Field(unique=True, repr=False)
    review: str
    role: Role | None = Field(default=None, sa_type=AutoString)
    founds: bool = False
    person: str | None = None
    invited_by: str
    made_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    used_by: str | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)


class KeyRow(Base, table=True):
    """What is exchanged for tokens. Only the hash of its secret is kept, which is too long to be guessed.

    `subject` is who acts by it: a person, or the key itself where it is a program's. `review` limits it to one, and
    `scopes` to what it is for; None is all that its person may do.
    """

    __tablename__ = "keys"
    __table_args__ = (
        Index("keys_of_subject", "subject", "id"),
        Index("keys_of_maker", "made_by", "id"),
        Index(
            "keys_of_review",
            "review",
            "id",
            postgresql_where=text("review IS NOT NULL"),
            sqlite_where=text("review IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    hashed: str = Field(repr=False)
    kind: KeyKind = Field(sa_type=AutoString)
    name: str
    subject: str
    made_by: str
    review: str | None = None
    scopes: list[str] | None = Field(default=None, sa_type=Json)
    made_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_by: str | None = None


class SignInRow(Base, table=True):
    """How a person signs in to pages: a name of their own for it, and the Argon2 hash of their password."""

    __tablename__ = "sign_ins"

    person: str = Field(primary_key=True)
    look: str = Field(unique=True, repr=False)
    hashed: str = Field(repr=False)
    changed_at: datetime = Field(sa_type=Instant)


class FailureRow(Base, table=True):
    """How often signing in by a name has failed, whether somebody has it or not: before `not_before` nobody may try
    again. Of the name the hash of its look is kept, since people type their passwords there, too."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("sign_in_failures_old", "at", "hashed"),)

    hashed: str = Field(primary_key=True, repr=False)
    failures: int
    not_before: datetime | None = Field(default=None, sa_type=Instant)
    at: datetime = Field(sa_type=Instant)


class WithdrawalRow(Base, table=True):
    """Something that was withdrawn: no token of before it counts for its subject. Numbers are given out one after the
    other (`store.next_number`), so that a token that was made before has a lower one."""

    __tablename__ = "withdrawals"

    number: int = Field(primary_key=True, sa_type=Counter, sa_column_kwargs={"autoincrement": False})
    subject: str
    review: str
    event_id: str
    by: str
    at: datetime = Field(sa_type=Instant)


class CountRow(Base, table=True):
    """How much was withdrawn so far. Who withdraws something holds this row until it is committed."""

    __tablename__ = "withdrawn"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    n: int = Field(sa_type=Counter)
