"""The events of screening: tasks, and what people decided about each record.

`revision` counts a record's steps through screening from 1, across all events of the record.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.events.base import Event, Value
from shared.events.bounds import Count, Id, Title

#: The batch of which a step came: what a lead asked for many records at once.
OfBatch = Annotated[Id | None, Field(exclude_if=lambda batch: batch is None)]


class VoteCast(Value):
    """One person's answer, told only once the task is closed."""

    person: Id
    answer: Id
    reason: str | None = None
    fields: dict[str, Any] = {}
    cast_at: datetime
    #: The key by which a client cast it for its person; left out where they did so themselves.
    via: Id | None = Field(default=None, exclude_if=lambda via: via is None)
    #: When its person took it back; left out where it counts, or counted.
    taken_back_at: datetime | None = Field(default=None, exclude_if=lambda at: at is None)
    #: One of the reasons that the stage excludes for.
    excluded_for: Id | None = Field(default=None, exclude_if=lambda reason: reason is None)
    #: The CMOCs that the answer is for; with none, one that excludes is for all of them.
    judged_for: list[Id] = Field(default=[], exclude_if=lambda cmocs: not cmocs)


class Stated(Value):
    """What a file states about a record (`ingest.decision.stated`): the `answer` that it says was given, and where that
    stands: on the `line` of the file with the hash `file_sha256`, read by the mapping with the other, which
    `brought_by` brought. `by` is whoever gave it, as the file has them."""

    statement: Id
    imported: Id
    file_sha256: Id
    line: Count
    mapping_sha256: Id
    brought_by: Id
    answer: Id
    by: Id | None = None


class ByBatch(Value):
    """That a record was decided without a vote, with others of a `batch`: by the lead who asked for that, for the
    `reason`; or, where it is `stated`, as a file says it was before, which that lead had applied."""

    batch: Id
    by: Id
    reason: str
    stated: Stated | None = Field(default=None, exclude_if=lambda stated: stated is None)


class Judgement(Value):
    """What a stage decided about a record, and who did: `agreement` of votes, or `adjudication`, whose vote is
    then the last.

    `excluded_for` is the reason of the stage that the votes behind the decision name: the adjudicator's, or else the
    one that most of those who exclude name, of as many the first in the protocol. `judged_for` are the CMOCs that any
    of them is for; an exclusion with none is for all.

    `looks` are the own answers of those who were to decide, before they saw a vote. Where the voters came to agree
    once they had seen each other's votes it is a `consensus` (`decided_by` is `agreement` then, which every release
    reads), and `stands` are what each of them stood by in the end, which are then the votes behind the decision.
    """

    stage: Id
    answer: Id
    outcome: Literal["advance", "exclude"]
    decided_by: Literal["agreement", "adjudication"]
    votes: list[VoteCast]
    excluded_for: Id | None = Field(default=None, exclude_if=lambda reason: reason is None)
    judged_for: list[Id] = Field(default=[], exclude_if=lambda cmocs: not cmocs)
    looks: list[VoteCast] = Field(default=[], exclude_if=lambda looks: not looks)
    consensus: bool = Field(default=False, exclude_if=lambda consensus: not consensus)
    stands: list[VoteCast] = Field(default=[], exclude_if=lambda stands: not stands)
    by_batch: ByBatch | None = Field(default=None, exclude_if=lambda batch: batch is None)


class TaskOpened(Event, type="screening.task.opened", key="record"):
    """A record waits for people at a stage; `because` of what: it came there (`stage_reached`), an amended protocol
    asks otherwise there (`amended`), and more."""

    record: Id
    task: Id
    stage: Id
    votes_needed: Count
    revision: Count
    because: Id = "stage_reached"
    batch: OfBatch = None


class TaskClosed(Event, type="screening.task.closed", key="record"):
    """A stage's question is answered for a record. `taken_back` are the votes that their people took back before all
    were in, which count nowhere and are told here alone."""

    record: Id
    task: Id
    revision: Count
    judgement: Judgement
    taken_back: list[VoteCast] = Field(default=[], exclude_if=lambda votes: not votes)
    batch: OfBatch = None


class VoteRevised(Event, type="screening.vote.revised", key="record", topic="screening.tasks"):
    """Somebody who has seen the others' votes on a task would answer otherwise now. Told once the task is closed; it
    changes no decision and no agreement."""

    record: Id
    task: Id
    stage: Id
    revision: Count
    vote: VoteCast
    batch: OfBatch = None


class TaskParked(Event, type="screening.task.parked", key="record"):
    """A record is given to nobody at a stage for now: somebody set it aside (`set_aside`), or leases of it came to
    nothing again and again (`came_to_nothing`).

    Who set it aside, and why, might lead those who still judge it: of these only a lead is named, as `by`.
    """

    record: Id
    task: Id
    stage: Id
    revision: Count
    because: Id
    until: date | None = Field(default=None, exclude_if=lambda until: until is None)
    by: Id | None = Field(default=None, exclude_if=lambda by: by is None)
    batch: OfBatch = None


class TaskResumed(Event, type="screening.task.resumed", key="record"):
    """A record that was parked waits for people again: somebody brought it back (`brought_back`), or its day has come
    (`day_came`)."""

    record: Id
    task: Id
    stage: Id
    revision: Count
    because: Id
    by: Id | None = Field(default=None, exclude_if=lambda by: by is None)
    batch: OfBatch = None


class ConflictOpened(Event, type="screening.conflict.opened", key="record"):
    """Independent votes lead to different places: a third person decides, or, where it is for `consensus`, the voters
    do. One that was theirs and is a third person's now says `because` of what."""

    record: Id
    task: Id
    stage: Id
    revision: Count
    reconciliation: Id | None = Field(default=None, exclude_if=lambda mode: mode is None)
    because: str | None = Field(default=None, exclude_if=lambda because: because is None)
    batch: OfBatch = None


class RecordAdvanced(Event, type="screening.record.advanced", key="record"):
    """A record passed a stage and goes on to the next."""

    record: Id
    revision: Count
    stage: Id
    next_stage: Id
    batch: OfBatch = None


class RecordIncluded(Event, type="screening.record.included", key="record"):
    """A record passed the last stage. Carries its title and every judgement, so that synthesis asks nobody."""

    record: Id
    revision: Count
    title: Title | None
    judgements: list[Judgement]
    batch: OfBatch = None


class RecordExcluded(Event, type="screening.record.excluded", key="record"):
    """A record is out: by people at `stage`, or by the protocol's `rule` before anyone looked.

    `excluded_for` is the one of the stage's reasons for which it is; `reason` says that in words, and what people said.
    """

    record: Id
    revision: Count
    stage: Id | None
    rule: Id | None
    reason: str
    excluded_for: Id | None = Field(default=None, exclude_if=lambda reason: reason is None)
    batch: OfBatch = None


class AgreementFell(Event, type="screening.agreement.fell", key="review", topic="screening.agreement"):
    """Two people agree less at a stage than the protocol asks for: their kappa over the `n` tasks of this cycle on
    which both voted is below its floor. Told once, until they are above it again."""

    stage: Id
    first: Id
    second: Id
    n: Count
    kappa: float
    floor: float


class AgreementRecovered(Event, type="screening.agreement.recovered", key="review", topic="screening.agreement"):
    """Two people of whom that was told are above the floor again, or nothing asks for it any more."""

    stage: Id
    first: Id
    second: Id


class StageStanding(Value):
    """How many tasks of a stage need votes (`open`), are conflicts, are parked, and are decided."""

    stage: Id
    open: Count
    conflicts: Count
    parked: Count
    decided: Count


class QueueMoved(Event, type="screening.queue.moved", key="review", topic="screening.progress"):
    """How the stages of a review stand, in the order of its protocol. Told when that is another, at most once in some
    minutes, or sooner where the queue of a stage ran empty: at those that are `emptied` no task needs votes any
    more."""

    stages: list[StageStanding]
    emptied: list[Id] = Field(default=[], exclude_if=lambda stages: not stages)


class RecordReopened(Event, type="screening.record.reopened", key="record"):
    """A decision about a record no longer stands, or an amended protocol has the stage no more at which it waited; it
    waits for people here now."""

    record: Id
    revision: Count
    stage: Id
    reason: str
    batch: OfBatch = None
