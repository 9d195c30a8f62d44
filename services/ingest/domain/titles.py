"""What a title says and how two titles compare: words, signs and numbers, what it is beside the work it is about."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz

from services.ingest.domain.marks import Mark, parted, stage_of
from services.ingest.domain.words import (
    ARTICLES,
    is_alphabetic,
    joining,
    listed,
    numbers,
    specificity,
    words_of,
    written_out,
)

#: From how many words about its subject a title tells a work apart; fewer need more agreement, none an identifier.
TELLING_TITLE = 3

#: Least likeness (0-100, rapidfuzz ratio) of two titles, and of each place where they differ, to be a misspelling.
_LIKE_TITLE, _LIKE_WORDS = 90, 75

#: How two titles compare. `part`: the one is the other without its subtitle; `stage`: the same, and the subtitle says
#: that it is another part or stage; `signs`: the same, and one has signs that the other lacks; `counts`: numbers or
#: signs differ; `word`: a word does; `marked`: one is of a correction, a reply or the like of what the other is of.
TitleMatch = Literal["equal", "close", "part", "stage", "signs", "marked", "counts", "word", "other", "unknown"]

#: The best match first.
_RANKS: tuple[TitleMatch, ...] = (
    "equal", "close", "part", "stage", "signs", "marked", "counts", "word", "other", "unknown",
)  # fmt: skip

#: Characters of a title that are read.
_LONGEST = 2_000

_INLINE = r"b|big|bold|em|font|i|inf|italic|sc|scp|small|span|strong|sub|sup|tt|u|underline"
_ATTRIBUTES = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*/?"
#: Markup inside a word, and markup between words; what is no tag that is used in titles is a sign, as in `p <i`.
_WITHIN = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}>", re.IGNORECASE)
_BETWEEN = re.compile(rf"</?(?:[a-z]+:[\w-]+|br|div|p|title|math){_ATTRIBUTES}>", re.IGNORECASE)
_SUBTITLE = re.compile(r"\s*(?:[:;?!]|\.(?=\s)|\s[-–—]\s)")

#: Two titles in one: a title in another language after its translation.
_TWO_TITLES = re.compile(r"\s*(?:<original>|\s=\s|;)\s*", re.IGNORECASE)

_GREATER = re.compile(r">\s*/?\s*(?:or\s*)?=|≥|⩾|＞＝")
_LESS = re.compile(r"<\s*/?\s*(?:or\s*)?=|≤|⩽|＜＝")
_COMPARED = re.compile(r"([<>≤≥±])\s*([0-9]+)")
_CHARGED = re.compile(r"([^\W_]+)\(?((?:[+−⁺⁻–-]/)?[+−⁺⁻–-])\)?(?=[\s)\],;:./]|$)")
_MINUS = str.maketrans("−⁺⁻–", "-+--")
_MAY_HAVE_SIGNS = re.compile(r"[<>≤≥⩽⩾±+−⁺⁻]|[-–](?:[\s)\],;:./]|$)")

#: What is told apart by letters, so that an `A` after it is no article.
_LETTERED = (
    "apolipoprotein|arm|botulinum|category|class|cohort|complex|ciclosporin|cyclosporin|factor|form|grade|group"
    "|haemophilia|hemophilia|hepatitis|immunoglobulin|influenza|level|panel|part|phase|plan|protein|schedule|serogroup"
    "|series|stage|study|subtype|toxin|type|vitamin"
)
_LETTER_A = re.compile(rf"(?<=\b)(?:{_LETTERED})[\s-]+(a)(?![\w'’])", re.IGNORECASE)
_CAPITAL_A = re.compile(r"[^\W\d_]+ (A)(?=\s+[^\W\d_A-Z]|\s*[:.,;)\]]|\s*$)")


@dataclass(frozen=True, slots=True)
class Title:
    """A title as matching sees it. `subject` are the words that carry its meaning, `main` those before its subtitle;
    `joining` its other words but for articles; `joined` is the subject as one text, with umlauts as one letter.
    `signs` are those beside numbers, `charges` those behind words. `marks` say what the text is of the work that it is
    `about`.
    """

    words: tuple[str, ...]
    subject: tuple[str, ...]
    main: tuple[str, ...]
    joining: tuple[str, ...]
    joined: str
    signs: tuple[str, ...]
    charges: tuple[tuple[str, str], ...]
    marks: frozenset[Mark]
    about: Title | None
    specificity: int

    @property
    def is_telling(self) -> bool:
        return self.specificity >= TELLING_TITLE

    @property
    def work(self) -> Title:
        """The title of the work that the text is or is about."""
        return self.about or self


NO_TITLE = Title((), (), (), (), "", (), (), frozenset(), None, 0)


@lru_cache(maxsize=5_000)
def read_title(text: str) -> Title:
    """Reads a title, without what databases write into it."""
    marks, whole, about = parted(" ".join(_without_markup(text[:_LONGEST]).split()))
    if not marks:
        return _read(whole, marks, None)
    return _read(whole, marks, _read(about, frozenset(), None))


def _read(text: str, marks: frozenset[Mark], about: Title | None) -> Title:
    words = words_of(text)
    small = joining(words)
    letters = _letters_named_a(text) if "a" in words else frozenset()
    subject = _subject(words, small, letters)
    signs, charges = _signs(text) if _MAY_HAVE_SIGNS.search(text) else ((), ())
    main = main_title(text)
    return Title(
        words=words,
        subject=subject,
        main=subject if main is text else subject[: len(_subject(words_of(main), small, letters))],
        joining=tuple([word for word in words if word in small and word not in ARTICLES]),
        joined=written_out("".join(subject)),
        signs=signs,
        charges=charges,
        marks=marks,
        about=about,
        specificity=specificity(subject),
    )


def titles_in(text: str) -> tuple[str, ...]:
    """The titles that stand in one field: a title and its translation, where each is long enough to be one."""
    if not any([sign in text for sign in "<=;"]) or not _TWO_TITLES.search(text):
        return ()
    parts = [part for part in _TWO_TITLES.split(text) if part]
    return tuple(parts) if len(parts) == 2 and _are_in_two_languages(*parts) else ()


def main_title(text: str) -> str:
    """A title up to its first colon, full stop, question mark or dash; the whole where there is none."""
    stripped = text.strip(" []\"'.")
    main = _SUBTITLE.split(stripped, maxsplit=1)[0]
    return main if main and main != stripped else text


def compare_titles(one: Title, other: Title) -> TitleMatch:
    """How two titles compare. It does not matter which is given first."""
    if not one.words or not other.words:
        return "unknown"
    if one.marks == other.marks:
        return _compare_bare(one, other)
    about = _compare_bare(one.work, other.work)
    return "marked" if about in ("equal", "close", "part", "stage") else "other"


def better(one: TitleMatch, other: TitleMatch) -> TitleMatch:
    return min(one, other, key=_RANKS.index)


def stage(one: Title, other: Title) -> Mark | None:
    """What the longer title's subtitle says it is of the work of the shorter."""
    short, long = sorted((one, other), key=lambda title: len(title.subject))
    return stage_of(_further(short, long))


def _compare_bare(one: Title, other: Title) -> TitleMatch:
    if one.joined == other.joined:
        return _compare_small(one, other)
    short, long = sorted((one, other), key=lambda title: len(title.subject))
    if _is_part(short, long):
        further = _further(short, long)
        return "stage" if stage_of(further) or numbers(further) else "part"
    if fuzz.ratio(one.joined, other.joined, score_cutoff=_LIKE_TITLE) < _LIKE_TITLE:
        return "other"
    if numbers(one.subject) != numbers(other.subject) or _contradicting_signs(one, other):
        return "counts"
    if _misspelt(one.subject, other.subject):
        return "close"
    return "word"


def _compare_small(one: Title, other: Title) -> TitleMatch:
    """Titles of the same telling words: by their signs, and by the words that join these."""
    if _contradicting_signs(one, other):
        return "counts"
    if one.joining != other.joining:
        left, right = Counter(one.joining), Counter(other.joining)
        if left == right:
            return "word"  # `of nurses to patients`, `to nurses of patients`
        if not (left <= right or right <= left):
            return "close"
    return "equal" if one.signs == other.signs and one.charges == other.charges else "signs"


def _contradicting_signs(one: Title, other: Title) -> bool:
    """Whether both have signs, and others; those of one alone were lost on the way, as often happens."""
    if one.signs and other.signs and one.signs != other.signs:
        return True
    if not one.charges or not other.charges:
        return False
    left = dict(one.charges)
    return any(left.get(word, sign) != sign and "+" in left[word] + sign for word, sign in other.charges)


def _is_part(short: Title, long: Title) -> bool:
    if not short.subject or len(short.subject) >= len(long.subject):
        return False
    begins = long.subject[: len(short.subject)] == short.subject
    return begins and (short.subject == long.main or len(short.subject) > TELLING_TITLE)


def _further(short: Title, long: Title) -> tuple[str, ...]:
    return long.subject[len(short.subject) :]


def _misspelt(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two titles are alike wherever they differ."""
    return all(
        _are_alike("".join(one[i:j]), "".join(other[k:m]))
        for step, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        if step != "equal"
    )


def _are_alike(one: str, other: str) -> bool:
    """Whether two words are one, misspelt. In scripts with few signs to a word each of them tells words apart."""
    if fuzz.ratio(one, other) < _LIKE_WORDS or not (is_alphabetic(one) and is_alphabetic(other)):
        return False
    ending = next((at for at, (a, b) in enumerate(zip(one[::-1], other[::-1], strict=False)) if a != b), None)
    if ending is None:
        ending = min(len(one), len(other))
    first, second = sorted((one[: len(one) - ending], other[: len(other) - ending]))
    if not first:
        return second not in _DENYING or one.startswith("ae") or other.startswith("ae")
    return (first, second) not in _OPPOSED


#: Beginnings that turn a word into its opposite, and those that are opposites: symptomatic, asymptomatic.
_DENYING = listed(
    "a ab an anti contra de dis extra fe il im in infra inter intra ir mis non post pre re sub super un wo"
)
_OPPOSED = {
    ("b", "un"), ("de", "in"), ("dia", "sy"), ("end", "ex"), ("ex", "in"), ("hyper", "hypo"), ("in", "out"),
    ("inter", "intra"), ("m", "p"), ("ma", "mi"), ("mono", "poly"), ("ov", "und"), ("post", "pre"), ("sub", "super"),
}  # fmt: skip


def _without_markup(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    return _BETWEEN.sub(" ", _WITHIN.sub("", text)) if "<" in text else text


def _letters_named_a(text: str) -> frozenset[int]:
    """Which words are an `A` that names something, counted from 0, and no article."""
    found = [match.start(1) for match in _LETTER_A.finditer(text)]
    if not text.isupper():
        found += [match.start(1) for match in _CAPITAL_A.finditer(text) if match[0][:-2].casefold() not in _BEFORE_A]
    return frozenset(len(words_of(text[:start])) for start in found)


#: Words before an article that begins with a capital letter.
_BEFORE_A = listed("and as at by for from in into is of on or that to versus vs was with within")


def _subject(words: Sequence[str], small: frozenset[str], letters: frozenset[int]) -> tuple[str, ...]:
    if not letters:
        return tuple([word for word in words if word not in small])
    return tuple(word for index, word in enumerate(words) if word not in small or index in letters)


def _signs(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    text = _LESS.sub("≤", _GREATER.sub("≥", text))
    compared = tuple(sorted(f"{sign}{number}" for sign, number in _COMPARED.findall(text)))
    charged = {word.casefold(): sign.translate(_MINUS) for word, sign in _CHARGED.findall(text)}
    return compared, tuple(sorted(charged.items()))


def _are_in_two_languages(one: str, other: str) -> bool:
    left, right = read_title(one), read_title(other)
    return (
        left.is_telling
        and right.is_telling
        and joining(left.words) != joining(right.words)
        and bool(joining(left.words) or joining(right.words))
    )
