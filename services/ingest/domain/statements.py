"""Statements: what a library file says was decided about its records before, under a mapping; and whether a file fits
the mapping as a whole, so that nothing of one that does not is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.ingest.domain.mappings import Mapped, name_of, same
from shared.events.bounds import LONGEST_ID

#: Problems of a file that are named; the others are counted.
MOST_PROBLEMS = 50

#: What begins the names of the fields with what Rayyan says, and the one that says why some are excluded.
RAYYAN, _RAYYAN_REASONS = "rayyan.inclusion", "rayyan.exclusion_reasons"

#: Characters of a value that are shown of one which nobody mapped.
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Statement:
    """That somebody gave an answer at a stage: `said` is the value of the `column` as the file has it, neither of which
    there is where one answer is of every record. `by` and `reason` are as the file has them, if it has any."""

    stage: str
    answer: str
    column: str | None
    said: str | None
    by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that the mapping does not know, or that cannot be what the mapping takes it for."""

    column: str
    value: str
    why: str


def stated(mapped: Sequence[Mapped], fields: Mapping[str, str]) -> Iterator[Statement | Misfit]:
    """What a record says was decided, by its fields; each thing once."""
    named = {name_of(name): said for name, said in fields.items()}
    yield from dict.fromkeys(each for one in mapped for each in _stated(one, named))


def _stated(one: Mapped, fields: Mapping[str, str]) -> Iterator[Statement | Misfit]:
    by = one.by if one.by_column is None else same(fields.get(one.by_column, "")) or None
    reason = fields.get(one.reason) if one.reason is not None else None
    if one.reads is not None:
        yield from _of_rayyan(one, fields, reason)
    elif one.answer is not None:
        yield _by(one, Statement(one.stage, one.answer, None, None, by, reason))
    elif one.column is not None:
        yield from _value(one, one.column, fields.get(one.column, ""), by, reason)


def _of_rayyan(one: Mapped, fields: Mapping[str, str], reason: str | None) -> Iterator[Statement | Misfit]:
    """One for each person. Its reasons are of the record, and why whoever excluded it did."""
    for name, said in fields.items():
        if name == RAYYAN or name.startswith(f"{RAYYAN}."):
            why = fields.get(_RAYYAN_REASONS) if reason is None and said == "Excluded" else reason
            yield from _value(one, name, said, same(name.removeprefix(RAYYAN)[1:]) or None, why)


def _value(one: Mapped, column: str, said: str, by: str | None, reason: str | None) -> Iterator[Statement | Misfit]:
    value = same(said)
    if value in one.answers:
        yield _by(one, Statement(one.stage, one.answers[value], column, said, by, reason))
    elif value and value not in one.ignored:
        yield Misfit(column, value[:_SHOWN], "the mapping has this value neither under answers nor under ignore")


def _by(one: Mapped, statement: Statement) -> Statement | Misfit:
    if statement.by is not None and len(statement.by) > LONGEST_ID:
        why = f"it is longer than {LONGEST_ID} characters, which no name is"
        return Misfit(one.by_column or one.column or "", statement.by[:_SHOWN], why)
    return statement


@dataclass(frozen=True, slots=True)
class Problem:
    """What of a file does not fit its mapping: where, why, and the value, which may lead whoever has yet to decide."""

    at: str
    why: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.at}: {f'{self.value!r}: ' if self.value else ''}{self.why}"


@dataclass(slots=True)
class _Seen:
    line: int
    times: int = 1


@dataclass
class Check:
    """Whether a file fits a mapping, record by record; memory is bounded whatever the file.

    `columns` are those of a table, of which `cited` are read as parts of the citation; other files have the fields
    that their records have.
    """

    file: str
    mapped: Sequence[Mapped]
    columns: Sequence[str] = ()
    cited: Collection[str] = ()
    #: Fields of a record from which on it may have more than are kept.
    most_fields: int | None = None
    _lacking: set[str] = field(default_factory=set)
    _reads: bool = False
    _misfits: dict[Misfit, _Seen] = field(default_factory=dict)
    _more: int = 0

    def __post_init__(self) -> None:
        there = set(map(name_of, self.columns)) - set(map(name_of, self.cited))
        self._lacking = {name for one in self.mapped for name in one.columns} - there
        self._reads = all(one.reads is None for one in self.mapped)

    def see(self, line: int, fields: Mapping[str, str]) -> None:
        """Looks at the record that begins at a line."""
        if self._lacking:
            self._lacking.difference_update(map(name_of, fields))
        if not self._reads:
            self._reads = any(name == RAYYAN or name.startswith(f"{RAYYAN}.") for name in fields)
        for each in stated(self.mapped, fields):
            if isinstance(each, Misfit):
                self._note(line, each)
        if self.most_fields is not None and len(fields) >= self.most_fields:
            for column in sorted({name for one in self.mapped for name in one.columns} - set(map(name_of, fields))):
                why = f"its record has more than {self.most_fields} further columns, of which the rest is not read"
                self._note(line, Misfit(column, "", why))

    def problems(self) -> list[Problem]:
        """What does not fit, once the whole file was seen, each with its line; nothing where all does."""
        listed = list(dict.fromkeys(self._missing()))
        for misfit, seen in self._misfits.items():
            more = f" ({seen.times} times, first there)" if seen.times > 1 else ""
            at = f"{self.file}, line {seen.line}, column {misfit.column!r}"
            listed.append(Problem(at, f"{misfit.why}{more}", misfit.value))
        if self._more:
            listed.append(Problem(self.file, f"{self._more} further values do not fit"))
        return listed

    def _note(self, line: int, misfit: Misfit) -> None:
        if misfit in self._misfits:
            self._misfits[misfit].times += 1
        elif len(self._misfits) < MOST_PROBLEMS:
            self._misfits[misfit] = _Seen(line)
        else:
            self._more += 1

    def _missing(self) -> Iterator[Problem]:
        cited = set(map(name_of, self.cited))
        for one in self.mapped:
            at = f"the mapping, line {one.line}"
            for name in one.columns:
                if name in self._lacking:
                    yield Problem(at, self._why_not(name, name in cited))
            if one.reads is not None and not self._reads:
                yield Problem(at, f"{self.file} has nothing that Rayyan decided")

    def _why_not(self, name: str, is_cited: bool) -> str:
        if is_cited:
            return f"the column {name!r} of {self.file} is a part of the citation, and no decision"
        known = f"; it has {', '.join(self.columns[:40])}" if self.columns else ""
        return f"{self.file} has no column or tag {name!r}{known}"
