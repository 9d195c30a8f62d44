"""Cursors of search pages: where a page ended, wrapped so that it fits only the query it came from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import UnionType
from typing import Any

from services.search.ports.index.port import Query
from shared.errors import Invalid
from shared.paging import Position, decode_cursor, encode_cursor, of_another_listing


def cursor_after(query: Query, position: Position) -> str:
    """The cursor of the page after a hit, given the values the hits are ordered by."""
    return encode_cursor(_digest(query), *position)


def position_of(query: Query, kinds: tuple[type | UnionType, ...]) -> list[Any] | None:
    """The values after which the query's page begins; None for the first page.

    Raises Invalid when the cursor is of another query, or no cursor of ours.
    """
    if query.cursor is None:
        return None
    digest, *position = decode_cursor(query.cursor) or [None]
    if digest != _digest(query):
        why = "of another search: leave it out to begin again"
        raise Invalid(f"cursor: it is {why}", [{"at": "cursor", "why": why}])
    if len(position) != len(kinds) or not all(_is(*pair) for pair in zip(position, kinds, strict=True)):
        raise of_another_listing()
    return position


def _is(value: object, kind: type | UnionType) -> bool:
    """Whether a value is of its kind and, if a number, no larger than a database takes."""
    return isinstance(value, kind) and (not isinstance(value, int) or abs(value) < 2**62)


def _digest(query: Query) -> str:
    """What two pages of one search share; a page's size and facets may differ."""
    shared = replace(query, cursor=None, limit=1, facets=())
    return hashlib.sha256(repr(shared).encode()).hexdigest()[:16]
