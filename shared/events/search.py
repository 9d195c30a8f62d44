"""The event of search: what somebody's saved search has come to find."""

from __future__ import annotations

from shared.events.base import Event, Value
from shared.events.bounds import Count, Id, Title


class Match(Value):
    """A record that a saved search finds since something of it is new."""

    record: Id
    title: Title | None


class AlertMatched(Event, type="search.alert.matched", key="saved"):
    """A saved search whose owner wants to be told finds records that it did not tell of before: the first of them, and
    how many more. What it asks for, and its name, are its owner's alone, and no part of this."""

    saved: Id
    owner: Id
    records: list[Match]
    more: Count
