"""Values that several producers' events carry: partial dates, identifiers, decisions."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator

from shared.events.base import Value

_PARTIAL = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def _check_partial_date(text: str) -> str:
    if not _PARTIAL.fullmatch(text):
        raise ValueError("must be YYYY, YYYY-MM or YYYY-MM-DD")
    if len(text) == 10:
        date.fromisoformat(text)
    return text


#: A publication date as precise as the source gave it: `2019`, `2019-04` or `2019-04-01`.
PartialDate = Annotated[str, AfterValidator(_check_partial_date)]


def earliest_day(partial: str) -> date:
    """The first day a partial date may mean: `2019` is 2019-01-01."""
    year, month, day = [*(int(part) for part in partial.split("-")), 1, 1][:3]
    return date(year, month, day)


def latest_day(partial: str) -> date:
    """The last day a partial date may mean: `2019` is 2019-12-31."""
    if len(partial) == 10:
        return date.fromisoformat(partial)
    year, month = (int(partial[:4]), int(partial[5:7])) if len(partial) == 7 else (int(partial), 12)
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


class Identifiers(Value):
    """What a work is called elsewhere; normalised and lower case (`pmcid` keeps its upper-case PMC)."""

    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    openalex: str | None = None
