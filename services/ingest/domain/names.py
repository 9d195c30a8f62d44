"""Whether two names may be one person's: names as sources write them, read into their parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from services.ingest.domain.words import words_of, written_out


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name: the last word of the family name, the first given name or initial, every longer word,
    and all initials."""

    family: str
    given: str
    longer: frozenset[str]
    initials: frozenset[str]


_SUFFIX = frozenset(["2nd", "3rd", "iii", "jr", "md", "phd", "sr"])
_NOBODY = frozenset(["anon", "anonymous", "authors", "unknown"])


@lru_cache(maxsize=50_000)
def name(text: str) -> Name | None:
    """Reads `Family, Given`, `Family GI` or `Given Family`; None when it names nobody."""
    before, comma, after = text.partition(",")
    family = [word for word in words_of(before) if word not in _SUFFIX]
    given = [word for word in words_of(after) if word not in _SUFFIX]
    if not comma and len(family) > 1:
        family, given = _parted(before, family)
    if not family:
        family, given = given, []
    if not family or _NOBODY.intersection(family):
        return None
    every = [*family, *given]
    return Name(
        family=written_out(family[-1]),
        given=given[0] if given else "",
        longer=frozenset(written_out(word) for word in every if len(word) > 1),
        initials=frozenset(word[0] for word in every),
    )


def _parted(text: str, every: list[str]) -> tuple[list[str], list[str]]:
    """Finds the family name in a name without a comma: before trailing initials, else the last word."""
    last = re.split(r"[\s.]+", text.strip(" ."))[-1]
    trailing = len(every[-1]) == 1 or (len(last) <= 3 and last.isupper() and len(every[0]) > 2)
    if not trailing:
        return every[-1:], every[:-1]
    first_initial = next((index for index, word in enumerate(every) if len(word) == 1), len(every) - 1)
    cut = first_initial or len(every) - 1
    return every[:cut], every[cut:]


def same_person(one: Name, other: Name) -> bool:
    """Whether two names may be one person's: a shared family name, and given names that do not contradict."""
    if one.family not in other.longer and other.family not in one.longer:
        return False
    if not one.given or not other.given:
        return True
    if one.family == other.family and len(one.given) > 1 and len(other.given) > 1:
        return one.given[0] == other.given[0] or one.given in other.longer or other.given in one.longer
    return one.given[0] in other.initials or other.given[0] in one.initials
