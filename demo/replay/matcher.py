"""A small honest matcher for strategies: phrases, words, truncation, Boolean operators and fields over text.

It understands, in each API's own notation: `"exact phrases"`, words, `truncat*`, AND, OR, NOT, brackets,
words side by side as AND, a field behind a term (`leader*[ti]`) or before a term or bracket
(`TITLE:leader*`, `TITLE:(a OR b)`), numbers of works (`123[uid]`, `EXT_ID:"123"`), and date ranges
(`FIRST_IDATE:[2018-01-01 TO 2018-12-31]`, `2018/01/01:2018/12/31[edat]`), and words near each other
(`"care system"[tiab:~2]`, `"care system"~2`). Case, accents and punctuation do not matter. It knows no stemming,
synonyms or thesauri.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from demo.replay.corpus import Entry, Text
from shared.folding import decomposed, without_marks

#: Says of an entry whether it matches; asks for its text only when it must.
Test = Callable[[Entry], bool]
FieldText = Callable[[Text], str]
FieldDate = Callable[[Entry], date]
FieldKey = Callable[[Entry], str]

_TOKEN = re.compile(
    r"""\s*(?:(?P<range>(?P<dated>[A-Z_]+):\[\s*(?P<since>\S+)\s+TO\s+(?P<until>[^\]\s]+)\s*\])
    |(?P<days>(?P<first>\d{4}/\d\d/\d\d):(?P<last>\d{4}/\d\d/\d\d)\[(?P<day>\w+)\])
    |(?P<prefix>[A-Za-z_]+):(?=[("\w])
    |"(?P<phrase>[^"]*)"
    |(?P<bracket>[()])
    |\[(?P<suffix>[^\]]*)\]
    |(?P<word>[^\s()"\[\]]+))""",
    re.VERBOSE,
)
_NEAR = re.compile(r"(.*):~(\d{1,4})")
_FAR = re.compile(r"~(\d{1,4})")
_DEEPEST = 50


class QuerySyntax(ValueError):
    """The strategy cannot be read; the message says where."""


@dataclass(frozen=True)
class Notation:
    """Which fields an API knows: of text (lower-case name -> the text), of dates, and of what a work is called by;
    "" is every field."""

    fields: Mapping[str, FieldText]
    dates: Mapping[str, FieldDate]
    keys: Mapping[str, FieldKey] = field(default_factory=dict)


def everywhere(text: Text) -> str:
    return f"{text.title} . {text.abstract} . {text.venue}"


def title_and_abstract(text: Text) -> str:
    return f"{text.title} . {text.abstract}"


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """Lower case, without accents, punctuation as spaces; `*` stays."""
    return " ".join(re.sub(r"[^\w*]+", " ", without_marks(decomposed(text).casefold())).split())


def words(text: str) -> list[str]:
    return normalise(text).replace("*", "").split()


def parse(query: str, notation: Notation) -> Test:
    """Reads a strategy. Raises QuerySyntax."""
    return _Parser(query, notation).whole()


def term(text: str, field: FieldText) -> Test:
    """A test for one word or phrase in one field."""
    parts = [re.escape(part).replace(r"\*", r"\w*") for part in normalise(text).split()]
    if not parts:
        return lambda entry: False
    pattern = re.compile(rf"(?<!\w){' '.join(parts)}(?!\w)")
    return lambda entry: bool(pattern.search(normalise(field(entry.text()))))


def near(text: str, field: FieldText, others: int) -> Test:
    """A test for words in any order with at most so many others between them all in one field."""
    wanted = Counter(words(text))
    if not wanted:
        return lambda entry: False
    span = wanted.total() + others

    def test(entry: Entry) -> bool:
        there = words(field(entry.text()))
        starts = range(max(len(there) - span, 0) + 1)
        return any(wanted <= Counter(there[start : start + span]) for start in starts)

    return test


class _Parser:
    def __init__(self, query: str, notation: Notation) -> None:
        self._notation = notation
        self._tokens = list(_tokens(query))
        self._at = 0
        self._depth = 0

    def whole(self) -> Test:
        test = self._either("")
        if self._peek() is not None:
            raise QuerySyntax(f"nothing was expected at token {self._at + 1}: {self._tokens[self._at][1]!r}")
        return test

    def _peek(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, wanted: tuple[str, str]) -> bool:
        if self._peek() == wanted:
            self._at += 1
            return True
        return False

    def _either(self, field: str) -> Test:
        tests = [self._both(field)]
        while self._take(("word", "OR")):
            tests.append(self._both(field))
        return tests[0] if len(tests) == 1 else lambda entry: any(test(entry) for test in tests)

    def _both(self, field: str) -> Test:
        tests = [self._one(field)]
        while (token := self._peek()) and token not in {("word", "OR"), ("bracket", ")")}:
            self._take(("word", "AND"))
            tests.append(self._one(field))
        return tests[0] if len(tests) == 1 else lambda entry: all(test(entry) for test in tests)

    def _one(self, field: str) -> Test:
        token = self._peek()
        if token is None:
            raise QuerySyntax("a term was expected at the end")
        self._at += 1
        name, value = token
        if token == ("word", "NOT"):
            test = self._one(field)
            return lambda entry: not test(entry)
        if name == "range":
            return self._range(value)
        if name == "prefix":
            return self._one(value)
        if token == ("bracket", "("):
            return self._bracket(field)
        if name not in {"word", "phrase"}:
            raise QuerySyntax(f"a term was expected at token {self._at}, not {value!r}")
        if (suffix := self._peek()) and suffix[0] == "suffix":
            self._at += 1
            field = suffix[1]
        elif name == "phrase" and suffix and (found := _FAR.fullmatch(suffix[1])):
            self._at += 1
            return near(value, self._field(field), int(found[1]))
        if (key := self._notation.keys.get(field.lower())) is not None:
            return lambda entry: key(entry) == value
        if found := _NEAR.fullmatch(field):
            return near(value, self._field(found[1]), int(found[2]))
        return term(value, self._field(field))

    def _bracket(self, field: str) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise QuerySyntax(f"brackets are nested deeper than {_DEEPEST}")
        test = self._either(field)
        if not self._take(("bracket", ")")):
            raise QuerySyntax("a bracket is not closed")
        self._depth -= 1
        return test

    def _field(self, name: str) -> FieldText:
        try:
            return self._notation.fields[name.strip().lower()]
        except KeyError:
            raise QuerySyntax(f"there is no field {name!r} here") from None

    def _range(self, value: str) -> Test:
        name, since, until = value.split("\n")
        try:
            dated = self._notation.dates[name.lower()]
            first, last = date.fromisoformat(since), date.fromisoformat(until)
        except (KeyError, ValueError):
            raise QuerySyntax(f"{name}:[{since} TO {until}] is not a range of dates here") from None
        return lambda entry: first <= dated(entry) <= last


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    position = 0
    query = query.rstrip()
    while position < len(query):
        found = _TOKEN.match(query, position)
        if found is None:
            raise QuerySyntax(f"cannot be read from here: {query[position : position + 40]!r}")
        position = found.end()
        if found["days"]:
            first, last = (found[name].replace("/", "-") for name in ("first", "last"))
            yield "range", f"{found['day']}\n{first}\n{last}"
            continue
        if found["range"]:
            yield "range", "\n".join(found.group("dated", "since", "until"))
            continue
        kind = next(name for name in ("prefix", "phrase", "bracket", "suffix", "word") if found[name] is not None)
        yield kind, found[kind]
