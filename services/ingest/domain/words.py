"""One spelling for titles, names and venues, so that what differs in print only does not differ here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.folding import plain_words

_MARKUP = re.compile(r"<[^<>]{1,60}>|&[a-z]{2,8};", re.IGNORECASE)

#: What databases write into a title: `[Review] [33 refs]`, `(Structured abstract)`, `RETRACTED ARTICLE:`.
_ANNOTATION = re.compile(
    r"[\[(](?:erratum|republished|see comment|comment in|review\b|\d+ refs|structured abstract"
    r"|provisional abstract|abstract|corrected|retracted|withdrawn)[^\])]*[\])]?"
    r"|^\W*(?:retracted|withdrawn)(?: article)?\s*:",
    re.IGNORECASE,
)
_SUBTITLE = re.compile(r"\s*(?:[:;?!]|\.(?=\s)|\s[-–—]\s)")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words that carry no meaning of their own in a title or a venue.
EMPTY = _listed(
    "a an and as at be by de der des die du el en et for from in into is its la le les of on or s that the their this "
    "to un und une van versus via vs with"
)

#: Words of titles that name a part of a journal or a form of text, not a subject.
STOCK = _listed(
    "abstract abstracts acknowledgement acknowledgements acknowledgment acknowledgments addendum advertisement agenda "
    "american announcement announcements annual appendix archives article articles association author authors award "
    "awards back background biography board book books brief bulletin calendar case chapter clinical comment "
    "commentaries commentary comments communication communications conclusion conclusions conference congress "
    "contents contributors correction corrections correspondence corrigendum cover current discussion editor "
    "editorial editorials editors errata erratum essay european events faculty field first foreword forthcoming front "
    "fulltext general guest guidelines highlights image images index information instructions international interview "
    "introduction invited issue issues journal journals keynote lecture lectures letter letters list literature "
    "masthead matter media meeting meetings memoriam memorial methods miscellaneous national new news newsletter note "
    "notes notice number obituaries obituary opening opinion oral original other overview page pages paper papers "
    "part perspective perspectives poster posters preface preliminary presentation presentations president press "
    "proceedings profile program programme publication publications question questions quiz reference references "
    "remarks reply report reports research response results retraction review reviewer reviewers reviews science "
    "section sections selected seminar series session sessions society special spotlight statement study subject "
    "summaries summary supplement symposium table thank thanks title topics tribute untitled update updates viewpoint "
    "volume welcome workshop world year yearbook"
)

_NO_SUBJECT = EMPTY | STOCK

#: Words that make a text one about another text, or another stage of the same study.
MARKS = _listed(
    "addendum appendix comment commentary correction corrigendum errata erratum expression interim protocol rebuttal "
    "re reinstatement rejoinder reply reprint response responses retraction supplement update updated"
)

_ROMAN = _listed("i ii iii iv v vi vii viii ix x xi xii")
_COUNTING = _listed("one two three four five six seven eight nine ten first second third fourth fifth")


def words(text: str) -> tuple[str, ...]:
    """All the words of a text, in one spelling and without markup."""
    return plain_words(_MARKUP.sub(" ", text))


def title_words(text: str) -> tuple[str, ...]:
    """All the words of a title, without what databases write into it."""
    return words(_ANNOTATION.sub(" ", text))


def main_title(text: str) -> str:
    """A title up to its first colon, full stop, question mark or dash; the whole where there is none."""
    text = text.strip(" []\"'")
    return _SUBTITLE.split(text, maxsplit=1)[0] or text


def telling(every: Iterable[str]) -> tuple[str, ...]:
    """Those words that are not empty."""
    return tuple(word for word in every if word not in EMPTY)


def specificity(every: Iterable[str]) -> int:
    """How many different words of a title are about its subject: 0 for `Book reviews`, 2 for `Pleural disease`."""
    return len({word for word in every if len(word) > 2 and not word.isdigit() and word not in _NO_SUBJECT})


def numbers(every: Iterable[str]) -> tuple[str, ...]:
    """What tells two titles of a series apart, sorted: digits, Roman numerals, single letters, counting words."""
    return tuple(sorted(word for word in every if _counts(word)))


def _counts(word: str) -> bool:
    if word in {"a", "s"}:
        return False
    return len(word) == 1 or word in _ROMAN or word in _COUNTING or any(letter.isdigit() for letter in word)


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name: the last word of the family name, the first given name or initial, every longer word,
    and all initials."""

    family: str
    given: str
    longer: frozenset[str]
    initials: frozenset[str]


_SUFFIX = _listed("2nd 3rd iii jr md phd sr")
_NOBODY = _listed("anon anonymous authors unknown")


@lru_cache(maxsize=50_000)
def name(text: str) -> Name | None:
    """Reads `Family, Given`, `Family GI` or `Given Family`; None when it names nobody."""
    before, comma, after = text.partition(",")
    family = [word for word in words(before) if word not in _SUFFIX]
    given = [word for word in words(after) if word not in _SUFFIX]
    if not comma and len(family) > 1:
        family, given = _parted(before, family)
    if not family:
        family, given = given, []
    if not family or _NOBODY.intersection(family):
        return None
    every = [*family, *given]
    return Name(
        family=family[-1],
        given=given[0] if given else "",
        longer=frozenset(word for word in every if len(word) > 1),
        initials=frozenset(word[0] for word in every),
    )


def _parted(text: str, every: list[str]) -> tuple[list[str], list[str]]:
    """Finds the family name in a name without a comma: before trailing initials, else the last word."""
    last = re.split(r"[\s.]+", text.strip(" ."))[-1]
    trailing = len(every[-1]) == 1 or (len(last) <= 3 and last.isupper() and len(every[0]) > 2)
    if not trailing:
        return every[-1:], every[:-1]
    first_initial = next((index for index, word in enumerate(every) if len(word) == 1), len(every) - 1)
    cut = first_initial or len(every) - 1
    return every[:cut], every[cut:]


def same_person(one: Name, other: Name) -> bool:
    """Whether two names may be one person's: a shared family name, and given names that do not contradict."""
    if one.family not in other.longer and other.family not in one.longer:
        return False
    if not one.given or not other.given:
        return True
    if one.family == other.family and len(one.given) > 1 and len(other.given) > 1:
        return one.given[0] == other.given[0] or one.given in other.longer or other.given in one.longer
    return one.given[0] in other.initials or other.given[0] in one.initials


_PARENTHESES = re.compile(r"[(\[][^)\]]*[)\]]")
_VENUE_PARTS = re.compile(r"\s*[:=/;]\s*|\s-\s|[()\[\]]|\.\s*(?=[A-Z])")
_SHORTEST_LONE_WORD = 6


@lru_cache(maxsize=20_000)
def venue_forms(text: str) -> tuple[tuple[str, ...], ...]:
    """A venue's possible names, each as its telling words: the whole, and parts (`Circulation. Conference: ...`)."""
    parts = {telling(words(part)) for part in _VENUE_PARTS.split(text)}
    parts = {part for part in parts if len(part) > 1 or len("".join(part)) >= _SHORTEST_LONE_WORD}
    return tuple(sorted({telling(words(text)), telling(words(_PARENTHESES.sub(" ", text))), *parts} - {()}))


def abbreviates(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether each word of one venue abbreviates the other's in its place: `Dtsch Arztebl Int`."""
    return len(short) == len(long) > 1 and all(map(_shortens, short, long))


def _shortens(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    return short[0] == long[0] and all(letter in letters for letter in short)
