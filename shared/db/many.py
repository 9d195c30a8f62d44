"""Many at a time: rows or values handed to the database in one piece, since a statement or a parameter for each
costs more than what is done with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import orjson
from sqlalchemy import ARRAY, BindParameter, ColumnElement, Dialect, bindparam, func
from sqlmodel import Session, SQLModel

from shared.db.said import Statement, drive

#: Rows of one statement, so that a large work does not need much memory at once.
_AT_ONCE = 500


def insert_many(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns, none of them bytes."""
    for words, values in inserts(session.get_bind().dialect, table, rows):
        drive(session.connection(), words, values)


def inserts(dialect: Dialect, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> Iterator[Statement]:
    """The statements that insert rows which all have the same columns, none of them bytes.

    PostgreSQL gets them as one JSON text; SQLite, which is in this process, a row at a time from its driver.
    """
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        if dialect.name == "sqlite":
            words, binds = _insert_by_driver(table, tuple(rows[0]), dialect)
            yield words, [tuple([bind(row[name]) if bind else row[name] for name, bind in binds]) for row in some]
        else:
            yield _insert_from_json(table, tuple(rows[0])), {"rows": orjson.dumps(some).decode()}


def each_of(session: Session, values: Collection[Any], column: Any) -> ColumnElement[Any]:
    """These values as the column of a table, to select from; `column` is one of their type."""
    if is_sqlite(session):
        return func.json_each(orjson.dumps(list(values)).decode()).table_valued("value").c.value
    many: BindParameter[Any] = bindparam(None, list(values), type_=ARRAY(column.type))
    return func.unnest(many).column_valued("value")


def is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


@lru_cache(maxsize=100)
def _insert_by_driver(
    table: type[SQLModel], names: Sequence[str], dialect: Dialect
) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
    """The statement, and how each column's values become the driver's: asked once, not with every row."""
    columns = [table.__table__.c[name] for name in names]  # type: ignore[attr-defined]
    binds = [(column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in columns]
    listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    return f'INSERT INTO "{table.__tablename__}" ({listed}) VALUES ({marks})', binds


@cache
def _insert_from_json(table: type[SQLModel], columns: Sequence[str]) -> str:
    name, listed = f'"{table.__tablename__}"', ", ".join(f'"{column}"' for column in columns)
    rows = f"json_populate_recordset(NULL::{name}, CAST(%(rows)s AS json))"
    return f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {rows}"
