"""How far people agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far pairs of independent votes agree. `kappa` is None where chance alone would explain everything."""

    n: int
    agreed: int
    observed: float | None
    expected: float | None
    kappa: float | None


def agreement(pairs: Mapping[tuple[str, str], int]) -> Agreement:
    """Raw agreement and Cohen's kappa of `pairs`: (first rater's answer, second rater's) -> how often.

    kappa = (observed - expected) / (1 - expected), the expected agreement being that of independent raters
    with these margins (Cohen 1960, A coefficient of agreement for nominal scales, Educational and
    Psychological Measurement 20:37-46). Read it with the counts: at one per cent prevalence it misleads.
    """
    n = sum(pairs.values())
    agreed = sum(count for (first, second), count in pairs.items() if first == second)
    answers = {answer for pair in pairs for answer in pair}
    rows = {answer: sum(count for (first, _), count in pairs.items() if first == answer) for answer in answers}
    columns = {answer: sum(count for (_, second), count in pairs.items() if second == answer) for answer in answers}
    by_chance = sum(rows[answer] * columns[answer] for answer in answers)
    if n == 0:
        return Agreement(0, 0, None, None, None)
    # Whole numbers up to the last division, so that perfect agreement is exactly 1.
    kappa = (n * agreed - by_chance) / (n * n - by_chance) if by_chance < n * n else None
    return Agreement(n, agreed, agreed / n, by_chance / (n * n), kappa)
