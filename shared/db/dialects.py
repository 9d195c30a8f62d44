"""Remembers what is made for a kind of database by that kind's name, so that no database that was closed is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Dialect

Made = TypeVar("Made")
Given = TypeVarTuple("Given")


def once_a_kind(make: Callable[[Dialect, *Given], Made]) -> Callable[[Dialect, *Given], Made]:
    """What is made of a dialect, and of what else is known in advance, such as a table: once for all databases of
    one kind, which are all opened alike. A dialect holds its engine, and with it all that was ever asked of that."""
    known: dict[tuple[str, *Given], Made] = {}

    @wraps(make)
    def made(dialect: Dialect, *given: *Given) -> Made:
        at = dialect.name, *given
        if at not in known:
            known[at] = make(dialect, *given)
        return known[at]

    return made
