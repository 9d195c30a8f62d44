"""What a source says of our rate and budget, in one vocabulary whatever its headers are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: What is kept of the headers of an answer: so many, with so many characters of each name and value.
MOST_HEADERS, LONGEST_HEADER = 20, 100

#: The headers that say each thing, the usual one first.
_LIMIT = ("x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit")
_REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Figures:
    """What headers say: how much may be asked and how much of it is left (in the source's own unit, and in USD), what
    the last answer cost (USD), and when it is filled up again, in the source's own words."""

    limit: float | None
    remaining: float | None
    limit_usd: float | None
    remaining_usd: float | None
    cost_usd: float | None
    reset: str | None


def figures(said: Mapping[str, str]) -> Figures:
    """Reads what a source said, by lower-case header names; None is what it does not say as a plain number."""
    return Figures(
        limit=_first(said, _LIMIT),
        remaining=_first(said, _REMAINING),
        limit_usd=_number(said.get("x-ratelimit-limit-usd")),
        remaining_usd=_number(said.get("x-ratelimit-remaining-usd")),
        cost_usd=_number(said.get("x-ratelimit-cost-usd")),
        reset=next((said[name] for name in _RESET if name in said), None),
    )


#: A budget that is smaller is one of a second or a minute, which is full again at once.
_A_DAYS = 500

#: The share of a day's budget that is left to runs.
OF_RUNS = 0.2


def leaves_runs_theirs(said: Mapping[str, str]) -> bool:
    """Whether more may be asked than runs need: true until what a source said is left of a day's budget, of requests or
    of dollars, is their share of it; and of a source that says nothing of a day's budget."""
    it = figures(said)
    pairs = [(it.remaining_usd, it.limit_usd)]
    pairs += [(it.remaining, it.limit)] if (it.limit or 0) >= _A_DAYS else []
    return all(left is None or not most or left > OF_RUNS * most for left, most in pairs)


def kept(said: Mapping[str, str]) -> dict[str, str]:
    """As much of the headers as is kept, by lower-case names."""
    plain = {name.lower(): value.replace("\0", "") for name, value in said.items() if len(name) <= LONGEST_HEADER}
    return {name: plain[name][:LONGEST_HEADER] for name in sorted(plain)[:MOST_HEADERS]}


def _first(said: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    return next((number for name in names if (number := _number(said.get(name))) is not None), None)


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None
