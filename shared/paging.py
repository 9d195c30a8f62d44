"""A page of a listing: what is asked for, what is found, and the cursor to the next; never an offset.

A cursor bears the mark of the listing that gave it out, so that no other one takes it for a position of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
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
    """At most `limit` rows of a listing, by its mark, those that follow a position; None is the beginning."""

    limit: int
    after: Position | None = None
    listing: str = ""

    def from_position(self, position: Position | None) -> PageAsked:
        """The same, but one without a cursor begins after this position."""
        return self if self.after is not None else replace(self, after=position)

    @property
    def cursor(self) -> str | None:
        """The cursor of this very page; None is the beginning."""
        return None if self.after is None else encode_cursor(self.listing, self.after)


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """The rows of a page, and the cursor of the next one when more follow."""

    rows: list[Row]
    next: str | None = None

    def page(self, view: Callable[[Row], Item]) -> Page[Item]:
        """The page as people see it, row by row."""
        return self.shown_as(map(view, self.rows))

    def shown_as(self, items: Iterable[Item]) -> Page[Item]:
        """The page as people see it, where its rows are made ready together."""
        return Page(items=list(items), next=self.next)


def with_one_more(limit: int) -> int:
    """How many rows to ask for, so as to see whether another page follows."""
    return limit + 1


def cut(rows: Sequence[Row], asked: PageAsked, position_of: Callable[[Row], Position]) -> Found[Row]:
    """What was asked for with one more, as a page."""
    some = list(rows[: asked.limit])
    more = len(rows) > asked.limit
    return Found(some, encode_cursor(asked.listing, position_of(some[-1])) if more else None)


def mark_of(listing: str) -> str:
    """The mark of a listing, by all that makes it another than others."""
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def encode_cursor(listing: str, position: Position) -> str:
    """A position in the listing of that mark, as text nobody need understand. Raises TypeError for what JSON has
    not."""
    return base64.urlsafe_b64encode(orjson.dumps([listing, *position])).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str, *, kind: str = "listing") -> Position:
    """The position that a cursor names in the listing of that mark. Raises Invalid, also for one of another, in words
    for a listing of that kind."""
    if not re.fullmatch(CURSOR, cursor):
        raise _unreadable()
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _unreadable() from error
    if not isinstance(position, list):
        raise _unreadable()
    if position[:1] != [listing]:
        raise of_another(kind)
    return tuple(position[1:])


def of_another(kind: str = "listing") -> Invalid:
    """The error for a position that this listing did not give out."""
    why = f"it belongs to another {kind}; leave it out to begin again"
    return Invalid.of("cursor", why)


def _unreadable() -> Invalid:
    return Invalid("cursor: not one this API gave out", [{"at": "cursor", "why": "not one this API gave out"}])
