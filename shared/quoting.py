"""Quotes: whether a text says just these words, whatever its typesetting did to them, and where.

A text and a quote of it are folded before they are compared: compatible forms become plain (NFKC, so that ﬁ is fi),
quotation marks and dashes one each, white space one blank; what nobody sees is gone, and so are soft hyphens and those
at line ends. Case stays, and so do raised, lowered and broken digits behind a number, since 10² is not 102. Each folded
character knows what it stands for, so that a quote leads back to the text as it is.

A quote counts only where all of it stands, and cuts no word or number in two: neither "compliant" out of
"non-compliant" nor "50" out of "1,50" is a quote. What merely resembles it is offered (`nearest`) and never taken.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import NamedTuple

from rapidfuzz import fuzz

from shared.folding import compatible, composed, decomposed, form, kind, stands_alone

#: Where as many as this are alike, nobody looks for more.
MOST_FOUND = 100

#: Characters at either end of a quote by which something like it is looked for: more take as many times as long.
_TELLING = 120

#: Characters that are compared at most, which takes seconds, and as how many a look at one candidate counts besides. A
#: report has fewer of them, unless a quote overlaps itself over and over.
_MOST_COMPARED, _A_LOOK = 600_000_000, 1_000

#: How alike what is offered must be at least, of 1.
LEAST_ALIKE = 0.5

#: Characters around a quote that tell it from others, as a selector keeps them.
AROUND = 32

_SOFT = "\u00ad"
_HYPHENS = "-‐" + _SOFT
#: What is a hyphen within a word, or a sign before a number, as they are typed.
_CUTTING = "-‐‑−﹣－–—⸺⸻" + _SOFT

#: What makes one word of the letters on both sides; a number in brackets behind a word is that of a source.
_JOINING = "·⁃˗־⸗_/()[]"
_DASHES = "‑‒–—―−﹘﹣－⸺⸻"
_NEWLINES = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_INVISIBLE = frozenset(
    map(chr, [0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065)])
)

_SAME = str.maketrans(
    dict.fromkeys("‘’‚‛′`´ʼ＇", "'") | dict.fromkeys("“”„‟«»″＂", '"') | dict.fromkeys(_DASHES + "‐", "-")
)

#: Compatible forms that say something else than their plain ones: 1½ and 11⁄2, ① and 1; and those that do so behind a
#: number, and may else be the number of a note: 10² and 102.
_KEPT, _RAISED = ("<fraction>", "<circle>"), ("<super>", "<sub>")

#: What needs no folding: words of ASCII with single blanks between them.
_PLAIN = re.compile(r"[!-&(-,./-_a-~]+(?: [!-&(-,./-_a-~]+)*")
_ASCII = 128

#: What belongs to a number where a digit stands on both sides, and what belongs to one that it touches.
_WITHIN_NUMBERS, _BEFORE_NUMBERS, _BEHIND_NUMBERS = ".,:/·", "<>=≤≥±~≈$£€¥", "%‰°"

_HYPHEN_IN_WORD = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")


class Span(NamedTuple):
    """Characters of a text: from the first to the one behind the last."""

    start: int
    end: int


class Everywhere(Exception):
    """A text has something, as words or as parts of others, more often than anybody looks through."""


class Near(NamedTuple):
    """What of a text comes nearest to a quote, and how alike they are, of 1."""

    span: Span
    similarity: float


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. Character by character, `starts` and `ends` say what it stands for; before those at `breaks` a
    hyphen was dropped, which may belong to the word or not."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    breaks: frozenset[int]

    def span(self, start: int, end: int) -> Span:
        """What some of its characters stand for."""
        return Span(self.starts[start], self.ends[end - 1])


def fold(text: str) -> Folded:
    """Folds a text. What is folded already stays as it is."""
    return _Folding(text).done()


class _Folding:
    """A text on its way, from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._parts: list[str] = []
        self._last, self._length = "", 0
        # In four bytes each: no text is as long as to need more.
        self._starts, self._ends, self._breaks = array("i"), array("i"), set[int]()

    def done(self) -> Folded:
        while self._at < len(self._text):
            if not self._plain_words():
                self._next()
        return Folded("".join(self._parts), self._starts, self._ends, frozenset(self._breaks))

    def _plain_words(self) -> bool:
        """Takes as much as stays as it is; a letter that a mark may follow is left out."""
        found = _PLAIN.match(self._text, self._at)
        if found is None:
            return False
        start, end = found.span()
        if end < len(self._text) and ord(self._text[end]) >= _ASCII:
            end -= 1
            while end > start and self._text[end - 1] == " ":
                end -= 1
        if end == start:
            return False
        self._parts.append(self._text[start:end])
        self._starts.extend(range(start, end))
        self._ends.extend(range(start + 1, end + 1))
        self._last, self._length, self._at = self._text[end - 1], self._length + end - start, end
        return True

    def _next(self) -> None:
        char = self._text[self._at]
        if char in _INVISIBLE:
            self._at += 1
        elif char.isspace():
            self._put(" ", self._behind_blanks(self._at))
        elif char in _HYPHENS or char in _DASHES:
            self._hyphen(char)
        elif _is_raised(char):
            self._raised()
        else:
            self._cluster()

    def _hyphen(self, char: str) -> None:
        end = self._behind_blanks(self._at + 1)
        follows = self._text[end : end + 1]
        in_word = char in _HYPHENS and self._last.isalpha() and follows.isalpha() and not _extends(follows)
        ends_line = any(it in _NEWLINES for it in self._text[self._at + 1 : end])
        if char == _SOFT or (in_word and ends_line):
            if in_word and (ends_line or not any(it.isspace() for it in self._text[self._at + 1 : end])):
                self._breaks.add(self._length)
                self._at = end
            else:
                self._at += 1
        else:
            # Behind what it is set against there is no blank at a line's end.
            self._put("-", end if ends_line and self._last not in ("", " ") else self._at + 1)

    def _raised(self) -> None:
        """Raised or lowered characters that follow each other: plain digits where they cannot be taken for those of a
        number beside them."""
        end = self._at + 1
        while end < len(self._text) and _is_raised(self._text[end]):
            end += 1
        plain = compatible(self._text[self._at : end])
        is_note = plain.isdecimal() and not self._last.isdigit() and not self._text[end : end + 1].isdigit()
        for at in range(self._at, end):
            self._at = at
            self._put(plain[at - end] if is_note else self._text[at], at + 1)

    def _cluster(self) -> None:
        """A character with the marks and the like that make another one of it."""
        end, chars = self._at + 1, self._text[self._at]
        while True:
            behind = end
            while behind < len(self._text) and (self._text[behind] in _INVISIBLE or self._text[behind] == _SOFT):
                behind += 1
            if behind == len(self._text) or not _extends(self._text[behind]):
                break
            chars += self._text[behind]
            end = behind + 1
        self._put(_plain(chars), end)

    def _put(self, chars: str, end: int) -> None:
        for char in chars:
            if char == " " and self._last == " ":
                self._ends[-1] = end
                continue
            self._parts.append(char)
            self._starts.append(self._at)
            self._ends.append(end)
            self._last, self._length = char, self._length + 1
        self._at = end

    def _behind_blanks(self, at: int) -> int:
        while at < len(self._text) and (self._text[at].isspace() or self._text[at] in _INVISIBLE):
            at += 1
        return at


@lru_cache(maxsize=10_000)
def _extends(char: str) -> bool:
    """Whether a character may become one with what it follows: a mark, or a vowel or final of Hangul."""
    first = decomposed(char)[0]
    return kind(first)[0] == "M" or "\u1160" <= first <= "\u11ff" or "\ud7b0" <= first <= "\ud7fb"


@lru_cache(maxsize=10_000)
def _is_raised(char: str) -> bool:
    return form(char) in _RAISED


@lru_cache(maxsize=10_000)
def _plain(chars: str) -> str:
    if (same := chars.translate(_SAME)) != chars and len(chars) == 1:
        return same
    if any(form(char) in _KEPT + _RAISED for char in chars):
        return composed(chars)
    plain = compatible(chars)
    if plain[0] == " " and len(plain) > 1:  # An accent by itself, which is no blank.
        return composed(chars)
    return "".join(" " if char.isspace() else char for char in plain.translate(_SAME) if char not in _INVISIBLE)


@dataclass(frozen=True)
class Searched:
    """A text that quotes are looked for in, folded once."""

    text: str

    @cached_property
    def folded(self) -> Folded:
        return fold(self.text)

    @cached_property
    def bare(self) -> _Bare:
        return _Bare.of(self.folded)


@dataclass(frozen=True, slots=True)
class _Bare:
    """A folded text without the hyphens within words, since a line's end may have made one or dropped one."""

    text: str
    #: Where hyphens that are the word's own were, and where those that may be.
    own: Sequence[int]
    open: frozenset[int]

    @classmethod
    def of(cls, folded: Folded) -> _Bare:
        taken = [found.start() for found in _HYPHEN_IN_WORD.finditer(folded.text)]
        own = array("i", (at - number for number, at in enumerate(taken)))
        opened = frozenset(at - bisect_left(taken, at) for at in folded.breaks)
        return cls(_HYPHEN_IN_WORD.sub("", folded.text), own, opened)

    def in_folded(self, at: int) -> int:
        """Where a character of it stands in the folded text."""
        return at + bisect_right(self.own, at)

    def at_folded(self, at: int) -> int:
        """Which of its characters stands at a character of the folded text, or first behind that."""
        return bisect_left(range(len(self.text)), at, key=self.in_folded)

    def joints(self, start: int, end: int) -> set[int]:
        """The hyphens of its own within some of its characters, counted from the first of them."""
        return {at - start for at in self.own[bisect_right(self.own, start) : bisect_left(self.own, end)]}


def find(
    text: str | Searched, exact: str, prefix: str = "", suffix: str = "", within: Span | None = None
) -> list[Span]:
    """Where a text says these words, behind and before those if they are given, and beginning within some of its
    characters if these are: not more often than MOST_FOUND. Raises Everywhere."""
    searched = Searched(text) if isinstance(text, str) else text
    before, behind = _stripped(prefix), _stripped(suffix)
    found = _occurrences(searched, exact, before, behind, within or Span(0, len(searched.text)))
    return [searched.folded.span(start, end) for start, end in islice(found, MOST_FOUND)]


def is_said(exact: str) -> bool:
    """Whether a quote has a letter or a digit, without which it says nothing."""
    return any(char.isalnum() for char in fold(exact).text)


def nearest(text: str | Searched, exact: str) -> Near | None:
    """What of a text comes nearest to a quote, in whole words; None where nothing resembles it."""
    searched = Searched(text) if isinstance(text, str) else text
    quote, whole = fold(exact).text.strip(), searched.folded.text
    if not quote or (span := _alike(quote, whole)) is None:
        return None
    first, last = span
    while first > 0 and whole[first - 1] != " ":
        first -= 1
    while last < len(whole) and whole[last] != " ":
        last += 1
    said = whole[first:last].strip()
    first += len(whole[first:last]) - len(whole[first:last].lstrip())
    # What is offered is never the same, else it were found.
    similarity = min(fuzz.ratio(quote, said) / 100, 0.999)
    if not said or similarity < LEAST_ALIKE:
        return None
    return Near(searched.folded.span(first, first + len(said)), round(similarity, 3))


def _alike(quote: str, whole: str) -> Span | None:
    """What resembles a quote: by its beginning, and of a long one by its end behind that; or by its end alone."""
    first = _aligned(quote[:_TELLING], whole, Span(0, len(whole)))
    if first is not None and len(quote) <= _TELLING:
        return first
    behind = Span(0, len(whole)) if first is None else Span(first.start, first.start + 2 * len(quote))
    last = _aligned(quote[-_TELLING:], whole, behind)
    if first is None:
        return Span(max(0, last.end - len(quote)), last.end) if last is not None else None
    # What stands at its end may stand elsewhere too, or nowhere.
    ends = [first.start + len(quote), first.end] + ([last.end] if last is not None else [])
    return max((Span(first.start, end) for end in ends), key=lambda span: fuzz.ratio(quote, whole[slice(*span)]))


def _aligned(piece: str, whole: str, within: Span) -> Span | None:
    """What is most like a piece of a quote there, if anything is."""
    best, least = None, 100 * LEAST_ALIKE
    # In windows that overlap by as much as the piece may be, so that it costs no more than the text is long.
    width = max(4 * len(piece), 2000)
    for start in range(within.start, min(within.end, len(whole)), width):
        begin = max(within.start, start - 2 * len(piece))
        window = whole[begin : min(start + width, within.end)]
        found = fuzz.partial_ratio_alignment(piece, window, score_cutoff=least)
        if found is not None and found.dest_end > found.dest_start and (best is None or found.score > least):
            best, least = Span(begin + found.dest_start, begin + found.dest_end), found.score
    return best


def around(text: str, span: Span) -> tuple[str, str]:
    """What stands before and behind, as a selector keeps it."""
    return text[max(0, span.start - AROUND) : span.start], text[span.end : span.end + AROUND]


def _stripped(text: str) -> str:
    return _Bare.of(fold(text)).text.strip()


def _occurrences(searched: Searched, exact: str, before: str, behind: str, within: Span) -> Iterator[tuple[int, int]]:
    """Where a quote stands in the folded text. Raises Everywhere."""
    bare, folded = searched.bare, searched.folded
    quote = _Bare.of(fold(exact.strip()))
    # What is blank at its ends only once it is folded is not looked for.
    lead = len(quote.text) - len(quote.text.lstrip())
    asked = quote.text.strip()
    if not asked:
        return
    own = {at - lead for at in quote.own}
    may = {at - lead for at in quote.open}
    first, last = (bare.at_folded(bisect_left(folded.starts, at)) for at in within)
    at, compared = first, 0
    while (at := bare.text.find(asked, at, last - 1 + len(asked))) >= 0:
        compared += len(asked) + _A_LOOK
        if compared > _MOST_COMPARED:
            raise Everywhere
        end = at + len(asked)
        span = bare.in_folded(at), bare.in_folded(end - 1) + 1
        if (
            not _cuts(searched, *span)
            and _stands_between(bare.text, at, end, before, behind)
            and not any(joint not in may and at + joint not in bare.open for joint in own ^ bare.joints(at, end))
        ):
            yield span
        at += 1


def _stands_between(text: str, start: int, end: int, before: str, behind: str) -> bool:
    """Whether some characters stand behind and before these, with or without a blank between."""
    if before and start and text[start - 1] == " ":
        start -= 1
    if behind and text[end : end + 1] == " ":
        end += 1
    return text.endswith(before, 0, start) and text.startswith(behind, end)


def _cuts(searched: Searched, start: int, end: int) -> bool:
    """Whether what stands there begins or ends within a word or a number."""
    return _is_within(searched, start) or _is_within(searched, end)


def _is_within(searched: Searched, at: int) -> bool:
    """Whether the border before a character of the folded text runs through a word or a number."""
    folded = searched.folded
    text = folded.text
    if at in folded.breaks:
        return True
    if at in (0, len(text)):
        return False
    left, right = text[at - 1], text[at]
    further_left, further_right = text[at - 2 : at - 1], text[at + 1 : at + 2]
    if _hang_together(left, right, is_raised=_is_raised(searched.text[folded.starts[at]])):
        return True
    for sign, one, other, index in (
        (left, further_left, right, at - 1),
        (right, left, further_right, at),
    ):
        if sign == "'" and one.isalnum() and other.isalnum():
            return True
        if sign and sign in _JOINING and one.isalpha() and other.isalpha():
            return True
        if sign == "-" and _joins(searched.text[folded.starts[index]], one, other):
            return True
        if sign in _WITHIN_NUMBERS and one.isdigit() and other.isdigit():
            return True
    return (left in _BEFORE_NUMBERS and right.isdigit()) or (left.isdigit() and right in _BEHIND_NUMBERS)


def _hang_together(left: str, right: str, *, is_raised: bool) -> bool:
    if kind(right)[0] == "M":
        return True
    if not (left.isalnum() and right.isalnum()) or stands_alone(left) or stands_alone(right):
        # A mark belongs to the letter before it, and so does a letter behind that.
        return kind(left)[0] == "M" and right.isalnum() and not stands_alone(right)
    # A raised digit behind a word is the number of a note; behind a number it is part of it.
    return left.isdigit() or not is_raised


def _joins(typed: str, one: str, other: str) -> bool:
    """Whether a hyphen or dash, as it is in the text, makes one word or number of what is around it."""
    if not other.isalnum():
        return False
    if typed in _CUTTING:
        return one.isalnum() or (other.isdigit() and not one.strip())
    return one.isdigit() and other.isdigit()
