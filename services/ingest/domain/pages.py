"""Where in its venue a work is: volume, issue and pages as sources write them, and whether two are in one spot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple


class Page(NamedTuple):
    """A page: the letters about its number, such as `s` for a supplement's, and the number."""

    letters: str
    number: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a work is: `starts` are the first pages of all its parts and its article number, `last` is the last page
    of its first part. `is_of_meeting`: its issue says that it holds a meeting's abstracts."""

    volume: str | None
    issue: str | None
    starts: tuple[Page, ...]
    last: Page | None
    is_of_meeting: bool = False

    @property
    def is_span(self) -> bool:
        """Whether it takes more than a page; what lies on one page is often beside another of its kind."""
        return bool(self.last and self.starts and self.last != self.starts[0])

    @property
    def length(self) -> int | None:
        """How many pages its first part has, where it has several."""
        return self.last.number - self.starts[0].number if self.is_span and self.last else None

    @property
    def is_of_abstract(self) -> bool:
        """Whether it looks like a meeting's abstract: a page or two of a supplement."""
        if self.is_of_meeting or not self.starts or self.starts[0].letters not in _SUPPLEMENT:
            return self.is_of_meeting
        return self.last is None or self.last.number - self.starts[0].number <= 1

    def holds(self, page: Page) -> bool:
        """Whether a page is one of its first part's."""
        if not self.is_span or self.last is None:
            return False
        first = self.starts[0]
        return page.letters == first.letters == self.last.letters and first.number <= page.number <= self.last.number


#: How far two spots are one. `all`: volume, first and last page of more than one; `equal`: volume and first page;
#: `pages`: the first page, but not the volume; `issue`: volume and issue, where no pages tell more; `volume`: that
#: alone; `own`: one of them counts its pages by itself; `issues`: they are in other issues, and no pages tell more;
#: `other`: in other volumes or on other pages.
Spots = Literal["all", "equal", "pages", "issue", "volume", "own", "unknown", "issues", "other"]

#: Letters of pages in supplements: abstracts, posters, supplement.
_SUPPLEMENT = frozenset(["a", "p", "s"])

#: Letters that say no more than that it is a page or a number of an article.
_NO_LETTERS = frozenset(["", "e", "pp", "art", "article", "no", "id"])

_PAGE = re.compile(r"([a-z]{0,7})([ .]*)([0-9]{1,12})([a-z]?)(?![a-z])")
_RANGE = re.compile(r"\s*[-–—‐‑−]+\s*")
_PARTS = re.compile(r"[;,+&]")
_NUMBER = re.compile(r"[0-9]+")
_SUPPLEMENTARY = re.compile(r"\s*s(?:uppl?(?:ement)?)?\b\.?\s*", re.IGNORECASE)
_MEETING = re.compile(r"abstract", re.IGNORECASE)

#: Issues of a volume; a higher one counts the issues of all volumes, or is none.
_MOST_ISSUES = 60

#: Parts of a work that are looked at.
_MOST_PARTS = 4

#: Dates into which spreadsheets turn pages: `5-13` became `13-May`, and `21-8` (to 28) `21-Aug`. Which is the first
#: page cannot be told.
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DATE = re.compile(rf"0?([0-9]{{1,2}})-({'|'.join(_MONTHS)})|({'|'.join(_MONTHS)})-0?([0-9]{{1,2}})")


def spot(volume: str | None, issue: str | None, pages: str | None, article_number: str | None) -> Spot:
    """Reads where a work is."""
    if not (volume or issue or pages or article_number):
        return _NOWHERE
    starts, last = _pages(pages) if pages else ((), None)
    if article_number:
        starts = tuple(dict.fromkeys((*starts, *_pages(article_number)[0])))
    return Spot(_volume(volume), _issue(issue), starts, last, bool(issue and _MEETING.search(issue)))


_NOWHERE = Spot(None, None, (), None)


@lru_cache(maxsize=10_000)
def _volume(text: str | None) -> str | None:
    """The first number of a volume: `65 (Supplement 1)` is volume 65."""
    if not text:
        return None
    number = _NUMBER.search(text)
    return (number[0].lstrip("0") or "0") if number else text.strip().casefold() or None


@lru_cache(maxsize=10_000)
def _issue(text: str | None) -> str | None:
    """The number of an issue, or of a supplement as `s1`."""
    if not text:
        return None
    supplement = _SUPPLEMENTARY.match(text)
    number = _NUMBER.search(text)
    if supplement:
        return "s" + (number[0].lstrip("0") if number else text[supplement.end() :].casefold())
    return number[0].lstrip("0") if number and len(number[0]) < 5 and 0 < int(number[0]) <= _MOST_ISSUES else None


def _pages(text: str) -> tuple[tuple[Page, ...], Page | None]:
    """The first pages, and the first part's last one, of `123-30`, `S12-15`, `e12345`, `230-5, 246-51`."""
    text = text.casefold().strip(' "')
    if date := _DATE.fullmatch(text):
        numbers = int(date[1] or date[4]), _MONTHS[date[2] or date[3]]
        return tuple(Page("", number) for number in sorted(numbers, reverse=True)), None
    starts, last = [], None
    for index, part in enumerate(_PARTS.split(text, maxsplit=_MOST_PARTS)[:_MOST_PARTS]):
        ends = _RANGE.split(part, maxsplit=1)
        first = _PAGE.search(ends[0])
        if first and (not index or not first[1]):
            starts.append(_page(first, first[3]))
            if not index and len(ends) > 1 and (end := _PAGE.search(ends[1])):
                digits, written = str(starts[0].number), end[3]
                last = _page(end, digits[: max(0, len(digits) - len(written))] + written, starts[0].letters)
    return tuple(starts), last


def _page(found: re.Match[str], digits: str, letters: str = "") -> Page:
    letters = found[1] + found[4] or letters
    return Page("" if letters in _NO_LETTERS or (letters == "p" and found[2]) else letters, int(digits))


def compare_spots(one: Spot, other: Spot) -> Spots:
    """How far two works are in one spot of a venue."""
    if one is _NOWHERE or other is _NOWHERE:
        return "unknown"
    volumes, issues = _alike(one.volume, other.volume), _alike_issues(one.issue, other.issue)
    if one.starts and other.starts:
        return _compare_pages(one, other, volumes)
    if volumes is False:
        return "other"
    if issues is False:
        return "issues"
    return ("issue" if issues else "volume") if volumes else "unknown"


def _compare_pages(one: Spot, other: Spot, volumes: bool | None) -> Spots:
    if not set(one.starts).isdisjoint(other.starts):
        if not volumes:
            return "pages"
        return "all" if one.is_span and other.is_span and one.last == other.last else "equal"
    if volumes is not False:
        if _counts_itself(one, other) or _counts_itself(other, one):
            return "own"
        if _may_be_one_page(one, other) or one.holds(other.starts[0]) or other.holds(one.starts[0]):
            return "volume" if volumes else "unknown"
    return "other"


def _alike(one: str | None, other: str | None) -> bool | None:
    return one == other if one and other else None


def _alike_issues(one: str | None, other: str | None) -> bool | None:
    """Whether two issues are one; some sources do not say that it is a supplement."""
    return None if one and other and one.startswith("s") != other.startswith("s") else _alike(one, other)


def _counts_itself(spot: Spot, other: Spot) -> bool:
    """Whether its pages are counted from one within the work, before it has a volume, beside a number or beside as many
    pages; or it has a number alone, where the other has pages."""
    first = spot.starts[0]
    if first == Page("", 1) and (not spot.volume or (spot.is_span and other.length in (None, spot.length))):
        return True
    is_number = bool(first.letters) and first.letters not in _SUPPLEMENT and not spot.is_span
    return is_number and not other.starts[0].letters


def _may_be_one_page(one: Spot, other: Spot) -> bool:
    """Whether only the letters of one were lost."""
    left, right = one.starts[0], other.starts[0]
    return left.number == right.number and not (left.letters and right.letters)
