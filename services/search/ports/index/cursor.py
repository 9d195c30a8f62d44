"""Cursors of search pages: where a page ended, wrapped so that it fits only the query it came from."""

from __future__ import annotations

from dataclasses import replace
from types import UnionType
from typing import Any

from services.search.ports.index.port import Query
from shared.paging import PageAsked, decode_cursor, mark_of, of_another


def asked_by(query: Query) -> PageAsked:
    """The page that a query asks for, of a listing that is all its own. Raises Invalid when the cursor is of another
    query, or no cursor of ours."""
    # What two pages of one search share; a page's size and facets may differ.
    listing = mark_of(repr(replace(query, cursor=None, limit=1, facets=())))
    after = None if query.cursor is None else decode_cursor(listing, query.cursor, kind="search")
    return PageAsked(query.limit, after, listing)


def position_of(query: Query, kinds: tuple[type | UnionType, ...]) -> list[Any] | None:
    """The values, of these kinds, after which the query's page begins; None for the first page. Raises Invalid as
    `asked_by`."""
    position = asked_by(query).after
    if position is None:
        return None
    if len(position) != len(kinds) or not all(_is(*pair) for pair in zip(position, kinds, strict=True)):
        raise of_another("search")
    return list(position)


def page_by_rank(query: str, limit: int, cursor: str | None) -> PageAsked:
    """The page of what is in order of a rank and a name, of a listing that is all this query's. Raises Invalid when the
    cursor is of another query, or no cursor of ours."""
    listing = mark_of(query)
    after = None if cursor is None else decode_cursor(listing, cursor, kind="search")
    if after is not None and (len(after) != 2 or not (_is(after[0], int | float) and _is(after[1], str))):
        raise of_another("search")
    return PageAsked(limit, after, listing)


def _is(value: object, kind: type | UnionType) -> bool:
    """Whether a value is of its kind and, if a number, no larger than a database takes."""
    return isinstance(value, kind) and (not isinstance(value, int) or abs(value) < 2**62)
