"""What votes decide, and how many of them there are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal

from services.screening.domain.stages import answer_named
from shared.canonical import canonical_json
from shared.events.stages import Reconciliation, Stage

Outcome = Literal["advance", "exclude"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a stage decides about a record: the answer that stands, and where it leads."""

    answer: str
    outcome: Outcome


def decide(stage: Stage, answers: Sequence[str]) -> Decision | None:
    """What independent votes decide together, by the stage's way of reconciling them; None is a conflict.

    When different answers lead to the outcome, the most doubtful one stands: the one nearest, in the protocol's order
    of answers, to an answer that leads elsewhere (of `thin` out, `moderate`, `rich`: moderate and rich make moderate;
    of `credible`, `caution`, `not_credible` out: credible and caution make caution); of two as near, the one listed
    first. Where nobody's answer leads to the outcome, those stand that ask for an adjudicator.
    """
    leads_to = {stage_answer.value: stage_answer.leads_to for stage_answer in stage.answers}
    led_to = {leads_to[answer] for answer in answers}
    outcome = _OUTCOMES[stage.reconciliation](led_to)
    if outcome is None:
        return None
    stands = outcome if outcome in led_to else "adjudicate"
    order = list(leads_to)
    elsewhere = [index for index, value in enumerate(order) if leads_to[value] != stands]

    def doubt(answer: str) -> tuple[int, int]:
        index = order.index(answer)
        return min((abs(index - other) for other in elsewhere), default=0), index

    return Decision(min((answer for answer in answers if leads_to[answer] == stands), key=doubt), outcome)


def votes_needed(stage: Stage, review: str, record: str) -> int:
    """How many votes a record gets at a stage: all, or one where it is not of the share that is double screened. Which
    ones are follows from their names alone, on every machine and whoever asks."""
    if stage.double_screened is None:
        return stage.votes
    drawn = int.from_bytes(hashlib.sha256(canonical_json([review, record, stage.name])).digest()[:8])
    return stage.votes if drawn * 100 < stage.double_screened << 64 else 1


def _alike(led_to: Set[str]) -> Outcome | None:
    """All votes lead to one outcome, and none to an adjudicator."""
    if led_to == {"advance"}:
        return "advance"
    return "exclude" if led_to == {"exclude"} else None


def _include_if_any(led_to: Set[str]) -> Outcome | None:
    return "advance" if "advance" in led_to else _alike(led_to)


def _exclude_if_all(led_to: Set[str]) -> Outcome | None:
    return "exclude" if led_to == {"exclude"} else "advance"


#: What each way of reconciling makes of where the votes lead; None is a conflict.
_OUTCOMES: Mapping[Reconciliation, Callable[[Set[str]], Outcome | None]] = {
    "third_person": _alike,
    "consensus": _alike,
    "include_if_any": _include_if_any,
    "exclude_if_all": _exclude_if_all,
}


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
