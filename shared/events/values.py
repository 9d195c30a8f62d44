"""Values that several producers' events carry: partial dates, identifiers, decisions."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from shared.events.base import Value
from shared.events.bounds import Id

#: The last year a publication can be of. What lies beyond, such as 9999, is a placeholder of some database; so is 0.
LAST_YEAR = 2199

_YEAR = re.compile(r"([0-9]{4})(?![^-])")
#: The form of a partial date.
PARTIAL_DATE = "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
_PARTIAL = re.compile(PARTIAL_DATE)


def usable_year(year: int) -> bool:
    """Whether something may have been published in that year."""
    return 0 < year <= LAST_YEAR


@lru_cache(maxsize=10_000)
def _check_partial_date(text: str) -> str | None:
    """The date; None when its year is a placeholder, whatever month and day go with it."""
    if (year := _YEAR.match(text)) and not usable_year(int(year[1])):
        return None
    if not _PARTIAL.fullmatch(text):
        raise ValueError("must be YYYY, YYYY-MM or YYYY-MM-DD")
    if len(text) == 10:
        date.fromisoformat(text)
    return text


#: A publication date as precise as the source gave it: `2019`, `2019-04` or `2019-04-01`. A placeholder, which
#: events of earlier days may still carry, reads as no date.
PartialDate = Annotated[str, AfterValidator(_check_partial_date)]


@lru_cache(maxsize=10_000)
def earliest_day(partial: str) -> date | None:
    """The first day a partial date may mean: `2019` is 2019-01-01. None for what is no date we can use."""
    if (parts := _parts(partial)) is None:
        return None
    year, month, day = [*parts, 1, 1][:3]
    return date(year, month, day)


@lru_cache(maxsize=10_000)
def latest_day(partial: str) -> date | None:
    """The last day a partial date may mean: `2019` is 2019-12-31. None for what is no date we can use."""
    if (parts := _parts(partial)) is None:
        return None
    if len(parts) == 3:
        return date(*parts)
    year, month = [*parts, 12][:2]
    return date(year, month, monthrange(year, month)[1])


def _parts(partial: str) -> list[int] | None:
    """Year, month and day as far as they are given; None unless they name a day, a month or a year."""
    try:
        return [int(part) for part in checked.split("-")] if (checked := _check_partial_date(partial)) else None
    except ValueError:
        return None


class Identifiers(Value):
    """What a work is called elsewhere; normalised and lower case (`pmcid` keeps its upper-case PMC)."""

    doi: Id | None = None
    pmid: Id | None = None
    pmcid: Id | None = None
    openalex: Id | None = None
