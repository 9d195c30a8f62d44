"""Many at a time: rows or values handed to the database in one piece, since a statement or a parameter for each
costs more than what is done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BindParameter, ColumnElement, TextClause, bindparam, func, insert, text
from sqlmodel import Session, SQLModel

#: Rows of one statement, so that a large work does not need much memory at once.
_AT_ONCE = 500


def insert_many(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns, none of them bytes.

    PostgreSQL gets them as one JSON text; SQLite, which is in this process, a row at a time.
    """
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        if is_sqlite(session):
            session.connection().execute(insert(table.__table__), some)  # type: ignore[attr-defined]
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


def _insert_from_json(table: type[SQLModel], columns: Iterable[str]) -> TextClause:
    name, listed = f'"{table.__tablename__}"', ", ".join(f'"{column}"' for column in columns)
    return text(
        f"INSERT INTO {name} ({listed}) SELECT {listed} FROM json_populate_recordset(NULL::{name}, CAST(:rows AS json))"
    )
