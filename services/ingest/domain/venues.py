"""Whether two names are one journal's: in full, abbreviated by the rules of ISO 4, with a subtitle, as initials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from services.ingest.domain.words import EMPTY, listed, words_of

#: A venue's name as its telling words.
Form = tuple[str, ...]

#: Least likeness of two venues' names that are one journal written differently, and of each two of their words.
_LIKE_VENUE, _LIKE_WORD = 85, 60

#: Words that a name of a journal has or lacks; others are abbreviations as well (`Am` of American, `At` of atomic).
_SMALL = listed(
    "a an and das de del der des die du e el en et for i il in la las le les los o of on the to un und une van von y zu"
)

#: An article or preposition that is joined to the next word: `l'École`.
_ELIDED = re.compile(r"\b(?:all|d|dell|l|nell|qu|sull)['’]\s*", re.IGNORECASE)

#: Where OpenAlex found a copy, which is no venue.
_REPOSITORIES = frozenset(["arxiv", "doaj", "figshare", "pmc", "pubmed", "ssrn", "zenodo"])

#: Venues that publish one work again under its title; there a title says nothing about the version.
_REISSUING = (("cdsr",), ("cochrane", "database", "systematic", "reviews"), ("cochrane", "database", "syst", "rev"))

_PARENTHESES = re.compile(r"[(\[][^)\]]*[)\]]")
_PARTS = re.compile(r"\s*[:=/;]\s*|\s-\s|[()\[\]]|\.\s*(?=[A-Z])")
_SHORTEST_LONE_WORD = 6

#: Words that an abbreviation leaves out, beside those that only join others.
_LONGEST_LEFT_OUT = 2


@lru_cache(maxsize=20_000)
def forms(*names: str) -> tuple[Form, ...]:
    """A venue's possible names, of all names a source has for it; none where it is where a copy lies."""
    every = sorted({form for text in names for form in _forms(text)} - {()})
    return () if any(not _REPOSITORIES.isdisjoint(form[:2]) for form in every) else tuple(every)


def _forms(text: str) -> Iterator[Form]:
    """The whole name, and its parts (`Circulation. Conference: ...`)."""
    if "'" in text or "’" in text:
        text = _ELIDED.sub("", text)
    yield _telling(text)
    parts = _PARTS.split(text)
    if len(parts) > 1:
        yield _telling(_PARENTHESES.sub(" ", text))
        for part in map(_telling, parts):
            if len(part) > 1 or len("".join(part)) >= _SHORTEST_LONE_WORD:
                yield part


def _telling(text: str) -> Form:
    return tuple([word for word in words_of(text) if word not in _SMALL])


def reissues(venue: Iterable[Form]) -> bool:
    """Whether it publishes new versions of a work under its title, as the Cochrane Database does."""
    return any(form[: len(name)] == name for name in _REISSUING for form in venue)


def same_venue(one: Iterable[Form], other: Iterable[Form]) -> bool:
    """Whether any name of the one may be a name of the other."""
    return any(_same(left, right) for left in one for right in other)


@lru_cache(maxsize=50_000)
def _same(one: Form, other: Form) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=lambda form: (len(form), len("".join(form))))
    return (
        (len(short) > 1 and (long[: len(short)] == short or abbreviates(short, long)))
        or (len(long) > 1 and short == ("".join(word[0] for word in long),))
        or "".join(short) == "".join(long)
        or (fuzz.ratio(" ".join(one), " ".join(other)) >= _LIKE_VENUE and _alike_throughout(one, other))
    )


def _alike_throughout(one: Form, other: Form) -> bool:
    """Whether no word of a name stands for another one, as the cities of two universities' journals do."""
    return len(one) != len(other) or all(fuzz.ratio(*pair) >= _LIKE_WORD for pair in zip(one, other, strict=True))


def abbreviates(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether each word of one venue abbreviates the other's, in their order: `Dtsch Arztebl Int`.

    Two words that a hyphen joined may be one (`Cardiothorac` of cardio-thoracic), and small words may be left out.
    """
    if not short:
        return all(_may_be_left_out(word) for word in long)
    if not long:
        return False
    return (
        (_shortens(short[0], long[0]) and abbreviates(short[1:], long[1:]))
        or (len(long) > 1 and _shortens(short[0], long[0] + long[1]) and len(short[0]) > len(long[0])
            and abbreviates(short[1:], long[2:]))
        or (_may_be_left_out(long[0]) and abbreviates(short, long[1:]))
    )  # fmt: skip


def _may_be_left_out(word: str) -> bool:
    return len(word) <= _LONGEST_LEFT_OUT or word in EMPTY


def _shortens(one: str, other: str) -> bool:
    """Whether the letters of the shorter word stand in the longer in their order, and both begin alike."""
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    return short[0] == long[0] and all(letter in letters for letter in short)
