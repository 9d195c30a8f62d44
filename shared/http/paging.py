"""Paging: a page and an opaque cursor to the next; never an offset."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.errors import Invalid
from shared.http.parameters import DIGITS

Item = TypeVar("Item")
Place = TypeVar("Place", str, int)

#: How many items a page holds at most.
Limit = Annotated[int, Query(ge=1, le=500), DIGITS]

_CURSOR = r"[A-Za-z0-9_-]{1,2000}"

#: Where a page begins, as the page before it said.
Cursor = Annotated[str, Query(json_schema_extra={"pattern": f"^{_CURSOR}$"})]


class Page(BaseModel, Generic[Item]):
    """Some items, and the cursor of the next page; None on the last."""

    items: list[Item]
    next: str | None = None


def encode_cursor(*place: Any) -> str:
    """Where the next page begins, as text nobody need understand."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The place a cursor names: one value of each kind (str or int), or None without a cursor. Raises Invalid for
    one that this listing did not give out, also one with a value that no database holds."""
    if cursor is None:
        return None
    if not re.fullmatch(_CURSOR, cursor):
        raise _unreadable()
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _unreadable() from error
    if not isinstance(place, list) or len(place) != len(kinds) or not all(map(_fits, place, kinds)):
        raise Invalid("cursor: it belongs to another listing", [{"at": "cursor", "why": "of another listing"}])
    return place


def after(cursor: str | None, beginning: Place) -> Place:
    """Where a page of a listing in the order of one value begins: at the cursor's place, or at the beginning."""
    place = decode_cursor(cursor, type(beginning))
    return beginning if place is None else place[0]


def _unreadable() -> Invalid:
    return Invalid("cursor: not one this API gave out", [{"at": "cursor", "why": "unreadable"}])


def _fits(part: Any, kind: type) -> bool:
    return type(part) is kind and (abs(part) < 2**63 if kind is int else "\0" not in part)
