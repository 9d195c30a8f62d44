"""The events of screening: tasks, and what people decided about each record.

`revision` counts a record's steps through screening from 1, across all events of the record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from shared.events.base import Event, Value


class VoteCast(Value):
    """One person's answer, told only once the task is closed."""

    person: str
    answer: str
    reason: str | None = None
    fields: dict[str, Any] = {}
    cast_at: datetime


class Judgement(Value):
    """What a stage decided about a record, and who did: `agreement` of votes, or `adjudication`, whose vote is
    then the last."""

    stage: str
    answer: str
    outcome: Literal["advance", "exclude"]
    decided_by: Literal["agreement", "adjudication"]
    votes: list[VoteCast]


class TaskOpened(Event, type="screening.task.opened", key="record"):
    """A record waits for people at a stage."""

    record: str
    task: str
    stage: str
    votes_needed: int
    revision: int
    because: str = "stage_reached"


class TaskClosed(Event, type="screening.task.closed", key="record"):
    """A stage's question is answered for a record."""

    record: str
    task: str
    revision: int
    judgement: Judgement


class ConflictOpened(Event, type="screening.conflict.opened", key="record"):
    """Independent votes lead to different places: a third person decides."""

    record: str
    task: str
    stage: str
    revision: int


class RecordAdvanced(Event, type="screening.record.advanced", key="record"):
    """A record passed a stage and goes on to the next."""

    record: str
    revision: int
    stage: str
    next_stage: str


class RecordIncluded(Event, type="screening.record.included", key="record"):
    """A record passed the last stage. Carries its title and every judgement, so that synthesis asks nobody."""

    record: str
    revision: int
    title: str | None
    judgements: list[Judgement]


class RecordExcluded(Event, type="screening.record.excluded", key="record"):
    """A record is out: by people at `stage`, or by the protocol's `rule` before anyone looked."""

    record: str
    revision: int
    stage: str | None
    rule: str | None
    reason: str


class RecordReopened(Event, type="screening.record.reopened", key="record"):
    """A decision about a record no longer stands, and it waits for people again."""

    record: str
    revision: int
    stage: str
    reason: str
