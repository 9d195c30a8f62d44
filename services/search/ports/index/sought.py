"""Says a query in the words of the index, so that both adapters look for the same ones.

What is written in one word, with a hyphen or in two meets: `e-health`, `ehealth` and `e health` each find the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from services.search.ports.index.query import And, Everything, Expression, Field, Not, Or, Phrase, Prefix, parse
from services.search.ports.index.words import counted, parts_of
from shared.errors import Invalid
from shared.folding import findable, stands_alone


@dataclass(frozen=True, slots=True)
class Row:
    """Words next to each other, in this order, each in any of its forms; in any field when `field` is None. `guess`
    says that they were asked for in fewer words, and are hardly ever written in these."""

    words: tuple[str, ...]
    field: Field | None = None
    guess: bool = False


@dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a word as it is written."""

    letters: str
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Doi:
    """A DOI in lower case, or its beginning."""

    name: str
    begins: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Sought, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Sought, ...]


@dataclass(frozen=True, slots=True)
class Without:
    part: Sought


Sought = Row | Beginning | Doi | Everything | AllOf | AnyOf | Without

#: Words of a query that are looked for in other spellings too. A longer query has said them itself.
_MOST_SPELLED = 16

#: Words next to each other that are looked for: a paragraph of them is pasted by mistake, and costs every text dearly
#: that repeats one. Of what is written without blanks each character is one.
_LONGEST_ROW = 200

#: What is written before a word and with it, and is mostly no word by itself; so are some letters (e-mail, T cells).
_BEFORE = frozenset(
    """
    anti auto bi bio cardio co counter cross cyber extra geo hyper hypo inter intra macro mega meta micro mid mini mono
    multi nano neo neuro non para peri poly post pre pseudo psycho quasi re retro self semi socio sub super tele trans
    tri ultra
    """.split()  # noqa: SIM905  # Reads better than a list.
) | frozenset("bemtx")
_AFTER = frozenset(["up", "off", "out", "down"])
_LONG = 4


def sought(text: str) -> Sought:
    """What is looked for by a query. Raises Invalid with the place of what cannot be understood."""
    expression = parse(text)
    if expression is None:
        return Everything()
    return _Reader(spelled=_count(expression) <= _MOST_SPELLED).read(expression)


class _Reader:
    def __init__(self, *, spelled: bool) -> None:
        self._spelled = spelled

    def read(self, expression: Expression) -> Sought:
        match expression:
            case Phrase(text, "doi"):
                return Doi(text, begins=False)
            case Prefix(text, "doi"):
                return Doi(text, begins=True)
            case Phrase(text, field):
                return _any_of(self._spellings(text, field))
            case Prefix(text, field):
                return self._beginning([part for piece in text.split() for part in parts_of(piece)], field)
            case And(parts):
                return AllOf(tuple(self._conjoined(parts)))
            case Or(parts):
                return AnyOf(tuple(map(self.read, parts)))
            case Not(part):
                return Without(self.read(part))
            case Everything():
                return expression

    def _beginning(self, pieces: list[str], field: Field | None) -> Sought:
        """Of what is written without blanks any part is found, so that there its beginning is."""
        *whole, last = pieces
        if stands_alone(last):
            return _row(tuple(pieces), field)
        begins = Beginning(counted(last), field)
        return AllOf((_row(tuple(whole), field), begins)) if whole else begins

    def _spellings(self, text: str, field: Field | None) -> Iterator[Row]:
        pieces = [parts for piece in findable(text).split() if (parts := parts_of(piece))]
        forms = tuple(part for parts in pieces for part in parts)
        joined = tuple(part for parts in pieces for part in _joined(parts))
        yield _row(forms, field)
        yield _row(joined, field)
        if not self._spelled or len(forms) > _MOST_SPELLED:
            return
        for guessed in _guesses(forms):
            if guessed != joined:
                yield _row(guessed, field, guess=len(guessed) > 1)

    def _conjoined(self, parts: tuple[Expression, ...]) -> Iterator[Sought]:
        """Each part; a word also as one with the word before it, or with the one after it."""
        pairs = [self._pair(*two) for two in pairwise(parts)]
        for part, before, after in zip(parts, (None, *pairs), (*pairs, None), strict=True):
            yield _any_of([self.read(part), *(pair for pair in (before, after) if pair)])

    def _pair(self, one: Expression, other: Expression) -> Row | None:
        if not (self._spelled and isinstance(one, Phrase) and isinstance(other, Phrase) and one.field == other.field):
            return None
        pair = _one_word(findable(one.text).strip(), findable(other.text).strip()) if one.field != "doi" else None
        return _row((pair,), one.field) if pair else None


def _guesses(forms: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The same with two words in one, or with one in two."""
    for at, form in enumerate(forms):
        before, after = forms[:at], forms[at + 1 :]
        if after and (pair := _one_word(form, after[0])):
            yield (*before, pair, *after[1:])
        for two in _two_words(form):
            yield (*before, *two, *after)


def _row(forms: tuple[str, ...], field: Field | None, *, guess: bool = False) -> Row:
    if len(forms) > _LONGEST_ROW:
        why = f"{len(forms)} words next to each other are looked for, and {_LONGEST_ROW} is the most: give some of them"
        raise Invalid(f"search text: {why}", errors=[{"at": "text", "why": why}])
    return Row(tuple(map(counted, forms)), field, guess)


def _joined(parts: list[str]) -> list[str]:
    """The parts of a compound as one word; of one that goes on from a script without blanks, the parts."""
    return parts if any(stands_alone(part) for part in parts) else ["".join(parts)]


def _one_word(one: str, other: str) -> str | None:
    """Two words as one; None for numbers, whose digits would be another number's, and for what is no single word."""
    both = one + other
    return both if both.isalnum() and both.isascii() and not both.isdigit() else None


def _two_words(word: str) -> Iterator[tuple[str, str]]:
    """The ways in which a word may be written in two: before a number, after a prefix, or where both are long."""
    if not word.isascii():
        return
    if numbered := re.fullmatch(r"([a-z]+)(\d+)", word):
        yield numbered[1], numbered[2]
        return
    for at in range(1, len(word) - 1):
        one, other = word[:at], word[at:]
        if (one in _BEFORE and len(other) > 2) or (at >= _LONG and (len(other) >= _LONG or other in _AFTER)):
            yield one, other


def _any_of(parts: Iterator[Sought] | list[Sought]) -> Sought:
    each = tuple(dict.fromkeys(parts))
    return AnyOf(each) if len(each) > 1 else each[0]


def _count(expression: Expression) -> int:
    match expression:
        case And(parts) | Or(parts):
            return sum(map(_count, parts))
        case Not(part):
            return _count(part)
        case Phrase(text):
            return len(text.split())
        case _:
            return 1
