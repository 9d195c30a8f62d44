"""Cursors: opaque, and good for their own search only."""

from __future__ import annotations

import pytest

from services.search.ports.index.cursor import asked_by, position_of
from services.search.ports.index.port import Query
from shared.errors import Invalid
from shared.paging import encode_cursor

KINDS = (int | float, str)


def cursor_after(query: Query, position: list[object]) -> str:
    return encode_cursor(asked_by(query).listing, position)


def test_a_cursor_says_where_its_page_ended() -> None:
    query = Query(review="v", text="trust")
    cursor = cursor_after(query, [-1.25e-6, "rec_ä"])

    assert position_of(Query(review="v", text="trust", cursor=cursor, limit=7, facets=("year",)), KINDS) == [
        -1.25e-6,
        "rec_ä",
    ]
    assert position_of(query, KINDS) is None


@pytest.mark.parametrize("other", [{"review": "w"}, {"text": "power"}, {"sort": "newest"}, {"kind": ("book",)}])
def test_a_cursor_of_another_search_is_invalid(other: dict[str, object]) -> None:
    cursor = cursor_after(Query(review="v", text="trust"), [1, "r"])

    with pytest.raises(Invalid, match="another search"):
        position_of(Query(**{"review": "v", "text": "trust", "cursor": cursor, **other}), KINDS)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [[], [1], ["r", 1], [1, "r", 2], [None, "r"], [2**63, "r"], [-(2**63), "r"]])
def test_a_cursor_with_another_place_is_invalid(at: list[object]) -> None:
    query = Query(review="v")

    with pytest.raises(Invalid, match="another search"):
        position_of(Query(review="v", cursor=cursor_after(query, at)), KINDS)


@pytest.mark.parametrize("cursor", ["", "x", "e30", "W10", "bnVsbA", "\ud800", "ä"])
def test_rubbish_is_no_cursor(cursor: str) -> None:
    with pytest.raises(Invalid, match=r"^cursor: (not one this API gave out|it belongs to another search)"):
        position_of(Query(review="v", cursor=cursor), KINDS)
