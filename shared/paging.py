"""A page of a listing: what is asked for, what is found, and the cursor to the next; never an offset."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel

from shared.errors import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")

#: Where a page ended: the values of its last row by which the listing is ordered.
Position = Sequence[Any]

#: What a cursor is made of.
CURSOR = r"[A-Za-z0-9_-]{1,2000}"


class Page(BaseModel, Generic[Item]):
    """Some items, and the cursor of the next page; None on the last."""

    items: list[Item]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class PageAsked:
    """At most `limit` rows, those that follow a position; None is the beginning."""

    limit: int
    after: Position | None = None

    def from_position(self, position: Position | None) -> PageAsked:
        """The same, but one without a cursor begins after this position."""
        return self if self.after is not None else replace(self, after=position)


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """The rows of a page, and the position where it ended when more follow."""

    rows: list[Row]
    end: Position | None = None

    @property
    def next(self) -> str | None:
        """The cursor of the next page."""
        return None if self.end is None else encode_cursor(*self.end)

    def page(self, view: Callable[[Row], Item]) -> Page[Item]:
        """The page as people see it, row by row."""
        return self.shown_as(map(view, self.rows))

    def shown_as(self, items: Iterable[Item]) -> Page[Item]:
        """The page as people see it, where its rows are made ready together."""
        return Page(items=list(items), next=self.next)


def with_one_more(limit: int) -> int:
    """How many rows to ask for, so as to see whether another page follows."""
    return limit + 1


def cut(rows: Sequence[Row], limit: int, position_of: Callable[[Row], Position]) -> Found[Row]:
    """What was asked for with one more, as a page."""
    some = list(rows[:limit])
    return Found(some, tuple(position_of(some[-1])) if len(rows) > limit else None)


def encode_cursor(*position: Any) -> str:
    """A position as text nobody need understand. Raises TypeError for what JSON has not."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """The position a cursor names; whether it is one of this listing, the listing knows. Raises Invalid."""
    if not re.fullmatch(CURSOR, cursor):
        raise _unreadable()
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _unreadable() from error
    if not isinstance(position, list):
        raise _unreadable()
    return tuple(position)


def of_another_listing() -> Invalid:
    """The error for a position that this listing did not give out."""
    return Invalid("cursor: it belongs to another listing", [{"at": "cursor", "why": "of another listing"}])


def _unreadable() -> Invalid:
    return Invalid("cursor: not one this API gave out", [{"at": "cursor", "why": "unreadable"}])
