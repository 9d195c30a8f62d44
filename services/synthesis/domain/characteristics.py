"""Characteristics: what is said of each study, whether an answer fits its question, and which answers stand.

Pure. Answers are only ever added, and each names those that it supersedes: whichever stand follows from them all, in
whatever order and however often they come.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.events.characteristics import Kind
from shared.wire.synthesis import LONGEST_ANSWER, AnswerState, CharacteristicValue

#: Answers to one characteristic from one report; more corrections are no answer.
MOST_ANSWERS = 100

#: Years that a study may be of, and how large a number may be.
_FIRST_YEAR, _LAST_YEAR, _LARGEST = 1000, 2999, 1e15

_YES, _NO = frozenset({"yes", "true"}), frozenset({"no", "false"})


class Question(Protocol):
    """What is asked."""

    @property
    def kind(self) -> Kind: ...
    @property
    def options(self) -> Sequence[str]: ...
    @property
    def least(self) -> float | None: ...
    @property
    def most(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody said of a characteristic; neither a value nor that it is not reported takes back what was said."""

    answer: str
    characteristic: str
    value: CharacteristicValue | None
    not_reported: bool
    version: int
    supersedes: Collection[str] = field(default=())

    @property
    def is_said(self) -> bool:
        return self.not_reported or self.value is not None


def fitting(question: Question, value: CharacteristicValue) -> CharacteristicValue:
    """The value as it is kept. Raises ValueError, in words that follow the field's name."""
    if question.kind == "text":
        return _words(value)
    if question.kind == "yes_no":
        return _yes_no(value)
    if question.kind in ("number", "year"):
        return _year(value) if question.kind == "year" else _number(question, value)
    chosen = _chosen(question, value)
    if question.kind == "choice" and len(chosen) != 1:
        raise ValueError(f"takes one of its options: {_listed(question.options)}")
    return chosen[0] if question.kind == "choice" else chosen


def that_stand(answers: Iterable[Answered]) -> list[Answered]:
    """The answers that no other supersedes, by their ids; but for those that only take back."""
    known = {it.answer: it for it in answers}
    gone = {name for it in known.values() for name in it.supersedes}
    return [it for name, it in sorted(known.items()) if name not in gone and it.is_said]


def heads(answers: Iterable[Answered]) -> list[str]:
    """The ids of those that the next answer supersedes: of what stands, and of what took something back."""
    known = {it.answer: it for it in answers}
    gone = {name for it in known.values() for name in it.supersedes}
    return sorted(set(known) - gone)


def state_of(stand: Sequence[Answered]) -> AnswerState:
    """Where a characteristic stands with these answers."""
    if not stand:
        return "unanswered"
    return "answered" if all(same(it, stand[0]) for it in stand) else "differs"


def is_lacking(stand: Sequence[Answered], *, required: bool, since: int) -> bool:
    """Whether what must be answered is not, or only as an earlier version of the protocol asked it."""
    return required and not any(it.version >= since for it in stand)


def same(one: Answered, other: Answered) -> bool:
    """Whether two answers say the same; 1 is no yes."""
    return (one.not_reported, type(one.value) is bool, one.value) == (
        other.not_reported, type(other.value) is bool, other.value,
    )  # fmt: skip


def _words(value: CharacteristicValue) -> str:
    if not isinstance(value, str):
        raise ValueError("takes words")
    if not (text := value.strip()):
        raise ValueError("says nothing; leave the value out to take back what was said")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that is no text (NUL or half a surrogate pair)")
    if len(text) > LONGEST_ANSWER:
        raise ValueError(f"may have at most {LONGEST_ANSWER:,} characters, and has {len(text):,}")
    return text


def _yes_no(value: CharacteristicValue) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().casefold() if isinstance(value, str) else ""
    if word not in _YES | _NO:
        raise ValueError("takes yes or no")
    return word in _YES


def _year(value: CharacteristicValue) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{4}\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _FIRST_YEAR <= value <= _LAST_YEAR:
        raise ValueError(f"takes a year, from {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


def _number(question: Question, value: CharacteristicValue) -> int | float:
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,16}(\.[0-9]{1,10})?\s*", value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("takes a number")
    if abs(value) > _LARGEST:
        raise ValueError("is larger than any number that is kept")
    if question.least is not None and value < question.least:
        raise ValueError(f"must be {question.least:g} or more")
    if question.most is not None and value > question.most:
        raise ValueError(f"must be {question.most:g} or less")
    return value


def _chosen(question: Question, value: CharacteristicValue) -> list[str]:
    """What is chosen, in the order of the options, each once."""
    if isinstance(value, str):
        whole = value.strip()
        value = [whole] if whole in question.options else [it.strip() for it in value.split(";") if it.strip()]
    if not isinstance(value, list) or not value:
        raise ValueError(f"takes of its options: {_listed(question.options)}")
    for one in value:
        if one not in question.options:
            raise ValueError(f"has no option {one[:80]!r}; there are: {_listed(question.options)}")
    return [one for one in question.options if one in value]


def _listed(options: Iterable[str]) -> str:
    return ", ".join(repr(it) for it in options)[:1000]
