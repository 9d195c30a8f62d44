"""Cursors of search pages: where a page ended, wrapped so that it fits only the query it came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import replace
from typing import Any, NoReturn

import orjson

from services.search.index.port import Query
from shared.errors import Invalid


def cursor_after(query: Query, place: list[Any]) -> str:
    """The cursor of the page after a hit, given the values the hits are ordered by."""
    return base64.urlsafe_b64encode(orjson.dumps([_digest(query), *place])).decode().rstrip("=")


def place_of(query: Query, kinds: tuple[Any, ...]) -> list[Any] | None:
    """The values after which the query's page begins; None for the first page.

    Raises Invalid when the cursor is of another query, or no cursor of ours.
    """
    if query.cursor is None:
        return None
    digest, *place = _read(query.cursor)
    if digest != _digest(query):
        _refuse("is of another search: leave it out to begin again")
    if len(place) != len(kinds) or not all(_is(*pair) for pair in zip(place, kinds, strict=True)):
        _refuse("is not one of ours")
    return place


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of its kind and, if a number, no larger than a database takes."""
    return isinstance(value, kind) and (not isinstance(value, int) or abs(value) < 2**62)


def _read(cursor: str) -> list[Any]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        _refuse("is not one of ours")
    if not isinstance(values, list) or not values:
        _refuse("is not one of ours")
    return values


def _digest(query: Query) -> str:
    """What two pages of one search share; a page's size and facets may differ."""
    shared = replace(query, cursor=None, limit=1, facets=())
    return hashlib.sha256(repr(shared).encode()).hexdigest()[:16]


def _refuse(why: str) -> NoReturn:
    raise Invalid(f"the cursor {why}", errors=[{"at": "cursor", "why": f"the cursor {why}"}])
