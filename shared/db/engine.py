"""The engine: opens a service's database so that SQLite and PostgreSQL behave alike."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection
from sqlmodel import Session

from shared.db.faults import DatabaseFile, file_fault
from shared.db.turns import Turn, TurnConnection, raw, turn_of
from shared.storage import unusable

_READONLY = {"living_readonly": True}
#: What a person sent, a secret among it, is not printed when a statement fails; JSON is read and written fast.
_COMMON: dict[str, Any] = {
    "hide_parameters": True,
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
}

#: Seconds after which a connection may have been closed by its server without anybody here noticing.
_REST = 2.0


@dataclass(frozen=True)
class Patience:
    """For how many seconds a connection waits: to be made, for a lock, for one statement, for its transaction's next
    statement. None is for ever."""

    connect: int
    lock: float
    statement: float | None = None
    idle: float | None = None

    def postgresql(self) -> dict[str, Any]:
        """The driver's arguments. A server that is gone without a word is noticed by what it does not acknowledge."""
        limits = {
            "lock_timeout": self.lock,
            "statement_timeout": self.statement,
            "idle_in_transaction_session_timeout": self.idle,
        }
        options = [f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items() if seconds is not None]
        # Our statements are short: to compile one, as the planner would for its guess of a recursive one's size, takes
        # thirty milliseconds where running it takes less than one.
        options.append("-c jit=off")
        given = {
            "connect_timeout": self.connect,
            "keepalives_idle": 30,
            "tcp_user_timeout": 30_000,
            # What is said twice is said again and again: planning it costs more than running it.
            "prepare_threshold": 1,
        }
        return {**given, "options": " ".join(options)}


#: Work that nobody waits for in person may wait for others; it is tried again when even this was not enough.
OF_WORK = Patience(connect=10, lock=30)

#: A person rather hears within seconds that the database does not answer.
OF_REQUESTS = Patience(connect=5, lock=5, statement=15, idle=30)

#: A look at whether it answers.
OF_LOOKS = Patience(connect=3, lock=1, statement=3)


class Database:
    """One service's database.

    On SQLite: WAL, full synchronisation, a writer begins IMMEDIATE (so that it waits for its turn instead
    of failing half-way) and a reader never blocks. On PostgreSQL: read committed. `pool_size` is how many
    connections may be open at once; who finds none waits a moment and then fails.
    """

    def __init__(self, url: str, *, pool_size: int = 20, patience: Patience = OF_WORK) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            _make_folder(Path(self.url.database or ""))
        self._patience = patience
        self._file = DatabaseFile(Path(self.url.database or ""))
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": patience.connect}
        self.engine = self._open(patience, **pool)
        if not self.sqlite:
            _ask_after_rest(self.engine)
        self._readonly = self.engine.execution_options(**_READONLY)
        self._closed = False
        event.listen(self.engine, "checkin", self._let_go_of_late_ones)

    def _open(self, patience: Patience, **pool: Any) -> Engine:
        if not self.sqlite:
            return create_engine(self.url, connect_args=patience.postgresql(), **pool, **_COMMON)
        arguments = {"timeout": patience.lock, "check_same_thread": False, "factory": TurnConnection}
        engine = create_engine(self.url, connect_args=arguments, **pool, **_COMMON)
        _teach_sqlite(engine, turn_of(os.path.abspath(self.url.database or "")), patience)
        _hold_to(self._file, engine)
        return engine

    def session(self, *, readonly: bool = False) -> Session:
        """A session whose objects stay readable after its commit."""
        return Session(self._readonly if readonly else self.engine, expire_on_commit=False)

    @cached_property
    def _looks(self) -> Engine:
        return self._open(OF_LOOKS, poolclass=NullPool)

    def ping(self) -> None:
        """Raises whatever the driver raises unless the database answers within seconds, and would take a change: a
        SQLite file must let a writer have its turn. Asks over a connection of its own, never one of the pool's."""
        with self._looks.connect() as connection:
            connection.execute(text("SELECT 1"))

    def leadership(self, name: str) -> Leadership:
        return Leadership(self, name)

    def close(self) -> None:
        self._closed = True
        self.engine.dispose()
        self._file.forget()

    def _let_go_of_late_ones(self, _: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """What is given back after the close would stay open in a pool that nobody has, until it is garbage."""
        if self._closed:
            record.invalidate()


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
        lock = Path(f"{self._database.url.database}.{self._name}.lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(lock, error) from error
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


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(file, error) from error


def _ask_after_rest(engine: Engine) -> None:
    """Has a connection that rested in the pool asked whether it still answers, before it is lent; one that was given
    back a moment ago is lent as it is. (SQLAlchemy's own `pool_pre_ping` asks each time, which costs a small request a
    tenth of its time.) One that does not answer is replaced, and with it all that rested."""

    @event.listens_for(engine, "checkin")
    def _remember(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["lent_until"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        lent_until = record.info.get("lent_until")
        if lent_until is None or time.monotonic() - lent_until < _REST:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the connection did not answer") from error


def _hold_to(file: DatabaseFile, engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def _before_one_is_made(*_: object) -> None:
        file.require_known()

    @event.listens_for(engine, "checkout")
    def _before_it_is_lent(*_: object) -> None:
        file.require()


def _teach_sqlite(engine: Engine, turn: Turn, patience: Patience) -> None:
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={round(patience.lock * 1000)}",
        "foreign_keys=ON",
        # What a statement puts together on its way is a batch at most, and must not need room on another disk.
        "temp_store=MEMORY",
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by itself: `_begin` below does, in the right mode.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "handle_error")
    def _name_the_file(context: ExceptionContext) -> BaseException | None:
        return file_fault(engine.url, context.original_exception)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("living_readonly"):
            connection.exec_driver_sql("BEGIN")
            return
        try:
            # Whoever has the turn is one of us and will come to its end; another process may not.
            raw(connection).begin_writing(turn, patience.statement or patience.lock)
        except sqlite3.Error as error:
            fault = file_fault(engine.url, error)
            raise fault or OperationalError("BEGIN IMMEDIATE", None, error, hide_parameters=True) from error


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database for the length of a `with` block."""
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
