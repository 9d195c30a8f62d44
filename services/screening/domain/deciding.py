"""What votes decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.screening.domain.stages import answer_named
from shared.events.stages import Stage

Outcome = Literal["advance", "exclude"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a stage decides about a record: the answer that stands, and where it leads."""

    answer: str
    outcome: Outcome


def decide(stage: Stage, answers: Sequence[str]) -> Decision | None:
    """What independent votes decide together; None is a conflict.

    All must lead to the same outcome, and none to an adjudicator. When different answers lead to the same
    outcome, the most doubtful one stands: the one nearest, in the protocol's order of answers, to an answer
    that leads elsewhere (of `thin` out, `moderate`, `rich`: moderate and rich make moderate; of `credible`,
    `caution`, `not_credible` out: credible and caution make caution); of two as near, the one listed first.
    """
    leads_to = {stage_answer.value: stage_answer.leads_to for stage_answer in stage.answers}
    outcomes = {leads_to[answer] for answer in answers}
    if len(outcomes) != 1:
        return None
    (outcome,) = outcomes
    if outcome == "adjudicate":
        return None
    order = list(leads_to)
    elsewhere = [index for index, value in enumerate(order) if leads_to[value] != outcome]

    def doubt(answer: str) -> tuple[int, int]:
        index = order.index(answer)
        return min((abs(index - other) for other in elsewhere), default=0), index

    return Decision(min(answers, key=doubt), outcome)


def decision_of(stage: Stage, value: str) -> Decision | None:
    """What one answer alone decides, as an adjudicator's does; None when there is no such answer, or it asks
    for an adjudicator."""
    answer = answer_named(stage, value)
    if answer is None or answer.leads_to == "adjudicate":
        return None
    return Decision(value, answer.leads_to)


def reason_given(answer: str, reasons: Sequence[str | None]) -> str:
    """The reason told for an exclusion: those people gave, each once, or the answer itself."""
    given = list(dict.fromkeys(reason for reason in reasons if reason))
    return "; ".join(given) or f"answered {answer!r}"
