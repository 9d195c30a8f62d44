"""Proposals: the mapping that a library file suggests, with what only a person can say left open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.ingest.domain.mappings import OPEN, same
from services.ingest.domain.statements import RAYYAN

#: Different values that a column of decisions has at most, and characters of one; columns that are looked at.
_MOST_VALUES, _LONGEST, _MOST_COLUMNS = 12, 60, 1_000

#: What screening tools write, where it says of itself what it means; and what it means in a column of what is included.
_KNOWN = {
    "relevant": "include", "irrelevant": "exclude", "included": "include", "include": "include", "excluded": "exclude",
    "exclude": "exclude",
}  # fmt: skip
_OF_INCLUDED = {"1": "include", "0": "exclude"}
_INCLUDES = re.compile(r"asreview_label|label_\w+|(.*[ _])?included?([ _].*)?", re.IGNORECASE)
#: What says of itself that nobody decided.
_NOTHING = {"-1", "not_seen", "not seen", "not screened", "unscreened", "undecided"}

_DECIDES = re.compile(
    r"asreview(_label)?|(.*[ _])?(labels?|included?|excluded?|decisions?|screening|screened|verdict|judge?ment|vote"
    r"|status|relevan(t|ce)|eligib(le|ility))([ _].*)?",
    re.IGNORECASE,
)
_REASON, _WHO = (
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r".*(reason|why).*", r".*(reviewer|screener|rater|assessor|screened by|decided by).*")
)
_SAYS_MORE = re.compile(r"(.*[ _])?(time|date|notes?|number|id|prior)([ _].*)?", re.IGNORECASE)


@dataclass
class Survey:
    """What values the further columns of a file have, and how often; memory is bounded whatever the file."""

    records: int = 0
    _values: dict[str, Counter[str] | None] = field(default_factory=dict)
    _rayyan: Counter[str] = field(default_factory=Counter)

    def see(self, fields: Mapping[str, str]) -> None:
        """Counts what a record has."""
        self.records += 1
        for name, said in fields.items():
            value = same(said)
            if name.startswith(RAYYAN):
                self._rayyan[value[:_LONGEST]] += 1
                continue
            if name not in self._values:
                self._values[name] = Counter() if len(self._values) < _MOST_COLUMNS else None
            counted = self._values[name]
            if counted is None:
                continue
            counted[value[: _LONGEST + 1]] += 1
            if len(value) > _LONGEST or len(counted) > _MOST_VALUES:
                self._values[name] = None

    @property
    def states(self) -> bool:
        """Whether any column looks like one of decisions."""
        return bool(self._rayyan or self._deciding())

    def _few(self) -> dict[str, Counter[str]]:
        return {name: counted for name, counted in self._values.items() if counted}

    def _deciding(self) -> list[str]:
        return [name for name, counted in self._few().items() if self._decides(name, counted)]

    def proposal(self, file: str, dialect: str | None, *, whole: bool = True, then: str = "") -> str:
        """The mapping, as YAML with remarks; `then` is what is done with it, and `whole` says whether all of the file
        was seen."""
        few, deciding = self._few(), self._deciding()
        lines = [
            f"# What {_quoted(same(file))} says was decided before, as far as it shows.",
            f"# For each {_quoted(OPEN)} put a stage of the protocol, or one of that stage's answers.",
            "# Values that are no decisions go under `ignore`; a blank is none.",
            *([f"# Then: {then}"] if then else []),
            "decisions:",
        ]
        if self._rayyan:
            lines += [
                "  - reads: rayyan  # of each person, in whichever column has the notes",
                *_meaning(self._rayyan, _KNOWN),
            ]
        for name in deciding:
            known = _KNOWN | _OF_INCLUDED if _INCLUDES.fullmatch(name) else _KNOWN
            lines += [f"  - column: {_quoted(name)}", *_meaning(few[name], known), *self._besides()]
        if not self._rayyan and not deciding:
            why = "Covidence exports a file for each list" if dialect == "covidence" else "no column shows a decision"
            lines += [
                f"  - answer: {_quoted(OPEN)}  # of all {f'{self.records} ' if whole else ''}records: {why}",
                f"    stage: {_quoted(OPEN)}",
                *self._besides(),
            ]
        return "\n".join([*lines, *_others(few, deciding)]) + "\n"

    @staticmethod
    def _decides(name: str, counted: Mapping[str, int]) -> bool:
        """Whether a column's name is that of decisions, and of nothing that is said beside them, and it has some."""
        says_more = any(pattern.fullmatch(name) for pattern in (_REASON, _WHO, _SAYS_MORE))
        is_named = _DECIDES.fullmatch(name) and not says_more
        return bool(is_named) and any(value.casefold() not in _NOTHING for value in counted)

    def _besides(self) -> Iterator[str]:
        """Why, and who, where one column says so."""
        for key, pattern in (("reason", _REASON), ("by", _WHO)):
            if named := next((name for name in self._values if pattern.fullmatch(name)), None):
                yield f"    {key}: {{column: {_quoted(named)}}}"


def _meaning(counted: Mapping[str, int], known: Mapping[str, str]) -> Iterator[str]:
    yield f"    stage: {_quoted(OPEN)}"
    yield "    answers:"
    values = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    for value, times in values:
        if value.casefold() not in _NOTHING:
            means = known.get(value.casefold(), _quoted(OPEN))
            yield f"      {_quoted(value)}: {means}  # {'once' if times == 1 else f'{times} times'}"
    ignored = [_quoted(value) for value, _ in values if value.casefold() in _NOTHING]
    if ignored:
        yield f"    ignore: [{', '.join(ignored)}]"


def _others(few: Mapping[str, Counter[str]], deciding: list[str]) -> Iterator[str]:
    """Columns that may be of decisions though their names do not say so."""
    for name, counted in few.items():
        if name not in deciding and len(counted) > 1:
            values = ", ".join(f"{_quoted(value)} {times}" for value, times in counted.most_common())
            yield f"# another column of few values: {_quoted(name)} ({values})"


def _quoted(text: str) -> str:
    """A text in quotation marks, as YAML has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in escaped) + '"'
