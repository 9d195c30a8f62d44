"""The events of screening: tasks, and what people decided about each record.

`revision` counts a record's steps through screening from 1, across all events of the record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.events.base import Event, Value
from shared.events.bounds import Count, Id, Title


class VoteCast(Value):
    """One person's answer, told only once the task is closed."""

    person: Id
    answer: Id
    reason: str | None = None
    fields: dict[str, Any] = {}
    cast_at: datetime
    #: The key by which a client cast it for its person; left out where they did so themselves.
    via: Id | None = Field(default=None, exclude_if=lambda via: via is None)


class Judgement(Value):
    """What a stage decided about a record, and who did: `agreement` of votes, or `adjudication`, whose vote is
    then the last.

    `looks` are the own answers of those who were to decide, before they saw a vote. Where the voters came to agree
    once they had seen each other's votes it is a `consensus` (`decided_by` is `agreement` then, which every release
    reads), and `stands` are what each of them stood by in the end."""

    stage: Id
    answer: Id
    outcome: Literal["advance", "exclude"]
    decided_by: Literal["agreement", "adjudication"]
    votes: list[VoteCast]
    looks: list[VoteCast] = Field(default=[], exclude_if=lambda looks: not looks)
    consensus: bool = Field(default=False, exclude_if=lambda consensus: not consensus)
    stands: list[VoteCast] = Field(default=[], exclude_if=lambda stands: not stands)


class TaskOpened(Event, type="screening.task.opened", key="record"):
    """A record waits for people at a stage."""

    record: Id
    task: Id
    stage: Id
    votes_needed: Count
    revision: Count
    because: Id = "stage_reached"


class TaskClosed(Event, type="screening.task.closed", key="record"):
    """A stage's question is answered for a record."""

    record: Id
    task: Id
    revision: Count
    judgement: Judgement


class ConflictOpened(Event, type="screening.conflict.opened", key="record"):
    """Independent votes lead to different places: a third person decides, or, where it is for `consensus`, the voters
    do. One that was theirs and is a third person's now says `because` of what."""

    record: Id
    task: Id
    stage: Id
    revision: Count
    reconciliation: Id | None = Field(default=None, exclude_if=lambda mode: mode is None)
    because: str | None = Field(default=None, exclude_if=lambda because: because is None)


class RecordAdvanced(Event, type="screening.record.advanced", key="record"):
    """A record passed a stage and goes on to the next."""

    record: Id
    revision: Count
    stage: Id
    next_stage: Id


class RecordIncluded(Event, type="screening.record.included", key="record"):
    """A record passed the last stage. Carries its title and every judgement, so that synthesis asks nobody."""

    record: Id
    revision: Count
    title: Title | None
    judgements: list[Judgement]


class RecordExcluded(Event, type="screening.record.excluded", key="record"):
    """A record is out: by people at `stage`, or by the protocol's `rule` before anyone looked."""

    record: Id
    revision: Count
    stage: Id | None
    rule: Id | None
    reason: str


class RecordReopened(Event, type="screening.record.reopened", key="record"):
    """A decision about a record no longer stands, and it waits for people again."""

    record: Id
    revision: Count
    stage: Id
    reason: str
