"""Outlines: what the columns of a library file hold, so that a person can say what they mean before it is taken in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.ingest.domain.mappings import name_of, same

#: Columns that are counted, different values that are told apart in all of them together, and characters of one.
MOST_COLUMNS, _MOST_VALUES, _LONGEST = 200, 20_000, 80

#: Values of a column that are shown.
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Column:
    """How many records have something in a column, and what most often; `more` where it has other values too."""

    name: str
    filled: int
    values: tuple[tuple[str, int], ...]
    more: bool


@dataclass
class Outline:
    """What each column has, in the order in which records show them; memory is bounded whatever the file."""

    more_columns: int = 0
    _seen: dict[str, Counter[str]] = field(default_factory=dict)
    _filled: Counter[str] = field(default_factory=Counter)
    _others: set[str] = field(default_factory=set)
    _unseen: set[str] = field(default_factory=set)
    _distinct: int = 0

    def see(self, fields: Mapping[str, str]) -> None:
        """Counts what a record has."""
        for name, said in fields.items():
            if name not in self._seen:
                if len(self._seen) >= MOST_COLUMNS:
                    self._pass_over(name)
                    continue
                self._seen[name] = Counter()
            self._filled[name] += 1
            self._count(name, said)

    def columns(self) -> Iterator[Column]:
        for name, counted in self._seen.items():
            values = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
            more = len(values) > _SHOWN or name in self._others
            yield Column(name_of(name), self._filled[name], tuple(values[:_SHOWN]), more)

    def _count(self, name: str, said: str) -> None:
        counted = self._seen[name]
        # As much as may become one value that is shown, and no more of a cell that is a whole book.
        value = same(said[: 4 * _LONGEST])
        value = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        if value not in counted:
            if self._distinct >= _MOST_VALUES:
                self._others.add(name)
                return
            self._distinct += 1
        counted[value] += 1

    def _pass_over(self, name: str) -> None:
        if name not in self._unseen and len(self._unseen) < _MOST_VALUES:
            self._unseen.add(name)
            self.more_columns += 1
