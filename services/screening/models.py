"""The tables of screening. What two people may race for is held by constraints here, not by ifs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.screening.domain import RecordStates, TaskStates
from shared.db.types import Counter, Instant, Json
from shared.wire.screening import Ended, Kind, RecordState, TaskState

#: Who decided a task: its independent votes, an adjudicator, or its voters once they had seen each other's votes.
DecidedBy = Literal["agreement", "adjudication", "consensus"]

#: What people answer in a conflict beside their votes (`Opinion`).
OpinionKind = Literal["look", "stand"]


class Base(SQLModel, registry=registry()):
    """A table of this service's database."""

    if TYPE_CHECKING:  # SQLModel makes it, and does not declare it.
        __table__: ClassVar[Table]


class ProtocolRow(Base, table=True):
    """One version of a review's protocol, whole, as it was published.

    `recheck_after` is the id of the last record held against this version's changed dates; None when there
    is nothing (left) to check. `correlation` and `caused_by` tie what the check tells to the publication.
    """

    __tablename__ = "protocols"

    review: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    document: str = Field(sa_column=Column(Text, nullable=False))
    recheck_after: str | None = None
    correlation: str
    caused_by: str | None = None
    adopted_at: datetime = Field(sa_type=Instant)


class Record(SQLModel):
    """A record's way through screening, and what a reviewer needs to see of it.

    `state` is one of RecordStates. `step` counts the events told about it; `described` is the ingest revision of its
    description, beside which more is known of one that is `restricted`. `passed` names the stages it has passed, in
    order. `notices` are all retractions, corrections and reinstatements, oldest first. `merged_into` is the record in
    which it now lives on; `merge` keeps what was said when it was merged.
    """

    review: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    state: RecordState = Field(sa_type=AutoString)
    stage: str | None = None
    rule: str | None = None
    reason: str | None = None
    step: int
    described: int
    title: str | None = None
    abstract: str | None = None
    authors: list[str] = Field(sa_type=Json)
    venue: str | None = None
    published: str | None = None
    identifiers: dict[str, str] = Field(sa_type=Json)
    restricted: bool = False
    passed: list[str] = Field(sa_type=Json)
    notices: list[dict[str, Any]] = Field(sa_type=Json)
    merged_into: str | None = None
    merge: dict[str, Any] | None = Field(default=None, sa_type=Json)
    correlation: str
    arrived_at: datetime = Field(sa_type=Instant)

    @property
    def tally(self) -> str:
        """Under what this record is counted: its state, or the rule that kept it out."""
        return f"rule:{self.rule}" if self.state == RecordStates.EXCLUDED and self.rule else self.state


class RecordRow(Record, Base, table=True):
    __tablename__ = "records"
    __table_args__ = (
        Index("records_by_state", "review", "state", "id"),
        Index(
            "records_absorbed",
            "review",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
            sqlite_where=text("merged_into IS NOT NULL"),
        ),
    )


class Task(SQLModel):
    """One stage's question about one record.

    `state` is one of TaskStates. `adjudicators` is the role that decides its conflict, or VOTERS. `places` is how many
    more people may take it now: votes needed, less votes and live leases (for a conflict: one, less its lease, but
    none where its voters decide; else none). `takers` are all who voted or hold a lease, each name between line ends;
    `taker` is the first of them, '' while there is none: the queue leaps over all that one person took first. `told`
    is the last event about it. `first` and `second` are its two independent answers, in the order of their people's
    names, once they have been counted as a pair here."""

    id: str = Field(primary_key=True)
    review: str
    record: str
    stage: str
    protocol_version: int
    adjudicators: str
    state: TaskState = Field(sa_type=AutoString)
    position: int = Field(sa_type=Counter)
    votes_needed: int
    votes_cast: int = 0
    places: int
    taker: str = ""
    takers: str = ""
    answer: str | None = None
    decided_by: DecidedBy | None = Field(default=None, sa_type=AutoString)
    first: str | None = None
    second: str | None = None
    told: str
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)

    def taken_by(self, names: Sequence[str]) -> None:
        """Sets who has a vote or a lease here."""
        self.taker = names[0] if names else ""
        self.takers = "".join(f"\n{name}" for name in names) + "\n" if names else ""


class TaskRow(Task, Base, table=True):
    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("places >= 0", name="tasks_places"),
        CheckConstraint("votes_cast >= 0 AND votes_cast <= votes_needed", name="tasks_votes"),
        Index(
            "tasks_queue",
            "review",
            "stage",
            "state",
            "taker",
            "position",
            "id",
            "takers",
            postgresql_where=text("places > 0"),
            sqlite_where=text("places > 0"),
        ),
        Index("tasks_listing", "review", "stage", "state", "position", "id"),
        Index(
            "tasks_conflicts",
            "review",
            "position",
            "id",
            postgresql_where=text(f"state = '{TaskStates.CONFLICT}'"),
            sqlite_where=text(f"state = '{TaskStates.CONFLICT}'"),
        ),
    )


class Lease(SQLModel):
    """A slot of a task, kept for one person for a while.

    `kind` is screening or conflict. `ended` is None while it lives, then one of LeaseStates. Live leases that a person
    holds of a kind in a review differ in their number, the column `slot`; a claim takes the lowest that are free, so
    that two at once take no more than one was asked for.
    """

    id: str = Field(primary_key=True)
    review: str
    task: str
    record: str
    stage: str
    person: str
    kind: Kind = Field(sa_type=AutoString)
    slot: int = Field(sa_column_kwargs={"server_default": "0"})
    taken_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    ended: Ended | None = Field(default=None, sa_type=AutoString)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class LeaseRow(Lease, Base, table=True):
    __tablename__ = "leases"
    __table_args__ = (
        Index(
            "leases_live",
            "review",
            "person",
            "kind",
            "slot",
            unique=True,
            postgresql_where=text("ended IS NULL"),
            sqlite_where=text("ended IS NULL"),
        ),
        Index(
            "leases_of_task",
            "task",
            postgresql_where=text("ended IS NULL"),
            sqlite_where=text("ended IS NULL"),
        ),
        Index(
            "leases_lapsing",
            "expires_at",
            postgresql_where=text("ended IS NULL"),
            sqlite_where=text("ended IS NULL"),
        ),
    )


class Vote(SQLModel):
    """One person's answer. `task` is where it counts; `cast_on` where it was given (another only after a merge). One
    that is void counts nowhere: its person turned out to have voted there before, or what it decided was open
    again.

    `deciding` marks the adjudicator's: it is no independent vote. `paired_on` is set when a merge moves a vote
    that was counted as one of a pair: the task it was counted on, so that it is not counted twice. `via` is the key by
    which a client cast it for its person.
    """

    id: str = Field(primary_key=True)
    task: str | None
    person: str
    cast_on: str
    answer: str
    reason: str | None = None
    fields: dict[str, Any] = Field(sa_type=Json)
    protocol_version: int
    deciding: bool = False
    paired_on: str | None = None
    via: str | None = None
    cast_at: datetime = Field(sa_type=Instant)

    @property
    def where(self) -> str:
        """The task it counts on, or, where it counts nowhere, was cast on."""
        return self.task or self.cast_on


class VoteRow(Vote, Base, table=True):
    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("task", "person", name="votes_one_per_person"),
        Index("votes_cast_on", "cast_on"),
    )


class Opinion(SQLModel):
    """What somebody answered in a conflict beside the votes: the `look` of an adjudicator is their own answer, before
    they see any vote; a `stand` is what a voter stands by where the voters decide.

    `task` is where it counts, None where another one of its person took its turn or the task was opened again;
    `given_on` where it was given. A later one on a task has a higher `number`. `via` is as in a vote."""

    id: str = Field(primary_key=True)
    task: str | None
    person: str
    given_on: str
    kind: OpinionKind = Field(sa_type=AutoString)
    number: int
    answer: str
    reason: str | None = None
    fields: dict[str, Any] = Field(sa_type=Json)
    via: str | None = None
    given_at: datetime = Field(sa_type=Instant)


class OpinionRow(Opinion, Base, table=True):
    __tablename__ = "opinions"
    __table_args__ = (UniqueConstraint("task", "person", "kind", name="opinions_one_per_person"),)


class AbsentRow(Base, table=True):
    """Somebody who cannot vote in a review any more, since they left it or only read there: voters who decide a
    conflict need not wait for them."""

    __tablename__ = "absent"

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)


class OldNameRow(Base, table=True):
    """A name under which somebody voted before people had ids, with how many votes, until all of them are a person's.

    `correlation` and `caused_by` tie what follows to the event that says whose it is. `after` is the id of the last
    task whose votes are that `person`'s by now.
    """

    __tablename__ = "old_names"

    review: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    acts: int
    person: str | None = None
    correlation: str | None = None
    caused_by: str | None = None
    after: str = ""


class CountRow(Base, table=True):
    """How many of something a review has at a stage (stage '': of its records). `what` it counts:

    - state: tasks (records) in the state `first`;
    - alone: tasks with one independent vote, which nothing can be compared with;
    - pair: tasks whose two independent votes were `first` (of who comes first by name) and `second`;
    - voter: how often a vote of the person `first` was among all that a task needed.

    `n` is the sum of the changes folded so far; those in `count_changes` come on top.
    """

    __tablename__ = "counts"

    review: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    first: str = Field(primary_key=True)
    second: str = Field(primary_key=True)
    n: int


class ChangeRow(Base, table=True):
    """A change of a count that is not in its sum yet: a row of its own, so that no vote waits for another."""

    __tablename__ = "count_changes"
    __table_args__ = (Index("count_changes_of_review", "review"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    stage: str
    what: str
    first: str
    second: str
    n: int
