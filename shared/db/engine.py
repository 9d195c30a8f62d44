"""The engine: opens a service's database so that SQLite and PostgreSQL behave alike."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

_READONLY = {"living_readonly": True}
#: What a person sent, a secret among it, is not printed when a statement fails; JSON is read and written fast.
_COMMON: dict[str, Any] = {
    "hide_parameters": True,
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
}


class Database:
    """One service's database.

    On SQLite: WAL, full synchronisation, a writer begins IMMEDIATE (so that it waits for its turn instead
    of failing half-way) and a reader never blocks. On PostgreSQL: read committed.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            waiting = {"timeout": 30, "check_same_thread": False}
            self.engine = create_engine(self.url, connect_args=waiting, pool_size=20, max_overflow=40, **_COMMON)
            _teach_sqlite(self.engine)
        else:
            self.engine = create_engine(self.url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True, **_COMMON)
        self._readonly = self.engine.execution_options(**_READONLY)

    def session(self, *, readonly: bool = False) -> Session:
        """A session whose objects stay readable after its commit."""
        return Session(self._readonly if readonly else self.engine, expire_on_commit=False)

    def ping(self) -> None:
        """Raises whatever the driver raises unless the database answers."""
        with self._readonly.connect() as connection:
            connection.execute(text("SELECT 1"))

    def leadership(self, name: str) -> Leadership:
        return Leadership(self, name)

    def close(self) -> None:
        self.engine.dispose()


class Leadership:
    """The right to be the only one of its kind among all processes on a database: one relay, one job runner.

    Held by a lock that the operating system or the server lets go when its holder dies, so no clock is
    asked: `flock` beside a SQLite file, an advisory lock of a PostgreSQL session.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name
        self._file: int | None = None
        self._connection: Connection | None = None

    def hold(self) -> bool:
        """Takes the right, or checks that it is still held. False while another process has it."""
        return self._hold_file() if self._database.sqlite else self._hold_session()

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Let go in words, so that the next one need not wait until the server notices that the session
            # ended. It must end all the same, not return to the pool: what it holds, it holds as a session.
            with suppress(DBAPIError):
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
            connection.invalidate()
            connection.close()

    def _hold_file(self) -> bool:
        if self._file is not None:
            return True
        descriptor = os.open(f"{self._database.url.database}.{self._name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._file = descriptor
        return True

    def _hold_session(self) -> bool:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except Exception:
                self.release()
                raise
            return True
        connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        key = zlib.crc32(self._name.encode())
        try:
            held = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one()
        except Exception:
            connection.close()
            raise
        if not held:
            connection.close()
            return False
        self._connection = connection
        return True


def _teach_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        # The driver must not begin transactions by itself: `_begin` below does, in the right mode.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        readonly = connection.get_execution_options().get("living_readonly")
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database for the length of a `with` block."""
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
