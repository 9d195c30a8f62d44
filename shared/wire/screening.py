"""What screening says over HTTP: the queue, a task in hand, a vote, and what became of each record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shared.events.protocol import Cmoc, Definitions
from shared.events.screening import Judgement, VoteCast
from shared.events.stages import Answer, Criteria, FormField, Highlights, Reason, Tag
from shared.wire.common import WHOLE, Given, Long, Prose, Short
from shared.wire.common import Reason as Said

Kind = Literal["screening", "conflict"]
ClaimMode = Literal["in_order", "half_screened_first", "fresh", "mine"]
TaskState = Literal["open", "conflict", "advanced", "excluded", "withdrawn", "parked"]
RecordState = Literal["screening", "included", "excluded", "merged"]
TextState = Literal["sought", "retrieved", "not_retrieved"]
Ended = Literal["voted", "released", "lapsed", "withdrawn", "freed"]
Returned = Literal["released", "skipped", "lapsed", "freed"]
BatchKind = Literal["imported", "decide", "park", "bring_back", "reopen"]
BatchState = Literal["requested", "carried_out", "undoing", "undone"]
Outcome = Literal["done", "left_alone"]


#: How many records a batch may have.
MOST_IN_BATCH = 100_000

#: How many tasks of a kind a person may have in hand at once in a review.
MOST_IN_HAND = 50


#: A number that every database and every reader of events keeps as it is.
_Whole = Annotated[int, Field(ge=-(10**15), le=10**15)]
_Broken = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]


class ClaimRequest(Given):
    """What to work on next: `screening`, or a `conflict` to decide; at one stage, or where one is; and how many tasks
    to hold at once.

    `mode` says what of a stage comes first: `in_order` of the queue; `half_screened_first`, what others have begun;
    `fresh`, only what nobody has; `mine`, only what one holds. Of `records` nothing but these is given, in any mode but
    the last. What is given `ahead` is to be there when its turn comes: one that lapses says nothing of its record
    until it was renewed.
    """

    kind: Kind = "screening"
    stage: Short | None = None
    count: Annotated[int, Field(ge=1, le=MOST_IN_HAND), WHOLE] = 1
    mode: ClaimMode = "in_order"
    records: Annotated[list[Short], Field(min_length=1, max_length=MOST_IN_HAND)] | None = None
    ahead: bool = False


class VoteRequest(Given):
    """A vote: an answer of the stage, a reason, and the stage's own fields by name: a text for the kinds `text` and
    `choice`, a `number` as one, a list of texts, none of them twice, for `choices` and `cmocs`.

    Where the stage has reasons, an answer that excludes names the one that it is `excluded_for`, by its value. Where it
    is judged for CMOCs, `judged_for` names them: at least one where the answer leads on, else none says that it is for
    all.
    """

    answer: Short
    reason: Long | None = None
    fields: Annotated[
        dict[Short, Long | _Whole | _Broken | Annotated[list[Long], Field(max_length=500)]],
        Field(max_length=50, json_schema_extra={"additionalProperties": False}),
    ] = {}
    excluded_for: Short | None = None
    judged_for: Annotated[list[Short], Field(max_length=500)] = []


class ReopenRequest(Given):
    """A stage of a record whose question is to be asked again, and why. Its votes count no more, and people vote
    `anew`; or they `stand`, and an adjudicator decides."""

    stage: Short
    reason: Annotated[Long, Field(min_length=1)]
    votes: Literal["anew", "stand"] = "anew"


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


class Freeing(Given):
    """Why a lead gives back to the queue what somebody has in hand."""

    reason: Said


class LeaseLine(BaseModel):
    """One line of a listing of what people have in hand. One whose time is over goes back by itself."""

    lease: str
    kind: Kind
    task: str
    stage: str
    record: str
    title: str | None
    person: str
    taken_at: datetime
    expires_at: datetime


class VotesElsewhere(BaseModel):
    """What was voted at the same stage on a record that was merged into this one, and counts there alone."""

    record: str
    votes: list[VoteCast]


class FullText(BaseModel):
    """Whether the full text of a record's report is `sought`, `retrieved` or `not_retrieved`, as ingest told last, or
    null where it was never sought; its copies are listed `at` this path."""

    state: TextState | None
    at: str


class TaskInHand(BaseModel):
    """A task under a lease, with all that is needed to answer it: the record, the question, the definitions.

    `answers` are those that this person can give: whoever decides a conflict cannot ask for an adjudicator again, and
    must say why. `cmocs` are there when the stage asks for some; `votes`, and those `elsewhere`, only for whoever
    decides a conflict: an adjudicator sees them once they have given their own answer, their first `look`. Where a
    conflict is `decided_by_voters`, its voters see them at once, and what each of them stands by now (`stands`).
    `reasons` are those for which the stage excludes, of which a vote that does names one; where `judged_for` says so a
    vote names CMOCs; `full_text` is there where the stage needs it. `criteria` and `highlights` are the protocol's, for
    every stage. `tags` are those that one may give the record for oneself.
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
    tags: list[Tag] = []
    decided_by_voters: bool = False
    look: VoteCast | None = None
    stands: list[VoteCast] = []
    reasons: list[Reason] = []
    judged_for: Literal["cmocs"] | None = None
    criteria: Criteria | None = None
    highlights: Highlights | None = None
    full_text: FullText | None = None


class Claim(BaseModel):
    """The answer to a claim: at most as many tasks as were asked for, the oldest lease first; none when nothing
    waits for this person."""

    tasks: list[TaskInHand]


class Refused(BaseModel):
    """Why something was not done: `slug` says it to programs, `why` to people."""

    slug: str
    why: str


class LookedAtConflict(BaseModel):
    """A conflict of which one gave one's first `look`, and which one may decide, with its votes and those on what is
    one with its record (`elsewhere`).

    `forms_agree` where those who parted filled in the same fields alike, judged for the same CMOCs and, where they
    exclude, name the same reason; else `differs` names what they did not (`fields.NAME`, `judged_for`,
    `excluded_for`). It may be settled with others, by the look's answer, where nothing is `refused`. `lease` is one's
    own, where one has it in hand.
    """

    task: str
    record: str
    title: str | None
    stage: str
    protocol_version: int
    look: VoteCast
    votes: list[VoteCast]
    elsewhere: list[VotesElsewhere] = []
    forms_agree: bool
    differs: list[str]
    refused: Refused | None = None
    lease: str | None = None
    flags: list[Flag] = []


#: How many conflicts are settled at once.
MOST_SETTLED = 100


class SettleRequest(Given):
    """Which conflicts are settled, each by the answer of one's own first look, and why: the resolution is kept with
    each of them."""

    resolution: Prose
    tasks: Annotated[list[Short], Field(min_length=1, max_length=MOST_SETTLED, json_schema_extra={"uniqueItems": True})]


class SettledConflict(BaseModel):
    """What became of one of the conflicts: it is `settled`, or was `refused`. `state` is where it stands now, None for
    one that there is not."""

    task: str
    record: str | None
    title: str | None
    settled: bool
    state: TaskState | None
    refused: Refused | None = None


class Settlement(BaseModel):
    """What became of each conflict, in the order that they were named, and how many of them are settled."""

    settled: int
    conflicts: list[SettledConflict]


class VoteReceipt(BaseModel):
    """What a vote did, or taking one back, or revising it: the task's state after it, and the judgement where it closed
    the task."""

    task: str
    record: str
    stage: str
    state: TaskState
    judgement: Judgement | None


class MyVote(BaseModel):
    """One line of a listing of one's own votes. `task` is where it counts, `state` how that stands, and `decided` what
    was decided there. It is `free` to be taken back until the last independent vote is in; `deciding` is the decision
    of a conflict, which never is."""

    task: str
    record: str
    title: str | None
    stage: str
    answer: str
    excluded_for: str | None
    judged_for: list[str]
    reason: str | None
    cast_at: datetime
    deciding: bool
    free: bool
    state: TaskState
    decided: str | None


class DayAnswers(BaseModel):
    """How many votes of a day were this answer of a stage; `deciding` are decisions of conflicts."""

    stage: str
    answer: str
    deciding: bool
    n: int


class MyDay(BaseModel):
    """What one has done on a day (UTC): `n` votes, `last_hour` of them within the hour before now, and which answers
    they were. What was taken back is not in it."""

    day: date
    n: int
    last_hour: int
    answers: list[DayAnswers]


class DayOfWork(BaseModel):
    """How many votes somebody has cast on a day (UTC) at a stage, and how many conflicts they have decided; what was
    taken back is not in it. It says nothing of what they answered."""

    day: date
    person: str
    stage: str
    votes: int
    decided: int


class TaskForm(BaseModel):
    """What a task asks, as a vote on it must fill it in; `cmocs` are there when the stage asks for some. `reasons` and
    `judged_for` as in a task in hand."""

    task: str
    record: str
    stage: str
    state: TaskState
    protocol_version: int
    question: str
    answers: list[Answer]
    fields: list[FormField]
    cmocs: list[Cmoc]
    reasons: list[Reason] = []
    judged_for: Literal["cmocs"] | None = None


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
    decided_by: Literal["agreement", "adjudication", "consensus", "imported", "lead"] | None
    opened_at: datetime
    closed_at: datetime | None
    flags: list[Flag]


class StageQueue(BaseModel):
    """How one stage stands, in tasks: `open` need votes, `in_hand` leases live on them; `conflicts` wait for
    an adjudicator or their voters, `conflicts_in_hand` leases live on those; `parked` are given to nobody; `decided`
    are closed."""

    stage: str
    open: int
    in_hand: int
    conflicts: int
    conflicts_in_hand: int
    decided: int
    parked: int = 0


class StageLeft(BaseModel):
    """What waits for whoever asks at one stage: `left` to screen, with a free slot and nothing of theirs in it, and
    `conflicts` to decide, where they may. Of many it is only said that there are so many `or_more`. Where the votes of
    a day are capped, so many more to screen may be given to them `today`."""

    stage: str
    left: int
    left_or_more: bool
    in_hand: int
    conflicts: int
    conflicts_or_more: bool
    conflicts_in_hand: int
    today: int | None = Field(default=None, exclude_if=lambda today: today is None)


class StageFunnel(BaseModel):
    """What became of the records that reached a stage: entered = open + conflicts + parked + advanced + excluded, as in
    the flow of today. `parked` are given to nobody for now. Beside them are those `withdrawn`, which were merged or
    left out by a rule before anything was decided. `excluded_for` has how many of those excluded are so for which of
    its reasons, `drifted`, for leads, how many pairs of people agree less than its floor asks."""

    stage: str
    entered: int
    advanced: int
    excluded: int
    open: int
    conflicts: int
    withdrawn: int
    parked: int = 0
    excluded_for: dict[str, int] = Field(default={}, exclude_if=lambda counted: not counted)
    drifted: int = Field(default=0, exclude_if=lambda pairs: not pairs)


class Funnel(BaseModel):
    """Where every record of a review is now: discovered = merged + by_rule + screening + included + excluded.
    `identified` are all that sources gave: duplicates + by_rule + screening + included + excluded."""

    identified: int = 0
    duplicates: int = 0
    discovered: int
    merged: int
    by_rule: dict[str, int]
    screening: int
    included: int
    excluded: int
    stages: list[StageFunnel]


class Flow(BaseModel):
    """How many records, and of these how many each source brought first ('' where that was not kept). Of what was
    identified, and of duplicates: how many source records, and of these how many are each source's."""

    n: int = 0
    sources: dict[str, int] = {}


class StageFlow(BaseModel):
    """What became of the records that reached a stage: reached = waiting + passed + excluded. Of those excluded, so
    many are out for each of the stage's reasons. Of those that passed, and of those excluded, so many were decided
    before, as files state that leads had applied."""

    stage: str
    reached: Flow
    waiting: Flow
    passed: Flow
    excluded: Flow
    excluded_for: dict[str, Flow]
    passed_before: Flow = Flow()
    excluded_before: Flow = Flow()


class TextFlow(BaseModel):
    """Full texts: sought = awaited + retrieved + not_retrieved. Of those awaited no copy is kept here: people may have
    read them all the same, where they have them."""

    sought: Flow
    awaited: Flow
    retrieved: Flow
    not_retrieved: Flow


class FlowFigures(BaseModel):
    """What became of all that sources gave: identified = duplicates + kept_out + waiting + excluded + included.
    `identified` are the sources' own records, each once; `duplicates` those of them that are of a work which another
    one is of, `kept_out` is by rule of the protocol."""

    identified: Flow
    duplicates: Flow
    kept_out: dict[str, Flow]
    stages: list[StageFlow]
    texts: TextFlow
    waiting: Flow
    excluded: Flow
    included: Flow


class FlowView(FlowFigures):
    """The flow of a review's records at the end of a day (UTC), as PRISMA 2020 has it. The texts are read from the
    stage `assessed_from` on; None where no stage is behind them.

    Each figure is the sum of the same one of what came from `databases` and registers, and from `other_methods`: by
    citations, or added by hand. Of a `cycle` it is the change from the end of the day before `since`, and may be below
    0.
    """

    review: str
    on: date
    cycle: int | None = None
    since: date | None = None
    assessed_from: str | None
    databases: FlowFigures
    other_methods: FlowFigures


class AnswerPair(BaseModel):
    """How often two independent votes on one task were these answers; `first` is of who comes first by name."""

    first: str
    second: str
    n: int


class Interval(BaseModel):
    """Within which a value lies at 95 per cent, by a jackknife over tasks."""

    low: float
    high: float


class CoefficientView(BaseModel):
    """A coefficient of agreement: 1 where all agree, 0 where chance alone would agree as much. No `interval` where
    there is too little to reckon one."""

    value: float
    interval: Interval | None


class PairAgreement(BaseModel):
    """How far two people agree, over the `n` tasks on which both voted; `below` says that it is less than the stage's
    floor, on 20 tasks or more."""

    first: str
    second: str
    n: int
    agreed: int
    below: bool = False
    kappa: CoefficientView | None
    ac1: CoefficientView | None


class ReasonAgreement(BaseModel):
    """How far people agree in the reasons for which they exclude, over the `n` tasks where all of them named one."""

    n: int
    agreed: int
    ac1: CoefficientView | None
    alpha: CoefficientView | None


class StageAgreement(BaseModel):
    """How far the independent votes of a stage's tasks agree, over the `n` tasks that had two or more and all that they
    need, adjudicated or not.

    On `agreed` of them all answers are equal; `observed` is the share of pairs of votes on one task that are, the mean
    over tasks. `pairs`, `expected` (by chance) and Cohen's `kappa` are of tasks with two votes; Gwet's `ac1` and
    Krippendorff's `alpha` of all. Null where there is nothing to compare. Read kappa and alpha with the counts: where
    one answer is rare they mislead. `between` are two people each: to leads all, to others those with themselves.
    `reasons` are those that they excluded for.

    What is left out: `one_vote` tasks have one vote only, and nothing to compare it with; `withheld` are those of open
    conflicts that whoever asks may still come to decide.
    """

    stage: str
    answers: list[str]
    pairs: list[AnswerPair]
    n: int
    agreed: int
    observed: float | None
    expected: float | None
    kappa: float | None
    kappa_interval: Interval | None = None
    ac1: CoefficientView | None = None
    alpha: CoefficientView | None = None
    between: list[PairAgreement] = []
    reasons: ReasonAgreement | None = None
    one_vote: int
    withheld: int


class RecordSummary(BaseModel):
    """One line of a listing of records; `rule` and `reason` say why an excluded one is out, `excluded_for` for which of
    its stage's reasons."""

    record: str
    title: str | None
    published: str | None
    state: RecordState
    stage: str | None
    rule: str | None
    reason: str | None
    merged_into: str | None
    excluded_for: str | None = Field(default=None, exclude_if=lambda reason: reason is None)


#: A tag's value: a text, or a number for a tag of that kind.
TagValue = Long | Annotated[int, Field(ge=-(2**53), le=2**53)] | Annotated[float, Field(allow_inf_nan=False)]


class NewNote(Given):
    """What one notes of a record for oneself; nothing takes the note away."""

    note: Long | None


class NewTags(Given):
    """The tags that one gives a record for oneself, by name, all of them: a text for the kind `free`, a number for
    `number`, also written as text, one of the options for `choice`."""

    tags: Annotated[dict[Short, TagValue], Field(max_length=50, json_schema_extra={"additionalProperties": False})]


class NoteView(BaseModel):
    """What somebody noted of a record at a stage. Others' are shown to whoever has voted there, once the task is
    closed. Listings of notes have the record's title."""

    task: str
    record: str
    title: str | None = None
    stage: str
    person: str
    note: str | None
    tags: dict[str, str | int | float]
    changed_at: datetime


class NewParking(Given):
    """A task that nobody is to be given for now, and why; `until` is the day on which it comes back by itself."""

    reason: Said
    until: Annotated[date, Field(strict=False)] | None = None


class ParkingView(BaseModel):
    """A time in which nobody is given a task: `person` set it aside, for that `reason`; where leases of it came to
    nothing again and again there is neither. `ended` is the task's state after it, and `ended_by` whoever brought it
    back."""

    since: datetime
    person: str | None
    reason: str | None
    until: date | None
    ended: TaskState | None
    ended_by: str | None
    ended_at: datetime | None


class ReturnView(BaseModel):
    """A lease that came to nothing: given back, skipped, lapsed, or freed by the lead `freed_by`."""

    person: str
    kind: Kind
    how: Returned
    reason: str | None
    freed_by: str | None
    at: datetime


class TaskStanding(BaseModel):
    """How a task stands now."""

    task: str
    record: str
    stage: str
    state: TaskState


class ParkedTask(BaseModel):
    """A task that is parked, and how it came to that: its `returns`, and when it was parked `before`. Who is no lead
    sees of these what they did themselves."""

    task: str
    record: str
    title: str | None
    stage: str
    votes_needed: int
    votes_cast: int
    parking: ParkingView
    before: list[ParkingView]
    returns: list[ReturnView]


class StageHistory(BaseModel):
    """A record's time at one stage. `votes` are those that may be seen: one's own, and others' once the task
    is closed, or all votes are in and one's own is among them; `judgement` is what the stage decided. `votes_cast` is
    null where a listing of tasks has it so. `taken_back` are votes that their people took back, `set_aside` those that
    count no more since people were asked anew; `revised` is what voters would answer who have seen the
    others' votes, which counts nowhere. `parkings` are one's own, and all of them for leads and once the task is
    closed."""

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
    parkings: list[ParkingView] = []
    taken_back: list[VoteCast] = []
    set_aside: list[VoteCast] = []
    revised: list[VoteCast] = []


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
    excluded_for: str | None = Field(default=None, exclude_if=lambda reason: reason is None)


class BatchFilter(Given):
    """Which of a stage's records a batch is for: all that fit. `state` is that of their task at the stage; without one
    any in which the kind can do something. `source` brought them first; they were published before the one day and
    after the other, whatever day a partial date may mean; a file states the answer `stated` about them at the stage."""

    state: TaskState | None = None
    source: Short | None = None
    published_before: Annotated[date, Field(strict=False)] | None = None
    published_after: Annotated[date, Field(strict=False)] | None = None
    stated: Short | None = None


class MappedAnswer(Given):
    """What a stated answer is at the stage: one of its answers that decide, where it excludes `excluded_for` one of its
    reasons, where it asks for them `judged_for` CMOCs."""

    answer: Short
    excluded_for: Short | None = None
    judged_for: Annotated[list[Short], Field(max_length=500)] = []


class NewBatch(Given):
    """What a lead asks for many records at once, at a stage, and why. Its records are named by id (`records`), or are
    those that fit (`where`); at most 100,000.

    - `imported`: what the file of the import `imported` states was decided about them before is their decision, by the
      `mapping` from stated answers; those that it does not name are passed over. It is for all that the file states at
      the stage, and takes neither `records` nor `where`.
    - `decide`: the `answer` is their decision, `excluded_for` and `judged_for` as in a vote.
    - `park`: nobody is given them, `until` a day or until they are brought back.
    - `bring_back`: they are parked no more.
    - `reopen`: they are asked again about; `votes` as in reopening one.

    The first two decide nothing that anybody has voted on.
    """

    kind: BatchKind
    stage: Short
    reason: Said
    records: Annotated[list[Short], Field(min_length=1, max_length=MOST_IN_BATCH)] | None = None
    where: BatchFilter | None = None
    imported: Short | None = None
    mapping: (
        Annotated[
            dict[Short, MappedAnswer],
            Field(min_length=1, max_length=100, json_schema_extra={"additionalProperties": False}),
        ]
        | None
    ) = None
    answer: Short | None = None
    excluded_for: Short | None = None
    judged_for: Annotated[list[Short], Field(max_length=500)] | None = None
    until: Annotated[date, Field(strict=False)] | None = None
    votes: Literal["anew", "stand"] | None = None


class UndoneBatch(Given):
    """Why what a batch did is undone."""

    reason: Said


class BatchView(BaseModel):
    """A batch: who asked for what (`asked` has what is particular to its kind), and how far it is. Of its `n` records
    so many are `done`, and why how many were `left_alone`; the rest waits while it is `requested`. Of what was done so
    much is `taken_back`, and why so much stays, once it is undone."""

    batch: str
    review: str
    kind: BatchKind
    stage: str
    reason: str
    asked: dict[str, Any]
    asked_by: str
    asked_at: datetime
    state: BatchState
    n: int
    done: int
    left_alone: dict[str, int]
    taken_back: int
    not_taken_back: dict[str, int]
    undone_by: str | None
    undo_reason: str | None
    undone_at: datetime | None
    ended_at: datetime | None


class BatchRecord(BaseModel):
    """What became of a record of a batch: `done`, or `left_alone` and `why`, and the same of undoing it; null while its
    turn has not come."""

    record: str
    title: str | None
    outcome: Outcome | None
    why: str | None
    undone: Outcome | None
    undone_why: str | None


class StatedDecisions(BaseModel):
    """How many decisions a file states at a stage, of one answer, and by how many of these records are decided now."""

    imported: str
    file_sha256: str
    stage: str
    answer: str
    stated: int
    applied: int
