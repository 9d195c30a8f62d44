"""Answers to training sets, which are no votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.db.said import Said
from shared.db.work import Work

_TRAINED_AT = Said(
    """
SELECT stage, asked FROM training_answers WHERE review = :review AND person = :person AND stage {of_stages}
""",
    sqlite={"of_stages": "IN (SELECT value FROM json_each(:stages))"},
    postgresql={"of_stages": "= ANY(:stages)"},
)

_KEEP = Said(
    """
INSERT INTO training_answers (review, person, stage, asked, item, answer, excluded_for, answered_at)
VALUES (:review, :person, :stage, :asked, :item, :answer, :excluded_for, :at)
ON CONFLICT (review, person, stage, asked) DO NOTHING RETURNING asked
"""
)

_OF_ALL = "SELECT person, stage, asked, answer, excluded_for FROM training_answers WHERE review = :review"
_ANSWERS = Said(_OF_ALL)
_ANSWERS_OF = Said(f"{_OF_ALL} AND person = :person")


class TrainingAnswer(NamedTuple):
    """What somebody answered first to an item of a stage's training set."""

    person: str
    stage: str
    asked: str
    answer: str
    excluded_for: str | None


def trained_at(work: Work, review: str, person: str, stages: Sequence[str]) -> dict[str, set[str]]:
    """What a person has answered of the training sets of these stages, by stage."""
    found: dict[str, set[str]] = {stage: set() for stage in stages}
    for stage, asked in work.rows.read(_TRAINED_AT, {"review": review, "person": person, "stages": list(stages)}):
        found[stage].add(asked)
    return found


def keep_training_answer(
    work: Work, review: str, stage: str, asked: str, item: str, answer: str, reason: str | None
) -> bool:
    """Keeps this person's answer; answers whether it is their first."""
    given = {
        "review": review, "person": work.actor, "stage": stage, "asked": asked, "item": item, "answer": answer,
        "excluded_for": reason, "at": work.now,
    }  # fmt: skip
    return bool(work.rows.read(_KEEP, given))


def training_answers(work: Work, review: str, person: str | None) -> list[TrainingAnswer]:
    """Everybody's answers in a review, or one person's."""
    how, given = (
        (_ANSWERS, {"review": review}) if person is None else (_ANSWERS_OF, {"review": review, "person": person})
    )
    return [TrainingAnswer(*row) for row in work.rows.read(how, given)]
