"""One form for what sources write in many: dates, counts, kinds of work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from services.ingest.ports.sources.markup import squeeze
from services.ingest.ports.sources.port import Kind
from shared.events.bounds import LARGEST_COUNT
from shared.events.values import usable_year

#: No source knows an earlier one; what says so is a placeholder or a misprint. So is the first of them by itself.
_FIRST_YEAR = 1000
_LONGEST_DATE = 100
_YEAR = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_YEAR_FIRST = re.compile(r"\s*([0-9]{4})(?:[-/ ]+([0-9]{1,2}(?![0-9])|[A-Za-z]{3})[a-z]*(?:[-/ ]+([0-9]{1,2})\b)?)?")
_DAY_FIRST = re.compile(r"\s*([0-9]{1,2}) +([A-Za-z]{3})[a-z]* +([0-9]{4})(?![0-9])")
_SEASON = re.compile(r"spring|summer|autumn|fall|winter|quart|trimest", re.IGNORECASE)

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

#: The sources' words for kinds of work; the first word of a record's list that says more than "article" wins.
_KINDS: dict[str, Kind] = {
    "article": "article",
    "article-journal": "article",
    "journal-article": "article",
    "journal article": "article",
    "research-article": "article",
    "review": "review",
    "review-article": "review",
    "systematic review": "review",
    "systematic-review": "review",
    "scoping review": "review",
    "meta-analysis": "review",
    "preprint": "preprint",
    "posted-content": "preprint",
    "proceedings-article": "conference_paper",
    "conference-paper": "conference_paper",
    "conference paper": "conference_paper",
    "book": "book",
    "monograph": "book",
    "edited-book": "book",
    "reference-book": "book",
    "book-chapter": "chapter",
    "chapter": "chapter",
    "book-part": "chapter",
    "book-section": "chapter",
    "reference-entry": "chapter",
    "dissertation": "thesis",
    "thesis": "thesis",
    "report": "report",
    "editorial": "editorial",
    "letter": "letter",
    "comment": "letter",
    "dataset": "dataset",
    "erratum": "notice",
    "correction": "notice",
    "retraction": "notice",
    "published erratum": "notice",
    "retraction of publication": "notice",
    "retraction notice": "notice",
    "expression of concern": "notice",
}
_STRONGEST: tuple[Kind, ...] = ("notice", "preprint", "editorial", "letter", "review")


def partial_date(year: object, month: object = None, day: object = None) -> str | None:
    """A date as precise as its parts allow: a part that is missing or impossible ends it. Months may be names.

    None for a year that is a placeholder, such as 0, 1000 or 9999.
    """
    if (y := _number(year)) is None or y < _FIRST_YEAR or not usable_year(y):
        return None
    if (m := _month(month)) is None:
        read = f"{y:04}"
    else:
        try:
            read = date(y, m, _number(day) or 0).isoformat()
        except ValueError:
            read = f"{y:04}-{m:02}"
    return None if f"{_FIRST_YEAR}-01-01".startswith(read) else read


def earliest(dates: Iterable[str | None]) -> str | None:
    """The earliest of several partial dates of one work; of those that agree as far as both go, the most precise."""
    first: str | None = None
    for other in filter(None, dates):
        shared = min(len(first or other), len(other))
        if first is None or (other[:shared], -len(other)) < (first[:shared], -len(first)):
            first = other
    return first


def unfilled(read: str | None) -> str | None:
    """A date of a source that fills an unknown month and day with 01, as precise as it may really be."""
    return read and read.removesuffix("-01").removesuffix("-01") if read and len(read) == 10 else read


def partial_date_of(text: object) -> str | None:
    """A partial date out of text such as `2019`, `2019-04-01`, `2019 Apr`, `15 Mar 2003`, `2018 Dec-2019 Jan`.

    Of a season or a quarter (`2004-05 Winter`, `1998 4th Quart`) only its year is certain.
    """
    if not isinstance(text, str) or not (year := _YEAR.search(text[:_LONGEST_DATE])):
        return None
    if _SEASON.search(text):
        return partial_date(year[0])
    if found := _DAY_FIRST.match(text):
        return partial_date(found[3], found[2], found[1])
    found = _YEAR_FIRST.match(text)
    return partial_date(*found.groups()) if found else partial_date(year[0])


def pages(*texts: object) -> str | None:
    """Pages as they are written, from the first to the last, with plain hyphens; twice the same is one."""
    parts = [squeeze(str(text)).translate(_DASHES).strip(" -") for text in texts if isinstance(text, str | int)]
    return re.sub(r" ?- ?", "-", "-".join(dict.fromkeys(filter(None, parts)))) or None


def part(text: object) -> str | None:
    """A volume's, an issue's or an article's number as it is written."""
    return (squeeze(str(text)) or None) if isinstance(text, str | int) and not isinstance(text, bool) else None


def day(text: object) -> date | None:
    """The day of a stamp such as `2025-10-10T00:00:00`; None when it is none."""
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _month(month: object) -> int | None:
    if isinstance(month, str) and month[:3].lower() in _MONTHS:
        return _MONTHS.index(month[:3].lower()) + 1
    number = _number(month)
    return number if number is not None and 1 <= number <= 12 else None


def _number(part: object) -> int | None:
    """A number of at most four digits, as the parts of dates are."""
    if isinstance(part, str):
        return int(part) if re.fullmatch(r"\s*[0-9]{1,4}\s*", part) else None
    return part if isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= 9999 else None


def count(value: object) -> int | None:
    """How many there are; None for what no count can be."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= LARGEST_COUNT else None


def count_of(text: object) -> int | None:
    """How many there are, written in digits; None for what no count can be."""
    return count(int(text)) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,10}", text) else None


def kind(words: Iterable[object]) -> Kind:
    """What a work is, of all the words its source has for it."""
    kinds = [_KINDS[word.lower()] for word in words if isinstance(word, str) and word.lower() in _KINDS]
    strong = [one for one in _STRONGEST if one in kinds]
    return (strong or [one for one in kinds if one != "article"] or kinds or ["other"])[0]
