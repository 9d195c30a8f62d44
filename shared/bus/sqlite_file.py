"""The file under the SQLite log: connections to it, and its troubles told as LogUnavailable."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from shared.bus.sqlite_tables import TABLES, UPGRADES, VERSION
from shared.errors import LogUnavailable
from shared.retrying import retrying
from shared.storage import fault_of

#: Bytes of a page of a new file. Two messages of records share one, where each took a page of SQLite's usual 4096.
_PAGE = 8192


class _EarlierVersion(sqlite3.DatabaseError):
    """A file that nothing is wrong with, but for its age."""


class LogFile:
    """One connection to the log's file, opened at its first use, and again after trouble or replacement.

    `patience` is how many seconds to wait for the transaction of another process.
    """

    def __init__(self, path: Path, patience: float, *, synchronous: str = "FULL") -> None:
        self._path, self._patience, self._synchronous = path, patience, synchronous
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lends the connection to one thread at a time. Raises LogUnavailable with SQLite's reason."""
        with self._lock:
            try:
                yield self._connection()
            except sqlite3.Error as error:
                self._drop()
                raise self._unavailable("used now", error) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lends the connection with a transaction, which is durable at the end or leaves nothing behind."""
        with self.reading() as db, transaction(db):
            yield db

    def is_made(self) -> bool:
        """Whether the file is there with anything in it. Raises LogUnavailable for what is no database."""
        try:
            if self._path.stat().st_size == 0:
                return False
            with closing(self._connect("rw")) as db:
                return not _is_empty(db)
        except FileNotFoundError:
            return False
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable("looked at", error) from error

    def upgrade(self) -> None:
        """Makes a file of an earlier version one of ours, and none where there is none. Raises LogUnavailable."""
        if not self.is_made():
            return
        try:
            with closing(self._connect("rw")) as db:
                # Of processes that come at once one does it.
                while _version(db) in UPGRADES:
                    with transaction(db):
                        for statement in UPGRADES.get(_version(db), ()):
                            db.execute(statement)
        except sqlite3.Error as error:
            raise self._unavailable("upgraded", error) from error

    def create(self) -> None:
        """Makes the file and its tables where they are not. Raises LogUnavailable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect("rwc")) as db:
                if not _is_empty(db):
                    _check_version(db)
                db.execute(f"PRAGMA page_size = {_PAGE}")
                self._make_wal(db)
                with transaction(db):
                    if _is_empty(db):
                        for statement in TABLES:
                            db.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable("created", error) from error

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _unavailable(self, what: str, error: OSError | sqlite3.Error) -> LogUnavailable:
        """Says what is wrong with the file; its `slug` is that of the fault, where there is one."""
        fault = fault_of(self._path, error)
        if fault is None:
            if isinstance(error, _EarlierVersion):
                return LogUnavailable(f"the event log {self._path} cannot be {what}: {error}", slug="log_of_earlier")
            locked = getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            reason = f"the event log {self._path} cannot be {what}: {error}"
            return LogUnavailable(reason, slug="log_locked" if locked else None)
        return LogUnavailable(f"the event log {fault.detail}", slug=fault.slug)

    def _connection(self) -> sqlite3.Connection:
        # An open connection to a file that was removed would still take every message, and keep none.
        try:
            status = os.stat(self._path)
        except FileNotFoundError as error:
            self._drop()
            raise LogUnavailable(
                f"the event log {self._path} is not there ({error.strerror}): put it back, or create its topics"
            ) from error
        except OSError as error:
            self._drop()
            raise self._unavailable("used now", error) from error
        if self._db is None or self._identity != (status.st_dev, status.st_ino):
            self._drop()
            self._db, self._identity = self._open(), (status.st_dev, status.st_ino)
        return self._db

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        db = self._connect("rw")
        try:
            db.execute(f"PRAGMA synchronous = {self._synchronous}")
            db.execute("PRAGMA temp_store = MEMORY")  # No room on another disk is needed.
            _check_version(db)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _connect(self, mode: str) -> sqlite3.Connection:
        """A connection without transactions of its own making, which any one thread at a time may use."""
        return sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )

    def _make_wal(self, db: sqlite3.Connection) -> None:
        """Lets readers go on while someone writes. SQLite does not wait for other processes here, so we do."""
        locked = retrying(
            lambda error: isinstance(error, sqlite3.OperationalError), lambda tries, error: 0.01, seconds=self._patience
        )
        locked(db.execute, "PRAGMA journal_mode = WAL")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """A writing transaction: begins at once, so that it never finds its snapshot out of date later."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        yield


def _is_empty(db: sqlite3.Connection) -> bool:
    row: tuple[int] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return row == (0,)


def _version(db: sqlite3.Connection) -> int:
    version: int
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return version


def _check_version(db: sqlite3.Connection) -> None:
    if _version(db) != VERSION:
        if _version(db) in UPGRADES:
            raise _EarlierVersion("it is an earlier release's: a start of the platform makes it one of this release")
        raise sqlite3.DatabaseError(f"it is not an event log of version {VERSION}")
