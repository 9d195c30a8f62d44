"""The pager: how a store reads a page. It goes on after where the last one ended, by the index of its order.

Rows that come or go meanwhile neither repeat nor hide others (keyset paging: Winand, *SQL Performance Explained*,
"Fetching the next page").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, overload

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, tuple_
from sqlalchemy.orm import Mapped
from sqlmodel import SQLModel

from shared.db.work import Work
from shared.events.bounds import LARGEST, LARGEST_COUNT
from shared.paging import Found, PageAsked, Position, cut, of_another, with_one_more

One = TypeVar("One")
Two = TypeVar("Two")
Three = TypeVar("Three")

AnySelect = Select[*tuple[Any, ...]]

#: A column that a listing is ordered by.
Column = Mapped[Any] | ColumnElement[Any]


@overload
def read_page(work: Work, query: Select[One], asked: PageAsked, *by: Column, descending: bool = ...) -> Found[One]: ...
@overload
def read_page(
    work: Work, query: Select[One, Two], asked: PageAsked, *by: Column, descending: bool = ...
) -> Found[tuple[One, Two]]: ...
@overload
def read_page(
    work: Work, query: Select[One, Two, Three], asked: PageAsked, *by: Column, descending: bool = ...
) -> Found[tuple[One, Two, Three]]: ...
def read_page(work: Work, query: AnySelect, asked: PageAsked, *by: Column, descending: bool = False) -> Found[Any]:
    """The page that is asked for of what a query finds, in the order of these columns, which together are unique and
    never null; all ascending or all descending.

    A row is what the query selects: itself where that is one thing, else a tuple. Raises Invalid for a position that is
    none of this listing, also with a value that no such column holds.
    """
    rows = work.session.execute(_following(query, asked, by, descending).add_columns(*by)).all()
    found = cut(rows, asked, lambda row: row[-len(by) :])
    alone = len(query.column_descriptions) == 1
    return Found([row[0] if alone else tuple(row[: -len(by)]) for row in found.rows], found.next)


def read_plain_page(
    work: Work, query: AnySelect, asked: PageAsked, *by: Any, tables: Sequence[type[SQLModel]]
) -> Found[Any]:
    """The same, ascending, of rows that are plain objects (`shared.db.rows`) of these tables; the first has the columns
    of the order."""

    def position_of(row: Any) -> Position:
        first = row[0] if len(tables) > 1 else row
        return [getattr(first, column.key) for column in by]

    return cut(work.rows.read(_following(query, asked, by, False), None, *tables), asked, position_of)


def _following(query: AnySelect, asked: PageAsked, by: Sequence[Column], descending: bool) -> AnySelect:
    """The query of a page and one row more."""
    if asked.after is not None:
        if len(asked.after) != len(by) or not all(map(_may_hold, by, asked.after)):
            raise of_another()
        # Both databases walk an index for a comparison of tuples, and not for the same said with OR.
        here, position = (tuple_(*by), tuple_(*asked.after)) if len(by) > 1 else (by[0], asked.after[0])
        query = query.where(here < position if descending else here > position)
    return query.order_by(*(column.desc() if descending else column for column in by)).limit(with_one_more(asked.limit))


def _may_hold(column: Any, value: object) -> bool:
    if not isinstance(column.type, Integer):
        return isinstance(value, str) and "\0" not in value
    largest = LARGEST if isinstance(column.type, BigInteger) else LARGEST_COUNT
    return type(value) is int and abs(value) <= largest
