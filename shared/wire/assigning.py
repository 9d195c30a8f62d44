"""What screening says over HTTP of who is given what: assignments of tasks to people, and caps on their votes of a
day."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.wire.common import WHOLE, Given, Short

#: How many records an assignment may name, and how many a sample may have.
MOST_ASSIGNED, MOST_SAMPLED = 1_000, 10_000

#: The most votes of a day that a cap may say.
MOST_OF_DAY = 100_000


class NewAssignment(Given):
    """Tasks of a stage that only these people are to be given: named `records`; `percent` of all its records for each
    of them, of those still to come too; or a `sample` of so many that nobody has begun. One of the three is given, and
    as many people as the stage asks for votes, or more."""

    stage: Short
    people: Annotated[list[Short], Field(min_length=1, max_length=50)]
    records: Annotated[list[Short], Field(min_length=1, max_length=MOST_ASSIGNED)] | None = None
    percent: Annotated[int, Field(ge=1, le=100), WHOLE] | None = None
    sample: Annotated[int, Field(ge=1, le=MOST_SAMPLED), WHOLE] | None = None


class PoolView(BaseModel):
    """People who alone are given some tasks, as far as they are still there, and how many of these are `waiting` for
    votes; of many only that there are so many `or_more`."""

    people: list[str]
    waiting: int
    or_more: bool


class AssignmentView(BaseModel):
    """What a lead assigned to people, until it is ended. `percent` is of a share, `size` how many records were named or
    were to be drawn. While it is `moving` a job still goes through the tasks."""

    assignment: str
    stage: str
    kind: Literal["records", "share", "sample"]
    people: list[str]
    percent: int | None
    size: int | None
    made_by: str
    made_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    moving: bool
    pools: list[PoolView]


class NewCap(Given):
    """How many votes a day (UTC) a person casts at most, at a stage or in the whole review; without a person it is for
    everybody who has none of their own there. None takes it away."""

    votes: Annotated[int, Field(ge=0, le=MOST_OF_DAY), WHOLE] | None
    stage: Short | None = None
    person: Short | None = None


class CapView(BaseModel):
    """How many votes a day a person casts at most, null where that was just taken away; the stage is null for all of
    them together, the person for everybody who has no cap of their own there."""

    stage: str | None
    person: str | None
    votes: int | None
