"""What screening says over HTTP: the queue, a task in hand, a vote, and what became of each record."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shared.events.protocol import Cmoc, Definitions
from shared.events.screening import Judgement, VoteCast
from shared.events.stages import Answer, FormField
from shared.wire.common import WHOLE, Given, Long, Short

Kind = Literal["screening", "conflict"]
TaskState = Literal["open", "conflict", "advanced", "excluded", "withdrawn"]
RecordState = Literal["screening", "included", "excluded", "merged"]
Ended = Literal["voted", "released", "lapsed", "withdrawn"]


class ClaimRequest(Given):
    """What to work on next: `screening`, or a `conflict` to decide; at one stage, or wherever something waits; and
    how many tasks to hold at once."""

    kind: Kind = "screening"
    stage: Short | None = None
    count: Annotated[int, Field(ge=1, le=50), WHOLE] = 1


class VoteRequest(Given):
    """A vote: an answer of the stage, a reason, and the stage's own fields by name: a text for the kinds `text` and
    `choice`, a list of texts, none of them twice, for `choices` and `cmocs`."""

    answer: Short
    reason: Long | None = None
    fields: Annotated[
        dict[Short, Long | Annotated[list[Long], Field(max_length=500)]],
        Field(max_length=50, json_schema_extra={"additionalProperties": False}),
    ] = {}


class ThirdPersonRequest(Given):
    """Why a third person decides what voters were to decide together."""

    reason: Long


class Flag(BaseModel):
    """Something that happened to the report after it appeared, and stands. `drill` marks an exercise."""

    notice: str
    kind: str
    reason: str
    source: str
    drill: bool
    at: datetime


class RecordView(BaseModel):
    """A record as reviewers see it. `published` is as precise as the sources were. More is known of a `restricted` one,
    which ingest shows to them (its additions)."""

    record: str
    title: str | None
    abstract: str | None
    authors: list[str]
    venue: str | None
    published: str | None
    identifiers: dict[str, str]
    flags: list[Flag]
    restricted: bool = False


class LeaseView(BaseModel):
    """A slot of a task that is kept for one person until `expires_at`; `ended` says how it ended."""

    lease: str
    kind: Kind
    task: str
    person: str
    expires_at: datetime
    ended: Ended | None


class VotesElsewhere(BaseModel):
    """What was voted at the same stage on a record that was merged into this one, and counts there alone."""

    record: str
    votes: list[VoteCast]


class TaskInHand(BaseModel):
    """A task under a lease, with all that is needed to answer it: the record, the question, the definitions.

    `answers` are those that this person can give: whoever decides a conflict cannot ask for an adjudicator again, and
    must say why. `cmocs` are there when the stage asks for some; `votes`, and those `elsewhere`, only for whoever
    decides a conflict: an adjudicator sees them once they have given their own answer, their first `look`. Where a
    conflict is `decided_by_voters`, its voters see them at once, and what each of them stands by now (`stands`).
    """

    lease: str
    kind: Kind
    expires_at: datetime
    task: str
    stage: str
    protocol_version: int
    question: str
    answers: list[Answer]
    fields: list[FormField]
    votes_needed: int
    definitions: Definitions
    cmocs: list[Cmoc]
    record: RecordView
    votes: list[VoteCast]
    elsewhere: list[VotesElsewhere] = []
    decided_by_voters: bool = False
    look: VoteCast | None = None
    stands: list[VoteCast] = []


class Claim(BaseModel):
    """The answer to a claim: at most as many tasks as were asked for, the oldest lease first; none when nothing
    waits for this person."""

    tasks: list[TaskInHand]


class VoteReceipt(BaseModel):
    """What a vote did: the task's state after it, and the judgement if it closed the task."""

    task: str
    record: str
    stage: str
    state: TaskState
    judgement: Judgement | None


class TaskSummary(BaseModel):
    """One line of a listing of tasks. `votes_cast` counts; it tells nobody's answer. It is null, and `votes_needed` the
    stage's own, while a task waits at a stage that double screens a share of its records."""

    task: str
    record: str
    title: str | None
    stage: str
    state: TaskState
    protocol_version: int
    votes_needed: int
    votes_cast: int | None
    answer: str | None
    decided_by: Literal["agreement", "adjudication", "consensus"] | None
    opened_at: datetime
    closed_at: datetime | None
    flags: list[Flag]


class StageQueue(BaseModel):
    """How one stage stands, in tasks: `open` need votes, `in_hand` leases live on them; `conflicts` wait for
    an adjudicator or their voters, `conflicts_in_hand` leases live on those; `decided` are closed."""

    stage: str
    open: int
    in_hand: int
    conflicts: int
    conflicts_in_hand: int
    decided: int


class StageFunnel(BaseModel):
    """What became of the records that entered a stage; `withdrawn` were merged or left out by a rule."""

    stage: str
    entered: int
    advanced: int
    excluded: int
    open: int
    conflicts: int
    withdrawn: int


class Funnel(BaseModel):
    """Where every record of a review is now: discovered = merged + by_rule + screening + included + excluded."""

    discovered: int
    merged: int
    by_rule: dict[str, int]
    screening: int
    included: int
    excluded: int
    stages: list[StageFunnel]


class AnswerPair(BaseModel):
    """How often two independent votes on one task were these answers; `first` is of who comes first by name."""

    first: str
    second: str
    n: int


class StageAgreement(BaseModel):
    """How far the two independent votes of a stage's tasks agree: all counts, and Cohen's kappa over them. A task
    counts once both votes are in, adjudicated or not.

    `n` tasks, `agreed` of them with equal answers; `observed` = agreed / n, `expected` by chance. `kappa` is
    null where there is nothing to compare. Read it with the counts: where one answer is rare it misleads.

    What is left out: `one_vote` tasks have one vote only, and nothing to compare it with; `withheld` are pairs
    of open conflicts that whoever asks may still come to decide. (Where a stage asks for three votes or more,
    they are no pairs, and `n` is 0.)
    """

    stage: str
    answers: list[str]
    pairs: list[AnswerPair]
    n: int
    agreed: int
    observed: float | None
    expected: float | None
    kappa: float | None
    one_vote: int
    withheld: int


class RecordSummary(BaseModel):
    """One line of a listing of records; `rule` and `reason` say why an excluded one is out."""

    record: str
    title: str | None
    published: str | None
    state: RecordState
    stage: str | None
    rule: str | None
    reason: str | None
    merged_into: str | None


class StageHistory(BaseModel):
    """A record's time at one stage. `votes` are those that may be seen: one's own, and others' once the task
    is closed or one has voted oneself; `judgement` is what the stage decided. `votes_cast` is null where a listing of
    tasks has it so."""

    task: str
    stage: str
    state: TaskState
    protocol_version: int
    votes_needed: int
    votes_cast: int | None
    opened_at: datetime
    closed_at: datetime | None
    judgement: Judgement | None
    votes: list[VoteCast]


class Merge(BaseModel):
    """A record that turned out to be another: `record` lives on in `into`, for these reasons."""

    record: str
    into: str
    evidence: list[str]
    at: datetime


class RecordHistory(BaseModel):
    """A record's whole way through screening. `notices` are all that were ever told, the record's flags those
    that stand; `merge` is set when it lives on in another, `absorbed` are those that live on in it."""

    record: RecordView
    state: RecordState
    stage: str | None
    rule: str | None
    reason: str | None
    stages: list[StageHistory]
    notices: list[dict[str, Any]]
    merge: Merge | None
    absorbed: list[Merge]
