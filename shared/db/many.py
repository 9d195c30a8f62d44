"""Many at a time: rows or values handed to the database in one piece, since a statement or a parameter for each
costs more than what is done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BindParameter, ColumnElement, Dialect, TextClause, bindparam, func, text
from sqlmodel import Session, SQLModel

#: Rows of one statement, so that a large work does not need much memory at once.
_AT_ONCE = 500


def insert_many(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns, none of them bytes.

    PostgreSQL gets them as one JSON text; SQLite, which is in this process, a row at a time from its driver.
    """
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        if is_sqlite(session):
            session.connection().exec_driver_sql(*_insert_by_driver(table, some, session.get_bind().dialect))
        else:
            session.connection().execute(_insert_from_json(table, some[0]), {"rows": orjson.dumps(some).decode()})


def each_of(session: Session, values: Collection[Any], column: Any) -> ColumnElement[Any]:
    """These values as the column of a table, to select from; `column` is one of their type."""
    if is_sqlite(session):
        return func.json_each(orjson.dumps(list(values)).decode()).table_valued("value").c.value
    many: BindParameter[Any] = bindparam(None, list(values), type_=ARRAY(column.type))
    return func.unnest(many).column_valued("value")


def is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _insert_by_driver(
    table: type[SQLModel], rows: Sequence[Mapping[str, Any]], dialect: Dialect
) -> tuple[str, list[tuple[Any, ...]]]:
    """The statement and its values as the driver takes them: each column's type is asked once, not with every row."""
    columns = [table.__table__.c[name] for name in rows[0]]  # type: ignore[attr-defined]
    values = ([row[column.name] for row in rows] for column in columns)
    binds = (column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns)
    bound = (map(bind, some) if bind else some for bind, some in zip(binds, values, strict=True))
    listed, marks = ", ".join(f'"{column.name}"' for column in columns), ", ".join("?" * len(columns))
    return f'INSERT INTO "{table.__tablename__}" ({listed}) VALUES ({marks})', list(zip(*bound, strict=True))


def _insert_from_json(table: type[SQLModel], columns: Iterable[str]) -> TextClause:
    name, listed = f'"{table.__tablename__}"', ", ".join(f'"{column}"' for column in columns)
    return text(
        f"INSERT INTO {name} ({listed}) SELECT {listed} FROM json_populate_recordset(NULL::{name}, CAST(:rows AS json))"
    )
