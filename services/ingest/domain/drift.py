"""Drift that no error shows: a field that a source's records mostly had and now mostly lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import exp, lgamma, log

#: Records of a run that are seen before anything is said, and that an earlier run must have to count.
ENOUGH, ENOUGH_BEFORE = 30, 50
#: How many earlier runs are held against.
RUNS = 10
#: How improbable the lack must be if nothing had changed.
_IMPROBABLE = 1e-6

FIELDS = ("title", "abstract", "DOI", "date")


def collapses(now: Mapping[str, int], before: Iterable[Mapping[str, int]]) -> Iterator[str]:
    """In words, each field that less than half as many of a run's records have as those of earlier runs together, where
    chance does not explain it. Both are counts of `records` and of those that have each field."""
    earlier = [each for each in before if each.get("records", 0) >= ENOUGH_BEFORE]
    of, of_before = now.get("records", 0), sum(each["records"] for each in earlier)
    if of < ENOUGH or not earlier:
        return
    for field in FIELDS:
        having, rate = now.get(field, 0), sum(each.get(field, 0) for each in earlier) / of_before
        if having < rate * of / 2 and _at_most(having, of, rate) < _IMPROBABLE:
            yield f"{having} of {of} records have {field}, of earlier runs {rate:.0%}"


def _at_most(having: int, of: int, rate: float) -> float:
    """The probability that at most so many have it: the lower tail of the binomial distribution."""
    if rate >= 1:
        return 0.0 if having < of else 1.0
    return sum(
        exp(lgamma(of + 1) - lgamma(each + 1) - lgamma(of - each + 1) + each * log(rate) + (of - each) * log(1 - rate))
        for each in range(having + 1)
    )
