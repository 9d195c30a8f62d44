"""Rows as plain objects: read, changed and written back by statements that are made once.

What hundreds of people do at the same moment goes this way: an object-relational mapper does as much and more, but it
costs several times what the database's own work does.

A table whose rows are read so has its columns in a plain class, which comes first among its bases:

    class Task(SQLModel): ...
    class TaskRow(Task, Base, table=True): ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Executable
from sqlmodel import Session, SQLModel

from shared.db.dialects import once_a_kind
from shared.db.many import inserts
from shared.db.said import LOCK, Convert, Said, Statement, Table, table_of, write

Plain = TypeVar("Plain", bound=SQLModel)
Key = tuple[object, ...]


class Rows:
    """The rows one work has read, each once, and those it has made.

    What is set on them is written when the work commits, or before it looks at their table again. A row that is held
    is certain until the work ends: `hold` does not read it again.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection: Connection | None = None
        self._known: dict[tuple[Table, Key], SQLModel] = {}
        self._held: set[tuple[Table, Key]] = set()
        self._new: dict[Table, list[SQLModel]] = {}
        self._later: list[Statement] = []

    @property
    def connection(self) -> Connection:
        """The one connection of this work."""
        if self._connection is None:
            self._connection = self._session.connection()
        return self._connection

    # Reading

    def read(
        self,
        query: Said | Executable,
        given: Mapping[str, object] | None = None,
        *tables: Table,
        pending: bool = True,
    ) -> list[Any]:
        """The rows of a query that selects all columns of these tables, in their order: as objects where it is one
        table, else as tuples of them; without tables, the rows as they are.

        `pending` says that what was set and is not written yet matters to a `Said` query.
        """
        if isinstance(query, Said):
            if pending:
                self.flush(query.concerns)
            found: Sequence[Any] = query.run(self.connection, given or {}).fetchall()
            shapes = [_shape(self.connection.dialect, table) for table in tables]
        else:
            self._session.flush()
            self.flush()
            found = self.connection.execute(query, given or {}).all()
            shapes = [_converted(table) for table in tables]
        if not tables:
            return list(found)
        if len(shapes) == 1:
            return [self._take(shapes[0], tuple(values)) for values in found]
        return [self._take_each(shapes, tuple(values)) for values in found]

    def hold(self, table: Table, **key: Any) -> Any:
        """A row by its key, locked and read anew unless this work holds it already; None where there is none."""
        of = table, tuple(key.values())
        if of in self._held:
            return self._known[of]
        if of in self._known:
            self.flush(lambda other: other is table)
        shape = _shape(self.connection.dialect, table)
        found = _by_key(table).run(self.connection, key).fetchall()
        if not found:
            return None
        self._held.add(of)
        return self._take(shape, tuple(found[0]))

    def keep(self, table: Table, *rows: SQLModel) -> None:
        """Remembers that these rows are locked, or were made, by this work."""
        self._held.update((table, _key(table, row)) for row in rows)

    def drop(self, table: Table, *key: object) -> None:
        """Forgets a row that a statement of its own has changed."""
        self._held.discard((table, key))
        self._known.pop((table, key), None)

    # Writing

    def add(self, table: Table, row: Plain) -> Plain:
        """Takes a row that this work has made; it is held."""
        of = table, _key(table, row)
        self._new.setdefault(table, []).append(row)
        self._known[of] = row
        self._held.add(of)
        return row

    def insert(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Inserts rows that this work does not look at again, all with the same columns, with what is written last."""
        self._later += inserts(self.connection.dialect, table, rows) if rows else []

    def later(self, said: Said, given: Mapping[str, object]) -> None:
        """Says something that this work does not look at again, with what is written last."""
        self._later.append(said.ready(self.connection.dialect, given))

    def flush(self, concerned: Callable[[Table], bool] | None = None) -> None:
        """Writes what was made and set since, of the tables concerned, or all there is; rows of a table that are
        written alike by one statement."""
        statements: list[Statement] = []
        for table in [table for table in self._new if concerned is None or concerned(table)]:
            made = [_written(row, table) for row in self._new.pop(table)]
            statements += inserts(self.connection.dialect, table, made)
        alike: dict[tuple[Table, tuple[str, ...]], list[SQLModel]] = {}
        for (table, _), row in self._known.items():
            if row.model_fields_set and table not in self._new and (concerned is None or concerned(table)):
                alike.setdefault((table, tuple(sorted(row.model_fields_set))), []).append(row)
        for (table, names), rows in alike.items():
            words, binds = _update(self.connection.dialect, (table, names))
            values = [_bound(row, binds) for row in rows]
            statements.append((words, values if len(values) > 1 else values[0]))
            for row in rows:
                row.model_fields_set.clear()
        if concerned is None:
            statements += self._later
            self._later = []
        if statements:
            write(self.connection, statements)

    def _take_each(self, shapes: Sequence[_Shape], values: Sequence[Any]) -> tuple[SQLModel, ...]:
        taken, start = [], 0
        for shape in shapes:
            taken.append(self._take(shape, values[start : start + len(shape.names)]))
            start += len(shape.names)
        return tuple(taken)

    def _take(self, shape: _Shape, values: Sequence[Any]) -> SQLModel:
        """The one object of a row, with the values just read."""
        read = dict(zip(shape.names, values, strict=True))
        for name, convert in shape.converts:
            read[name] = convert(read[name])
        of = shape.table, tuple([read[name] for name in shape.key])
        row = self._known.get(of)
        if row is None:
            # As pydantic's `model_construct` does it, for values that a database has checked.
            row = self._known[of] = shape.plain.__new__(shape.plain)
        for name in row.model_fields_set:  # Set, and not written yet.
            del read[name]
        row.__dict__.update(read)
        return row


class _Shape:
    """How the rows of a table become plain objects."""

    def __init__(self, table: Table, dialect: Dialect | None) -> None:
        """Without a dialect the values come converted."""
        columns = list(table_of(table).columns)
        self.table, self.plain = table, _plain(table)
        self.names = [column.name for column in columns]
        self.key = list(_key_names(table))
        self.converts: list[tuple[str, Convert]] = []
        if dialect is None:
            return
        for column in columns:
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None:
                self.converts.append((column.name, convert))


@once_a_kind
def _shape(dialect: Dialect, table: Table) -> _Shape:
    return _Shape(table, dialect)


@lru_cache(maxsize=200)
def _converted(table: Table) -> _Shape:
    return _Shape(table, None)


@once_a_kind
def _update(dialect: Dialect, written: tuple[Table, tuple[str, ...]]) -> tuple[str, list[tuple[str, Convert | None]]]:
    """The statement that writes these columns of a row, and how their values become the driver's."""
    table, names = written
    columns, key = table_of(table).columns, _key_names(table)
    value = ":{}" if dialect.name == "sqlite" else "%({})s"
    sets, where = (
        joint.join(f'"{name}" = {value.format(name)}' for name in of) for joint, of in ((", ", names), (" AND ", key))
    )
    words = f'UPDATE "{table.__tablename__}" SET {sets} WHERE {where}'
    binds: list[tuple[str, Convert | None]] = [
        (name, columns[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in (*names, *key)
    ]
    return words, binds


@lru_cache(maxsize=200)
def _by_key(table: Table) -> Said:
    name = table.__tablename__
    where = " AND ".join(f'"{column}" = :{column}' for column in _key_names(table))
    return Said(f'SELECT {{{name}}} FROM "{name}" WHERE {where} {{lock}}', table, postgresql=LOCK)


@lru_cache(maxsize=200)
def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table_of(table).columns)


@lru_cache(maxsize=200)
def _key_names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table_of(table).primary_key.columns)


def _plain(table: Table) -> type[SQLModel]:
    return table.__bases__[0]


def _key(table: Table, row: SQLModel) -> Key:
    return tuple([getattr(row, name) for name in _key_names(table)])


def _written(row: SQLModel, table: Table) -> dict[str, object]:
    """A new row's values; what is set from now on is a change."""
    row.model_fields_set.clear()
    return {name: getattr(row, name) for name in _names(table)}


def _bound(row: SQLModel, binds: Iterable[tuple[str, Convert | None]]) -> dict[str, object]:
    values = row.__dict__
    return {name: bind(values[name]) if bind else values[name] for name, bind in binds}
