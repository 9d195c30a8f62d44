"""How far answers agree beyond what chance alone would explain: what screening and coding reckon in one way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


def alpha(sets: Mapping[tuple[str, ...], int]) -> float | None:
    """Krippendorff's alpha for nominal answers and any number of answers a unit (Krippendorff 2019, Content analysis,
    4th edition, chapter 12): 1 - observed disagreement / that of the same answers dealt out at random. None where there
    is nothing to reckon with, as where all answers are one."""
    given: Counter[str] = Counter()
    parted = 0.0
    for said, times in sets.items():
        here = Counter(said)
        given.update({answer: count * times for answer, count in here.items()})
        parted += times * sum(count * (len(said) - count) for count in here.values()) / (len(said) - 1)
    total = given.total()
    at_random = sum(count * (total - count) for count in given.values())
    return 1 - (total - 1) * parted / at_random if at_random else None
