"""What screening says over HTTP of training sets, which people answer before they vote at a stage."""

from __future__ import annotations

from pydantic import BaseModel

from shared.events.protocol import Definitions
from shared.events.stages import Answer, Criteria, Highlights, Reason
from shared.wire.common import Given, Short


class TrainingCard(BaseModel):
    """An item of a stage's training set, as it is asked: `left` items of the stage, this one among them, are still to
    be answered, `of` all. What is right is not in it."""

    stage: str
    item: str
    left: int
    of: int
    title: str
    abstract: str | None
    identifier: str | None
    question: str
    answers: list[Answer]
    reasons: list[Reason]
    definitions: Definitions
    criteria: Criteria | None
    highlights: Highlights | None


class NextTraining(BaseModel):
    """The next item that a person has to answer; null when there is none."""

    item: TrainingCard | None


class TrainingRequest(Given):
    """An answer to an item of a training set; where the stage has reasons, one that excludes names the one that it is
    `excluded_for`."""

    item: Short
    answer: Short
    excluded_for: Short | None = None


class TrainingReceipt(BaseModel):
    """What was answered, and what is `right` and `why`: `is_right` is of the answer, `reason_is_right` of the reason,
    null where one of the two names none. `left` items of the stage are still to be answered."""

    stage: str
    item: str
    answer: str
    excluded_for: str | None
    is_right: bool
    reason_is_right: bool | None
    right: str
    right_excluded_for: str | None
    why: str | None
    left: int


class TrainingPair(BaseModel):
    """How often what was `right` was answered so."""

    right: str
    answer: str
    n: int


class PersonTraining(BaseModel):
    """How somebody answered a training set, each item the first time. Of the items that are not to be excluded,
    `sensitivity` is the share that they did not exclude; of those that are, `specificity` is the share that they did;
    null where there is none. Of `reasons` that they and the item name, so many are right."""

    person: str
    answered: int
    right: int
    sensitivity: float | None
    specificity: float | None
    reasons: int
    reasons_right: int
    answers: list[TrainingPair]


class StageTraining(BaseModel):
    """A stage's training set of this `size`, and how people answered it: for a lead everybody who began, for others
    they themselves. What an amendment changed or took away is not in it."""

    stage: str
    size: int
    people: list[PersonTraining]
