"""The tables of screening. What two people may race for is held by constraints here, not by ifs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, UniqueConstraint, false, text
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

from services.screening.domain import RecordStates, TaskStates
from shared.db.types import Counter, Instant, Json
from shared.wire.screening import (
    BatchKind,
    BatchState,
    Ended,
    Kind,
    Outcome,
    RecordState,
    Returned,
    TaskState,
    TextState,
)
from shared.wire.stream import ConflictTurn

#: Who decided a task: its independent votes, an adjudicator, its voters once they had seen each other's votes; or,
#: without a vote, somebody of whom a file says so, or a lead.
DecidedBy = Literal["agreement", "adjudication", "consensus", "imported", "lead"]

#: What an assignment gives to people: named records, a share of all of a stage, or a sample of what waits there.
AssignmentKind = Literal["records", "share", "sample"]

#: What a job goes through for an assignment: it draws the sample first; or it looks at all open tasks of the stage, at
#: the records that are assigned, or at what is in the assignment's pools.
Walk = Literal["draw", "stage", "records", "pools"]

#: What people answer in a conflict beside their votes (`Opinion`).
OpinionKind = Literal["look", "stand"]

#: Why a vote counts no more: its person took it back, or a lead had the task opened again without it.
CountsNoMore = Literal["taken_back", "set_aside"]

#: What a column of a later release is in rows of before.
_NOT = {"server_default": false()}
_NONE = {"server_default": "[]"}
_EMPTY = {"server_default": ""}

#: What counts as done on its day: a vote that was taken back does not.
DONE = "ended IS NULL OR ended <> 'taken_back'"


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
    which it now lives on; `merge` keeps what was said when it was merged. `excluded_for` is the one of a stage's
    reasons for which it is out; `text` whether its full text is sought, retrieved or not, as ingest tells.
    `source` is what brought it first; None where that was not kept. `decided_before` are the stages where a file says
    that it was decided before, and a lead had that applied. While it is `unlisted` nobody has listed its source
    records, and the flow counts one of its `source` for it.
    """

    review: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    state: RecordState = Field(sa_type=AutoString)
    stage: str | None = None
    rule: str | None = None
    reason: str | None = None
    step: int
    excluded_for: str | None = None
    text: TextState | None = Field(default=None, sa_type=AutoString)
    described: int
    title: str | None = None
    abstract: str | None = None
    authors: list[str] = Field(sa_type=Json)
    venue: str | None = None
    published: str | None = None
    identifiers: dict[str, str] = Field(sa_type=Json)
    restricted: bool = False
    source: str | None = None
    unlisted: bool = Field(default=False, sa_column_kwargs=_NOT)
    passed: list[str] = Field(sa_type=Json)
    notices: list[dict[str, Any]] = Field(sa_type=Json)
    merged_into: str | None = None
    merge: dict[str, Any] | None = Field(default=None, sa_type=Json)
    decided_before: list[str] = Field(default_factory=list, sa_type=Json, sa_column_kwargs=_NONE)
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
    is the last event about it. `compared` is under what its independent votes were compared here, once they were
    (`domain.comparisons`). `excluded_for` and `judged_for` are what the votes behind its decision say: a reason of the
    stage, and CMOCs, where None is all. `beside` says that more was said here than what counts: votes that were taken
    back, or revised. `for_adjudicator`: a lead had it opened again for an adjudicator, whatever its votes say. What was
    voted before `asked_anew_at`, here or on what is one with its record, counts here no more.
    `returned` is how many leases of it came to nothing since the last vote, or since it was brought back. What was
    decided without a vote says by which batch (`shared.events.screening.ByBatch`). `pool` is of whom alone it is given
    to somebody while it is open, '' being anybody (`domain.pools`).
    """

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
    pool: str = Field(default="", sa_column_kwargs={"server_default": ""})
    answer: str | None = None
    decided_by: DecidedBy | None = Field(default=None, sa_type=AutoString)
    returned: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    compared: str | None = None
    excluded_for: str | None = None
    judged_for: list[str] | None = Field(default=None, sa_type=Json)
    by_batch: dict[str, Any] | None = Field(default=None, sa_type=Json)
    told: str
    beside: bool = Field(default=False, sa_column_kwargs=_NOT)
    for_adjudicator: bool = Field(default=False, sa_column_kwargs=_NOT)
    asked_anew_at: datetime | None = Field(default=None, sa_type=Instant)
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def has_slot(self) -> bool:
        """Whether somebody more may take it now."""
        return self.places > 0

    def is_taken_by(self, name: str) -> bool:
        """Whether somebody has a vote or a lease here."""
        return f"\n{name}\n" in self.takers

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
            "pool",
            "taker",
            "position",
            "id",
            "takers",
            postgresql_where=text("places > 0"),
            sqlite_where=text("places > 0"),
        ),
        Index("tasks_of_pool", "pool", "id", postgresql_where=text("pool <> ''"), sqlite_where=text("pool <> ''")),
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
    that two at once take no more than one was asked for. One that is `unread` was claimed to be there when its turn
    comes, and its person has not looked at it yet.
    """

    id: str = Field(primary_key=True)
    review: str
    task: str
    record: str
    stage: str
    person: str
    kind: Kind = Field(sa_type=AutoString)
    slot: int = Field(sa_column_kwargs={"server_default": "0"})
    unread: bool = Field(default=False, sa_column_kwargs=_NOT)
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


class ReturnRow(Base, table=True):
    """A lease that came to nothing: `how` its person's slot came back, and why, where somebody said so."""

    __tablename__ = "returns"
    __table_args__ = (Index("returns_of_task", "task"),)

    id: str = Field(primary_key=True)
    review: str
    task: str
    person: str
    kind: Kind = Field(sa_type=AutoString)
    how: Returned = Field(sa_type=AutoString)
    reason: str | None = None
    freed_by: str | None = None
    at: datetime = Field(sa_type=Instant)


class Note(SQLModel):
    """What a person notes of a record at a stage for themselves: a text, and values of the stage's tags by name."""

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    record: str
    stage: str
    note: str | None = None
    tags: dict[str, Any] = Field(sa_type=Json)
    changed_at: datetime = Field(sa_type=Instant)


class NoteRow(Note, Base, table=True):
    __tablename__ = "notes"
    __table_args__ = (Index("notes_of_task", "task"),)


class LastStageRow(Base, table=True):
    """The stage at which a person was last given something of a kind, where they stay while anything waits for them."""

    __tablename__ = "last_stages"

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    kind: Kind = Field(primary_key=True, sa_type=AutoString)
    stage: str


class SkipRow(Base, table=True):
    """A task that a person wants after all others that wait for them."""

    __tablename__ = "skips"

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    stage: str
    kind: Kind = Field(sa_type=AutoString)


class Parking(SQLModel):
    """A time in which nobody is given a task. `person` set it aside, for that `reason`; both are None where leases of
    it came to nothing. It comes back by itself at the instant `until`. `ended` is the task's state after it, and
    `ended_by` whoever brought it back."""

    id: str = Field(primary_key=True)
    review: str
    task: str
    person: str | None = None
    reason: str | None = None
    since: datetime = Field(sa_type=Instant)
    until: datetime | None = Field(default=None, sa_type=Instant)
    ended: TaskState | None = Field(default=None, sa_type=AutoString)
    ended_by: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class ParkingRow(Parking, Base, table=True):
    __tablename__ = "parkings"
    __table_args__ = (
        Index("parkings_of_task", "task"),
        Index(
            "parkings_now",
            "review",
            "id",
            postgresql_where=text("ended IS NULL"),
            sqlite_where=text("ended IS NULL"),
        ),
        Index(
            "parkings_of_person",
            "review",
            "person",
            "id",
            postgresql_where=text("ended IS NULL"),
            sqlite_where=text("ended IS NULL"),
        ),
        Index(
            "parkings_due",
            "until",
            postgresql_where=text("ended IS NULL AND until IS NOT NULL"),
            sqlite_where=text("ended IS NULL AND until IS NOT NULL"),
        ),
    )


class Vote(SQLModel):
    """One person's answer. `task` is where it counts; `cast_on` where it was given (another only after a merge). One
    that is void counts nowhere: its person turned out to have voted there before, or what it decided was open
    again.

    `deciding` marks the adjudicator's: it is no independent vote. `paired_on` is set when a merge moves a vote
    that was compared with others: the task it was compared on, so that it is not counted twice. `via` is the key by
    which a client cast it for its person. `shown`: it has stood among all the votes of a task, so that others know it.
    One that was taken back, or set aside, says so in `ended`, with when, and the task it `counted_on` until then.
    `excluded_for` is one of the stage's reasons, `judged_for` the CMOCs that it is about. `review` and `stage` are
    those of the task that it was cast on, so that somebody's own votes, and those of a day, are found by an index.
    """

    id: str = Field(primary_key=True)
    task: str | None
    person: str
    cast_on: str
    review: str = Field(default="", sa_column_kwargs=_EMPTY)
    stage: str = Field(default="", sa_column_kwargs=_EMPTY)
    answer: str
    reason: str | None = None
    fields: dict[str, Any] = Field(sa_type=Json)
    protocol_version: int
    deciding: bool = False
    paired_on: str | None = None
    via: str | None = None
    excluded_for: str | None = None
    judged_for: list[str] | None = Field(default=None, sa_type=Json)
    cast_at: datetime = Field(sa_type=Instant)
    shown: bool = Field(default=False, sa_column_kwargs=_NOT)
    ended: CountsNoMore | None = Field(default=None, sa_type=AutoString)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    counted_on: str | None = None

    @property
    def where(self) -> str:
        """The task it counts on, or, where it counts nowhere, did last, or was cast on."""
        return self.task or self.counted_on or self.cast_on

    @property
    def counts(self) -> bool:
        return self.task is not None

    def counts_no_more(self, how: CountsNoMore, at: datetime) -> None:
        """Takes it out of the task that it counts on."""
        self.task, self.counted_on, self.ended, self.ended_at = None, self.task, how, at


class VoteRow(Vote, Base, table=True):
    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("task", "person", name="votes_one_per_person"),
        Index("votes_cast_on", "cast_on"),
        Index("votes_of_day", "person", "cast_at"),
        Index("votes_of_person", "review", "person", "id"),
        Index(
            "votes_of_review",
            "review",
            "cast_at",
            "person",
            "stage",
            "deciding",
            "ended",
            postgresql_where=text(DONE),
            sqlite_where=text(DONE),
        ),
        Index(
            "votes_counted_on",
            "counted_on",
            postgresql_where=text("counted_on IS NOT NULL"),
            sqlite_where=text("counted_on IS NOT NULL"),
        ),
    )


class RevisedVote(SQLModel):
    """What somebody would answer who has seen the others' votes on a task. It is kept beside their vote and counts
    nowhere. `emitted` once it is told, which is after the task is closed."""

    id: str = Field(primary_key=True)
    task: str
    person: str
    answer: str
    reason: str | None = None
    fields: dict[str, Any] = Field(sa_type=Json)
    protocol_version: int
    via: str | None = None
    excluded_for: str | None = None
    judged_for: list[str] | None = Field(default=None, sa_type=Json)
    cast_at: datetime = Field(sa_type=Instant)
    emitted: bool = False

    ended: ClassVar[None] = None

    @property
    def where(self) -> str:
        return self.task

    @property
    def counts(self) -> bool:
        return False


class RevisedVoteRow(RevisedVote, Base, table=True):
    __tablename__ = "revised_votes"
    __table_args__ = (Index("revised_votes_of_task", "task"),)


class Opinion(SQLModel):
    """What somebody answered in a conflict beside the votes: the `look` of an adjudicator is their own answer, before
    they see any vote; a `stand` is what a voter stands by where the voters decide.

    `task` is where it counts, None where another one of its person took its turn or the task was opened again;
    `given_on` where it was given. A later one on a task has a higher `number`. A look `waits_in` its review until the
    conflict is decided, '' being nowhere. The rest is as in a vote."""

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
    excluded_for: str | None = None
    judged_for: list[str] | None = Field(default=None, sa_type=Json)
    given_at: datetime = Field(sa_type=Instant)
    waits_in: str = Field(default="", sa_column_kwargs=_EMPTY)


class OpinionRow(Opinion, Base, table=True):
    __tablename__ = "opinions"
    __table_args__ = (
        UniqueConstraint("task", "person", "kind", name="opinions_one_per_person"),
        Index("opinions_given_on", "given_on"),
        Index(
            "opinions_waiting",
            "waits_in",
            "person",
            "id",
            postgresql_where=text("waits_in <> ''"),
            sqlite_where=text("waits_in <> ''"),
        ),
    )


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


class TheoryChangeRow(Base, table=True):
    """That a CMOC has other words now, until what was excluded for it at a stage is asked anew; by the event that told
    it.

    `wording` are its words. Of the tasks of the stage it concerns those up to `last_position` in the queue; what led
    their records out before `position` and `task` is done. `correlation` ties what follows to the event.
    """

    __tablename__ = "theory_changes"

    event: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    review: str
    cmoc: str
    wording: str = Field(sa_column=Column(Text, nullable=False))
    why: str = Field(sa_column=Column(Text, nullable=False))
    correlation: str
    last_position: int = Field(sa_type=Counter)
    position: int = Field(default=0, sa_type=Counter)
    task: str = ""


class StatementRow(Base, table=True):
    """That somebody decided something about a record before, as a file states it (`ingest.decision.stated`).

    `record` is the one that its source record is in, as ingest told at `homed_at`; that may live on in another.
    """

    __tablename__ = "statements"
    __table_args__ = (
        Index("statements_of_record", "review", "record"),
        Index("statements_of_source", "review", "source", "source_id"),
        Index("statements_of_file", "review", "imported", "stage", "answer", "record"),
    )

    id: str = Field(primary_key=True)
    review: str
    record: str
    source: str
    source_id: str
    stage: str
    answer: str
    by: str | None = None
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    imported: str
    file_sha256: str
    line: int
    mapping_sha256: str
    brought_by: str
    homed_at: datetime = Field(sa_type=Instant)


class PartedSourceRow(Base, table=True):
    """A source record that came to a record of its own by a split, `at` an instant: what is stated of it and is heard
    later, since it was told of the other record, is that one's."""

    __tablename__ = "parted_sources"

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    record: str
    at: datetime = Field(sa_type=Instant)


class BatchRow(Base, table=True):
    """What a lead asked for many records at once, at a stage. `state` is one of BatchStates.

    `asked` is what it asks for (`shared.wire.screening.NewBatch`, without names of records). The records up to `after`,
    by id, are gone through, or, while it is undone, are again. Of its `n` records so many are `done`, and
    later `taken_back`; why how many were left alone, and why how many stay as they are when it is undone, stands by the
    reason.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index("batches_of_review", "review", "id"),
        Index(
            "batches_to_do",
            "id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    review: str
    kind: BatchKind = Field(sa_type=AutoString)
    stage: str
    reason: str = Field(sa_column=Column(Text, nullable=False))
    asked: dict[str, Any] = Field(sa_type=Json)
    asked_by: str
    via: str | None = None
    asked_at: datetime = Field(sa_type=Instant)
    state: BatchState = Field(sa_type=AutoString)
    after: str = ""
    n: int
    done: int = 0
    left_alone: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    taken_back: int = 0
    not_taken_back: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    undone_by: str | None = None
    undone_via: str | None = None
    undo_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class BatchRecordRow(Base, table=True):
    """A record of a batch, and what became of it: `done`, or `left_alone` and `why`; and the same of undoing what was
    done. `was` is what undoing needs to know of before. None while its turn has not come."""

    __tablename__ = "batch_records"

    batch: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    outcome: Outcome | None = Field(default=None, sa_type=AutoString)
    why: str | None = None
    was: dict[str, Any] | None = Field(default=None, sa_type=Json)
    undone: Outcome | None = Field(default=None, sa_type=AutoString)
    undone_why: str | None = None


class AssignmentRow(Base, table=True):
    """What a lead gave to some people of a stage, until it is `ended_at`. A share is `percent` of the stage's records
    for each of them; `size` are how many records were named, or were to be drawn.

    `pools` are those that it made. A job has tasks be in the pools that they are of by now: it has to `walk`, and went
    through `reached`; once more from `due_at` on, for what was opened by a transaction that did not know of it yet.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        Index("assignments_of_review", "review", "id"),
        Index(
            "assignments_walking",
            "walk",
            "id",
            postgresql_where=text("walk IS NOT NULL"),
            sqlite_where=text("walk IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    review: str
    stage: str
    kind: AssignmentKind = Field(sa_type=AutoString)
    people: list[str] = Field(sa_type=Json)
    percent: int | None = None
    size: int | None = None
    pools: list[str] = Field(sa_type=Json)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    ended_by: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    walk: Walk | None = Field(default=None, sa_type=AutoString)
    reached: list[Any] = Field(sa_type=Json)
    due_at: datetime | None = Field(default=None, sa_type=Instant)


class PoolRow(Base, table=True):
    """People who alone are given some tasks of a stage: the records that are assigned to them by name, or a share,
    those drawn from `begins` to before `ends`, in millionths (`domain.drawn`)."""

    __tablename__ = "pools"
    __table_args__ = (Index("pools_of_review", "review"),)

    id: str = Field(primary_key=True)
    review: str
    stage: str
    assignment: str
    begins: int | None = None
    ends: int | None = None


class PoolMemberRow(Base, table=True):
    """Somebody in a pool."""

    __tablename__ = "pool_members"
    __table_args__ = (Index("pool_members_of_pool", "pool"),)

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    pool: str = Field(primary_key=True)


class AssignedRow(Base, table=True):
    """A record that is assigned by its name, at a stage, to whom it was assigned last."""

    __tablename__ = "assigned"
    __table_args__ = (Index("assigned_by", "assignment", "record"),)

    review: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    pool: str
    assignment: str


class CapRow(Base, table=True):
    """How many votes a person may cast on a day (UTC) at most at a stage, or, with stage '', in the review; person ''
    is whoever has no cap of their own there."""

    __tablename__ = "caps"

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    votes: int


class TrainingAnswerRow(Base, table=True):
    """A person's first answer to an item of a stage's training set; `asked` is what was asked and is right
    (`domain.asked_by`), which an amendment may make another item of."""

    __tablename__ = "training_answers"

    review: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    asked: str = Field(primary_key=True)
    item: str
    answer: str
    excluded_for: str | None = None
    answered_at: datetime = Field(sa_type=Instant)


class CountRow(Base, table=True):
    """How many of something a review has at a stage (stage '': of its records). `what` it counts:

    - state: tasks (records) in the state `first`;
    - alone: tasks with one independent vote, which nothing can be compared with;
    - compared: tasks whose independent votes were, by day and people (`first`), these answers (`second`);
    - stands: how often the flow of today counts `first` (a `domain.flow.Standing`), for the reason `second`;
    - stated: decisions that the file of the import `first` states, of the answer `second`;
    - applied: tasks that are decided by one of these;
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


class FlowRow(Base, table=True):
    """How many more (fewer) records from a source stood so at the end of a day (UTC, as 2024-01-31) than at its start.

    `what` is a `domain.flow.Standing`, `reason` the rule or the stage's reason for it. The `stage` is '' where it is of
    none, the `source` where it was not kept. The sum until a day is how things stood then; changes in `count_changes`
    come on top.
    """

    __tablename__ = "flow"

    review: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    n: int


class FoundSourceRow(Base, table=True):
    """A source record that was found, and the source that the flow counts it for (`domain.flow.counted_as`)."""

    __tablename__ = "found_sources"

    review: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    source_id: str = Field(primary_key=True)
    counted_as: str


class ConflictTurnRow(Base, table=True):
    """What became of a conflict, for those who follow the review. `number` is its position in the review's stream,
    which it is given once it is committed: whoever has heard up to a number misses nothing below."""

    __tablename__ = "conflict_turns"
    __table_args__ = (
        Index("conflict_turns_of_review", "review", "number"),
        Index(
            "conflict_turns_without_number",
            "review",
            postgresql_where=text("number IS NULL"),
            sqlite_where=text("number IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    review: str
    task: str
    stage: str
    turn: ConflictTurn = Field(sa_type=AutoString)
    at: datetime = Field(sa_type=Instant)
    number: int | None = Field(default=None, sa_type=Counter)


class StreamRow(Base, table=True):
    """A review's stream: the `last` number in it. Locked by whoever gives the next."""

    __tablename__ = "streams"

    review: str = Field(primary_key=True)
    last: int = Field(sa_type=Counter)


class QueueStandingRow(Base, table=True):
    """How the stages of a review stood when it was told last."""

    __tablename__ = "queue_standings"

    review: str = Field(primary_key=True)
    stages: list[dict[str, Any]] = Field(sa_type=Json)
    at: datetime = Field(sa_type=Instant)


class CycleRow(Base, table=True):
    """A cycle of a review that has ended: when its first revision was signed."""

    __tablename__ = "cycles"

    review: str = Field(primary_key=True)
    cycle: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ended_at: datetime = Field(sa_type=Instant)


class AlarmRow(Base, table=True):
    """Two people of whom it was told that they agree less at a stage than its floor, while that is so."""

    __tablename__ = "agreement_alarms"

    review: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    first: str = Field(primary_key=True)
    second: str = Field(primary_key=True)
    fell_at: datetime = Field(sa_type=Instant)


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
