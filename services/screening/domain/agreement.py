"""How far people agree: raw, and beyond what chance alone would explain, of any number of votes on a task.

Everything is reckoned from counts of what was answered side by side, never from single votes. Intervals are those of
95 per cent that a jackknife over tasks gives (Tukey 1958, Bias and confidence in not quite large samples, Annals of
Mathematical Statistics 29:614): each task is left out once, which for tasks alike is done once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import TypeVar

from services.screening.domain.comparisons import Compared
from shared.agreement import alpha

Key = TypeVar("Key", bound=Hashable)

#: Tasks on which two people must both have voted before it is said that they agree too little.
LEAST_TASKS = 20

#: Standard errors on either side of a value within which 95 per cent of a normal distribution lie.
_WIDTH = 1.959964

#: Answers on one task, in alphabetical order -> tasks.
Sets = Mapping[tuple[str, ...], int]

#: (first rater's answer, second rater's) -> tasks.
Pairs = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement, 1 at most, with its interval; without one where leaving out a task leaves nothing to
    reckon with."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far independent votes agree: on `agreed` of `n` tasks all of them, and of all pairs of votes on one task a
    share `observed`, the mean over tasks. `pairs` are what two votes on one task were, where there were two, and
    `expected` what share of these chance alone would let agree. A coefficient is None where chance alone would explain
    everything."""

    n: int
    agreed: int
    observed: float | None
    pairs: Pairs
    expected: float | None
    kappa: Coefficient | None
    ac1: Coefficient | None
    alpha: Coefficient | None


def agreement(compared: Compared, answers: Collection[str]) -> Agreement:
    """Agreement over tasks, each with two votes or more; `answers` are all that could have been given. Cohen's kappa is
    of tasks with two votes, of whom the first by id is the first rater."""
    sets = _sets(compared)
    n = sum(sets.values())
    pairs: Counter[tuple[str, str]] = Counter()
    for (_, said), times in compared.items():
        if len(said) == 2:
            pairs[said[0], said[1]] += times
    possible = len(set(answers) | {answer for said in sets for answer in said})
    return Agreement(
        n=n,
        agreed=sum(times for said, times in sets.items() if len(set(said)) == 1),
        observed=_observed(sets) if n else None,
        pairs={pair: times for pair, times in sorted(pairs.items()) if times},
        expected=_by_chance(pairs),
        kappa=estimated(kappa, pairs),
        ac1=estimated(lambda left: ac1(left, possible), sets),
        alpha=estimated(alpha, sets),
    )


def is_below(found: Agreement, floor: float | None) -> bool:
    """Whether two people agree less than the floor, on enough tasks to say so. Where chance explains all, nothing is
    said."""
    return floor is not None and found.n >= LEAST_TASKS and found.kappa is not None and found.kappa.value < floor


def between_two(compared: Compared) -> dict[tuple[str, str], Compared]:
    """What any two people answered on the tasks on which both voted, by their ids."""
    found: dict[tuple[str, str], Compared] = {}
    for (people, said), times in compared.items():
        for (one, first), (other, second) in combinations(sorted(zip(people, said, strict=True)), 2):
            found.setdefault((one, other), Counter())[(one, other), (first, second)] += times
    return found


def kappa(pairs: Pairs) -> float | None:
    """Cohen's kappa: (observed - expected) / (1 - expected), the expected agreement being that of independent raters
    with these margins (Cohen 1960, A coefficient of agreement for nominal scales, Educational and Psychological
    Measurement 20:37-46). Read it with the counts: at one per cent prevalence it misleads."""
    n, by_chance = sum(pairs.values()), _chances(pairs)
    agreed = sum(count for (first, second), count in pairs.items() if first == second)
    # Whole numbers up to the last division, so that perfect agreement is exactly 1.
    return (n * agreed - by_chance) / (n * n - by_chance) if by_chance < n * n else None


def ac1(sets: Sets, possible: int) -> float | None:
    """Gwet's AC1 for any number of votes, of so many `possible` answers: chance is reckoned from how far each answer is
    as common as not, so that a rare one does not mislead (Gwet 2008, Computing inter-rater reliability and its variance
    in the presence of high agreement, British Journal of Mathematical and Statistical Psychology 61:29-48)."""
    n = sum(sets.values())
    if not n or possible < 2:
        return None
    shares: Counter[str] = Counter()
    for said, times in sets.items():
        for answer in said:
            shares[answer] += times / len(said)  # type: ignore[assignment]
    by_chance = sum(share / n * (1 - share / n) for share in shares.values()) / (possible - 1)
    return (_observed(sets) - by_chance) / (1 - by_chance)


def estimated(reckon: Callable[[Mapping[Key, int]], float | None], counted: Mapping[Key, int]) -> Coefficient | None:
    """A coefficient of what was counted, with its interval."""
    counted = {key: times for key, times in counted.items() if times}
    value = reckon(counted)
    if value is None:
        return None
    n = sum(counted.values())
    without = [(times, reckon({**counted, key: times - 1})) for key, times in counted.items()]
    if n < 2 or any(left is None for _, left in without):
        return Coefficient(value)
    middle = sum(times * (left or 0.0) for times, left in without) / n
    error = sqrt((n - 1) / n * sum(times * ((left or 0.0) - middle) ** 2 for times, left in without))
    return Coefficient(value, max(-1.0, value - _WIDTH * error), min(1.0, value + _WIDTH * error))


def _chances(pairs: Pairs) -> int:
    """How many of all n * n ways to put a first answer beside a second one would put the same beside each other."""
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (first, second), count in pairs.items():
        rows[first] += count
        columns[second] += count
    return sum(rows[answer] * columns[answer] for answer in rows)


def _by_chance(pairs: Pairs) -> float | None:
    n = sum(pairs.values())
    return _chances(pairs) / (n * n) if n else None


def _sets(compared: Compared) -> Counter[tuple[str, ...]]:
    sets: Counter[tuple[str, ...]] = Counter()
    for (_, said), times in compared.items():
        sets[tuple(sorted(said))] += times
    return sets


def _observed(sets: Sets) -> float:
    """The share of pairs of votes on one task that agree, the mean over tasks."""
    shares = (
        times * sum(count * (count - 1) for count in Counter(said).values()) / (len(said) * (len(said) - 1))
        for said, times in sets.items()
    )
    return sum(shares) / sum(sets.values())
