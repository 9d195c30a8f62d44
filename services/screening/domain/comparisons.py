"""Comparisons: what independent votes on one task said side by side, in the one line under which it is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

#: What stands between the two parts of a comparison as it is counted: the day with the people, and their answers.
BETWEEN: Final = "\x1f"

#: Characters of a day and the line end behind it, with which the first part begins.
DAY: Final = len("2026-01-31\n")

#: What stands between an answer and the reason that is named with it.
_FOR: Final = "\t"

#: (People, their answers), both in the order of their ids -> on how many tasks.
Compared = Counter[tuple[tuple[str, ...], tuple[str, ...]]]

#: Where nothing was compared.
NOTHING: Final[Compared] = Counter()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of people on one task, in the order of their ids (or of the names that they had); `day` (UTC) is that
    of the last of them."""

    day: date
    people: tuple[str, ...]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, answers: Mapping[str, str], day: date) -> Comparison:
        people = tuple(sorted(answers))
        return cls(day, people, tuple(answers[person] for person in people))

    @classmethod
    def read(cls, written: str) -> Comparison:
        first, _, second = written.partition(BETWEEN)
        day, *people = first.split("\n")
        return cls(date.fromisoformat(day), tuple(people), tuple(second.split("\n")))

    @property
    def written(self) -> str:
        """As it is counted."""
        return BETWEEN.join(("\n".join((self.day.isoformat(), *self.people)), "\n".join(self.answers)))

    def answer_of(self, person: str) -> str | None:
        return dict(zip(self.people, self.answers, strict=True)).get(person)

    def renamed(self, name: str, person: str) -> Comparison:
        """The same of a person that was counted under a name; who is first stays so, and with it what two answered."""
        return Comparison(self.day, tuple(person if one == name else one for one in self.people), self.answers)


def said(answer: str, excluded_for: str | None) -> str:
    """An answer as it is compared, with the reason that it names."""
    return answer if excluded_for is None else f"{answer}{_FOR}{excluded_for}"


def answers_alone(compared: Compared) -> Compared:
    """The same without reasons."""
    found: Compared = Counter()
    for (people, given), times in compared.items():
        found[people, tuple(one.partition(_FOR)[0] for one in given)] += times
    return found


def reasons_alone(compared: Compared) -> Compared:
    """The reasons alone, of tasks where all named one."""
    found: Compared = Counter()
    for (people, given), times in compared.items():
        named = tuple(one.partition(_FOR)[2] for one in given)
        if all(named):
            found[people, named] += times
    return found
