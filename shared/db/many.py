"""Many at a time: rows or values handed to the database in one piece, since a statement or a parameter for each
costs more than what is done with it.

On SQLite it is also one step: its driver lets Python's lock go with each row that goes in or out, and waits for it
again, which takes milliseconds where other threads compute.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ARRAY, JSON, BindParameter, ColumnElement, Dialect, bindparam, func
from sqlmodel import Session, SQLModel

from shared.db.said import Statement, drive, table_of
from shared.db.types import sqlite_text

#: Rows of one statement, so that a large work does not need much memory at once; and bytes of them, since SQLite takes
#: no text beyond a thousand million.
_AT_ONCE, _LARGEST = 500, 100_000_000
#: Rows from which on PostgreSQL gets them by COPY, which costs it half, but is a statement of its own.
_WORTH_COPYING = 30
#: Instants are written as the columns have them.
_INSTANTS = {"sqlite": orjson.OPT_PASSTHROUGH_DATETIME, "postgresql": 0}
#: NUL in a JSON text; what follows an even number of backslashes is no escape.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
#: What goes before a SQLite statement that takes values out of `given`, the parts of a JSON array: without it each look
#: at a part would write that part out anew.
GIVEN = "WITH given(value) AS MATERIALIZED (SELECT value FROM json_each({given}))"


def insert_many(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts rows that all have the same columns, none of them bytes."""
    for words, values in inserts(session.get_bind().dialect, table, rows):
        drive(session.connection(), words, values)


def inserts(dialect: Dialect, table: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> Iterator[Statement]:
    """The statements that insert rows which all have the same columns, none of them bytes: as one JSON text, or as what
    PostgreSQL copies."""
    names = tuple(rows[0]) if rows else ()
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        if dialect.name != "sqlite" and len(some) >= _WORTH_COPYING:
            yield _copying(table, names), _copied(table, names, some)
        else:
            words = (_on_sqlite if dialect.name == "sqlite" else _on_postgresql)(table, names)
            for text in _texts(some, _INSTANTS[dialect.name]):
                yield words, {"rows": text}


def each_of(session: Session, values: Collection[Any], column: Any) -> ColumnElement[Any]:
    """These values as the column of a table, to select from; `column` is one of their type."""
    if is_sqlite(session):
        return func.json_each(orjson.dumps(list(values)).decode()).table_valued("value").c.value
    many: BindParameter[Any] = bindparam(None, list(values), type_=ARRAY(column.type))
    return func.unnest(many).column_valued("value")


def is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def as_json(values: object, option: int = 0) -> str:
    """Values as the databases' JSON functions read them. Raises ValueError for a text with the character U+0000, at
    which SQLite would cut it off, and which PostgreSQL refuses."""
    text = orjson.dumps(values, default=sqlite_text, option=option)
    # A quick look first: nearly all texts are spared the pattern.
    if b"\\u0000" in text and _NUL.search(text):
        raise ValueError("a text holds the character U+0000, which no database keeps")
    return text.decode()


def _texts(rows: Sequence[Mapping[str, object]], option: int) -> Iterator[str]:
    text = as_json(rows, option)
    if len(text) <= _LARGEST or len(rows) == 1:
        yield text
    else:
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            yield from _texts(half, option)


def _copied(table: type[SQLModel], names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> list[list[object]]:
    """The rows as the driver writes them; of a list or an object, its text."""
    given: list[list[object]] = [[row[name] for name in names] for row in rows]
    for at in _json_columns(table, names):
        for values in given:
            values[at] = None if values[at] is None else orjson.dumps(values[at]).decode()
    return given


@cache
def _json_columns(table: type[SQLModel], names: Sequence[str]) -> list[int]:
    columns = table_of(table).c
    return [at for at, name in enumerate(names) if isinstance(columns[name].type, JSON)]


@cache
def _copying(table: type[SQLModel], columns: Sequence[str]) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    return f'COPY "{table.__tablename__}" ({listed}) FROM STDIN'


@cache
def _on_postgresql(table: type[SQLModel], columns: Sequence[str]) -> str:
    name, listed = f'"{table.__tablename__}"', ", ".join(f'"{column}"' for column in columns)
    rows = f"json_populate_recordset(NULL::{name}, CAST(%(rows)s AS json))"
    return f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {rows}"


@cache
def _on_sqlite(table: type[SQLModel], columns: Sequence[str]) -> str:
    """Of a list or an object, `json_extract` gives the text."""
    listed = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(f"json_extract(value, '$.{column}')" for column in columns)
    given = GIVEN.format(given=":rows")
    return f'{given} INSERT INTO "{table.__tablename__}" ({listed}) SELECT {values} FROM given'
