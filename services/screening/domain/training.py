"""Training sets: what a person has still to answer before they vote at a stage, and how right they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.screening.domain.stages import answer_named
from shared.canonical import sha256
from shared.events.stages import Stage, TrainingItem


def asked_by(item: TrainingItem) -> str:
    """What an item asks and what is right, as one word: an amendment that changes either makes it another item."""
    return sha256(item.model_dump(mode="json", exclude={"why"}))[:32]


def still_to_answer(stage: Stage, answered: Collection[str]) -> list[TrainingItem]:
    """The items of a stage that are not among what somebody has answered, in the protocol's order."""
    return [item for item in stage.training if asked_by(item) not in answered]


@dataclass(frozen=True, slots=True)
class Trained:
    """An answer to an item of a training set."""

    item: TrainingItem
    answer: str
    excluded_for: str | None = None

    @property
    def right(self) -> bool:
        return self.answer == self.item.answer

    @property
    def reason_right(self) -> bool | None:
        """Whether the reason is the right one; None where the item or the answer has none."""
        if self.item.excluded_for is None or self.excluded_for is None:
            return None
        return self.excluded_for == self.item.excluded_for


@dataclass(frozen=True, slots=True)
class TrainingFigures:
    """How right somebody was. Of the items that are right to let on (or to a third person), `sensitivity` is the share
    that they did not exclude; of those that are right to exclude, `specificity` is the share that they did; each None
    where there is none. `answers` are how often what was right was answered by what."""

    answered: int
    right: int
    sensitivity: float | None
    specificity: float | None
    reasons: int
    reasons_right: int
    answers: Counter[tuple[str, str]]


def training_figures(stage: Stage, given: Iterable[Trained]) -> TrainingFigures:
    all_given = list(given)
    kept = [_is_kept(stage, it.answer) for it in all_given if _is_kept(stage, it.item.answer)]
    out = [not _is_kept(stage, it.answer) for it in all_given if not _is_kept(stage, it.item.answer)]
    reasons = [it.reason_right for it in all_given if it.reason_right is not None]
    return TrainingFigures(
        len(all_given), sum(it.right for it in all_given), _share(kept), _share(out), len(reasons), sum(reasons),
        Counter((it.item.answer, it.answer) for it in all_given),
    )  # fmt: skip


def _is_kept(stage: Stage, value: str) -> bool:
    """Whether an answer leads on or to a third person; one that the stage has no more leads nowhere."""
    answer = answer_named(stage, value)
    return answer is not None and answer.leads_to != "exclude"


def _share(found: list[bool]) -> float | None:
    return sum(found) / len(found) if found else None
