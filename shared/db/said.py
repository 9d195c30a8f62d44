"""Statements in words, handed straight to the driver: of what a short statement costs, most would else be the layers
between."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy
from sqlalchemy import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from shared.db.dialects import once_a_kind
from shared.db.faults import file_fault
from shared.db.types import Instant

Table = type[SQLModel]
Convert = Callable[[Any], Any]
#: A statement's values: named, a list of them for each time it is said, or the rows that it copies.
Values = Mapping[str, object] | Sequence[Mapping[str, object]] | Sequence[Sequence[object]]
#: In the driver's words, with its values.
Statement = tuple[str, Values]

#: A value's place, but no cast (`::text`).
_NAMED = re.compile(r"(?<!:):([a-z_]+)")
#: The same in the words of PostgreSQL's driver; `%%(` is text.
_VALUE = re.compile(r"(?<!%)%\(")

#: Holds what is read until the transaction ends. SQLite has one writer at a time.
LOCK = {"lock": "FOR UPDATE"}


class Said:
    """A statement in words, with `:name` where a value goes. Words that each database has its own for are named in
    braces, as are the columns of tables: `SELECT {tasks} FROM tasks WHERE id = :id {lock}`."""

    def __init__(
        self, words: str, *tables: Table, sqlite: Mapping[str, str] | None = None, postgresql: Mapping[str, str] = {}
    ) -> None:
        """`sqlite` has the same names as `postgresql`; when it is not given they all stand for nothing there."""
        columns = {table_of(table).name: _columns(table) for table in tables}
        nothing = dict.fromkeys(postgresql, "")
        self._words = {
            "sqlite": words.format(**columns, **(nothing if sqlite is None else sqlite)),
            "postgresql": _NAMED.sub(r"%(\1)s", words.format(**columns, **postgresql).replace("%", "%%")),
        }
        self._names = frozenset(re.findall(r"\w+", words))

    def concerns(self, table: Table) -> bool:
        """Whether it may look at that table."""
        return table.__tablename__ in self._names

    def run(self, connection: Connection, given: Mapping[str, object]) -> DBAPICursor:
        """The driver's cursor."""
        return drive(connection, *self.ready(connection.dialect, given))

    def ready(self, dialect: Dialect, given: Mapping[str, object]) -> Statement:
        """In the driver's words and values. Of what is given, instants are written as the columns have them, and lists
        as the arrays that PostgreSQL has, or as JSON."""
        instant, array = _ways(dialect)
        values = {
            name: instant(value) if isinstance(value, datetime) else array(value) if isinstance(value, list) else value
            for name, value in given.items()
        }
        return self._words[dialect.name], values


def table_of(table: Table) -> sqlalchemy.Table:
    """A class's table, as SQLAlchemy knows it."""
    # SQLModel makes it for each class with `table=True`, and tells no type of it.
    described: sqlalchemy.Table = table.__table__  # type: ignore[attr-defined]
    return described


def drive(connection: Connection, words: str, values: Values) -> DBAPICursor:
    """The driver's cursor after a statement in its own words: for one set of values, for each of a list of them, or
    with them as the rows that it copies.

    Raises SQLAlchemy's errors, as every other way to the database does, and tells who listens to its
    `before_cursor_execute`.
    """
    dialect, driver = connection.dialect, connection.connection.driver_connection
    assert driver is not None
    many = isinstance(values, list)
    try:
        cursor: DBAPICursor = driver.cursor()
        for hear in connection.dispatch.before_cursor_execute:
            hear(connection, cursor, words, values, None, many)
        if words.startswith("COPY "):
            _copy(cursor, words, values)
        elif isinstance(values, list):
            cursor.executemany(words, values)
        else:
            cursor.execute(words, values)
        return cursor
    except dialect.loaded_dbapi.Error as error:
        gone = dialect.is_disconnect(error, driver, None)
        if gone:
            connection.invalidate(error)
        raise file_fault(connection.engine.url, error) or DBAPIError.instance(
            words, None, error, dialect.loaded_dbapi.Error,
            hide_parameters=True, connection_invalidated=gone, dialect=dialect,
        ) from error  # fmt: skip


def _copy(cursor: DBAPICursor, words: str, rows: Iterable[object]) -> None:
    with cursor.copy(words) as copy:
        for row in rows:
            copy.write_row(row)


def write(connection: Connection, statements: Sequence[Statement]) -> None:
    """Says statements whose answers nobody needs and of which none touches a row of another's: on PostgreSQL those that
    are unlike in one, since each costs the way there and back.

    PostgreSQL promises no order within the one, so those that are alike (portions of many rows, which must come in
    their order) are said by themselves, one after the other.
    """
    times = Counter(words for words, _ in statements)
    one: dict[str, Mapping[str, object]] = {}
    for words, values in statements:
        if connection.dialect.name != "sqlite" and times[words] == 1 and isinstance(values, Mapping):
            one[words] = values
        else:
            drive(connection, words, values)
    if len(one) > 1:
        joined = {f"w{at}_{name}": value for at, own in enumerate(one.values()) for name, value in own.items()}
        drive(connection, _in_one(tuple(one)), joined)
    else:
        for words, values in one.items():
            drive(connection, words, values)


@lru_cache(maxsize=500)
def _in_one(several: Sequence[str]) -> str:
    """Statements as the parts of one (PostgreSQL 7.8.4, Data-Modifying Statements in WITH)."""
    parts = [f"w{at} AS ({_VALUE.sub(f'%(w{at}_', words)} RETURNING 1)" for at, words in enumerate(several)]
    return f"WITH {', '.join(parts)} SELECT 1"


@once_a_kind
def _ways(dialect: Dialect) -> tuple[Convert, Convert]:
    """How instants and lists become the driver's."""
    instant = Instant().dialect_impl(dialect).bind_processor(dialect)
    assert instant is not None
    return instant, (lambda value: orjson.dumps(value).decode()) if dialect.name == "sqlite" else list


def _columns(table: Table) -> str:
    described = table_of(table)
    return ", ".join(f'{described.name}."{column.name}"' for column in described.columns)
