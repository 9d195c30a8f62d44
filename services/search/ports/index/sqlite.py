"""The search index in one SQLite file: FTS5 for the words, plain tables for dates, states and facets."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from services.search.domain import Document, Piece
from services.search.ports.index.pieces import PieceHit, PieceQuery, PieceResults, Pieces
from services.search.ports.index.port import DROPPED, OUTDATED, Hit, Query, Results, SearchIndex
from services.search.ports.index.sqlite_generation import Generation, drop_tables
from services.search.ports.index.words import FORM, Words
from shared.errors import Conflict, Invalid, Unavailable
from shared.storage import fault_of, unusable

#: Seconds to wait for another process's write.
PATIENCE = 30.0

_OLDEST_SQLITE = (3, 35)

#: Bytes of a page of a new file: many texts go in at once, which costs a seventh less than with SQLite's usual 4096.
_PAGE = 16384

#: `mark` names a generation also among those of a file that was lost; `form` is that of its tables and words.
_POINTER = """
CREATE TABLE IF NOT EXISTS generations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, analyzer TEXT NOT NULL, live INTEGER NOT NULL,
    mark TEXT, form TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_generation ON generations (name) WHERE live;
"""


class SqliteIndex:
    """One generation of the index when `generation` is given, otherwise whichever is live.

    Every call is one transaction on a connection of its own, so it sees one generation as it was at one
    instant. Several processes may share the file.
    """

    def __init__(self, path: Path, *, name: str, analyzer: str, generation: int | None = None) -> None:
        self._words = Words(analyzer)
        self._path, self._name, self._analyzer, self._generation = path, name, analyzer, generation
        self._connections = _Connections(path)

    def ready(self) -> None:
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise Invalid(f"SQLite is {sqlite3.sqlite_version}; the search index needs 3.35 or newer")
        self._make_file()
        with self._connections.transaction("IMMEDIATE") as db:
            row = self._find(db)
            if row is None:
                self._add_generation(db, live=True)
                return
            if row["analyzer"] != self._analyzer:
                raise Invalid(
                    f"the search index {self._name!r} was built with the analyzer {row['analyzer']!r}, the setting "
                    f"says {self._analyzer!r}: set it back, or rebuild the index"
                )

    def ping(self) -> None:
        with self._connections.transaction("DEFERRED") as db:
            self._row(db)

    def mark(self) -> str:
        with self._connections.transaction("DEFERRED") as db:
            return str(self._row(db)["mark"])

    def current(self) -> bool:
        with self._connections.transaction("DEFERRED") as db:
            return _is_current(self._row(db))

    def get(self, records: Collection[str]) -> dict[str, Document]:
        with self.reading() as generation:
            return generation.get(records)

    def put(self, documents: Iterable[Document]) -> set[str]:
        with self.writing() as generation:
            return generation.put(documents)

    def refresh(self) -> None:
        """Nothing to do: what is committed is found."""

    def search(self, query: Query) -> Results:
        with self.reading() as generation:
            return generation.search(query)

    def like(self, record: str, review: str, limit: int) -> list[Hit]:
        with self.reading() as generation:
            return generation.like(record, review, limit)

    def count(self, review: str | None = None) -> int:
        with self.reading() as generation:
            return generation.count(review)

    @property
    def pieces(self) -> Pieces:
        return _Pieces(self)

    def fresh(self) -> SqliteIndex:
        self._make_file()  # Also where it was lost while we run: then this one takes its place.
        with self._connections.transaction("IMMEDIATE") as db:
            generation = self._add_generation(db, live=False)
        return SqliteIndex(self._path, name=self._name, analyzer=self._analyzer, generation=generation)

    def swap(self, new: SearchIndex) -> None:
        if not isinstance(new, SqliteIndex) or new._generation is None:
            raise TypeError("swap takes what fresh() of the same index gave")
        with self._connections.transaction("IMMEDIATE") as db:
            chosen = new._current(db)
            others = "SELECT id FROM generations WHERE name = ? AND id <> ?"
            for (old,) in db.execute(others, [self._name, chosen.id]).fetchall():
                _remove_generation(db, old)
            db.execute("UPDATE generations SET live = 1 WHERE id = ?", [chosen.id])

    def drop(self) -> None:
        with self._connections.transaction("IMMEDIATE") as db:
            row = self._find(db)
            if row and (self._generation is None or not row["live"]):
                _remove_generation(db, row["id"])

    def close(self) -> None:
        self._connections.close()

    def _add_generation(self, db: sqlite3.Connection, *, live: bool) -> int:
        new = "INSERT INTO generations (name, analyzer, live, mark, form) VALUES (?, ?, ?, ?, ?) RETURNING id"
        id: int
        (id,) = db.execute(new, [self._name, self._analyzer, live, uuid.uuid4().hex, FORM]).fetchone()
        Generation(db, id, self._words).create()
        return id

    def _make_file(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(self._path, error) from error
        with self._connections.use("rwc") as db:
            _make_file(db)

    @contextmanager
    def reading(self) -> Iterator[Generation]:
        with self._connections.transaction("DEFERRED") as db:
            yield self._current(db)

    @contextmanager
    def writing(self) -> Iterator[Generation]:
        with self._connections.transaction("IMMEDIATE") as db:
            yield self._current(db)

    def _current(self, db: sqlite3.Connection) -> Generation:
        row = self._row(db)
        if not _is_current(row):
            raise Unavailable(OUTDATED)
        return Generation(db, row["id"], self._words)

    def _row(self, db: sqlite3.Connection) -> dict[str, Any]:
        row = self._find(db)
        if row is None and self._generation is None:
            raise Unavailable(f"there is no search index {self._name!r} in {self._path}: rebuild it")
        if row is None:
            raise Conflict(DROPPED)
        return row

    def _find(self, db: sqlite3.Connection) -> dict[str, Any] | None:
        """The row of the generation that this object stands for, as long as it is there."""
        where, value = ("name = ? AND live", self._name) if self._generation is None else ("id = ?", self._generation)
        names = ("id", "analyzer", "live", "mark", "form")
        row = db.execute(f"SELECT {', '.join(names)} FROM generations WHERE {where}", [value]).fetchone()
        return row and dict(zip(names, row, strict=True))


class _Pieces:
    """The pieces of an index, each call in a transaction of its own."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def get(self, pieces: Collection[str]) -> dict[str, Piece]:
        with self._index.reading() as generation:
            return generation.pieces.get(pieces)

    def put(self, pieces: Iterable[Piece]) -> set[str]:
        with self._index.writing() as generation:
            return generation.pieces.put(pieces)

    def search(self, query: PieceQuery) -> PieceResults:
        with self._index.reading() as generation:
            return generation.pieces.search(query)

    def like(self, piece: str, review: str, limit: int) -> list[PieceHit]:
        with self._index.reading() as generation:
            return generation.pieces.like(piece, review, limit)


def _is_current(row: dict[str, Any]) -> bool:
    return bool(row["form"] == FORM)


class _Connections:
    """Open connections to the file; one is used by one caller at a time. Raises Unavailable for what SQLite raises."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._closed = path, Lock(), False
        #: Each with which file it is one to.
        self._idle: list[tuple[sqlite3.Connection, tuple[int, int]]] = []

    @contextmanager
    def transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        with self.use() as db:
            db.execute(f"BEGIN {kind}")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def use(self, mode: str = "rw") -> Iterator[sqlite3.Connection]:
        """Lends a connection; only the mode `rwc` makes the file."""
        try:
            db, file = self._take(mode)
            try:
                yield db
            finally:
                self._give_back(db, file)
        except sqlite3.DatabaseError as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop()[0].close()

    def _take(self, mode: str) -> tuple[sqlite3.Connection, tuple[int, int]]:
        """A connection to the file that is there now, and which one that is. A connection to a file that was removed
        would still take every document, and keep none."""
        file = self._file() if mode == "rw" else None
        with self._lock:
            if self._closed:
                raise Unavailable(f"the search index in {self._path} is closed")
            while self._idle:
                db, its = self._idle.pop()
                if its == file:
                    return db, its
                db.close()
        uri = f"file:{quote(str(self._path))}?mode={mode}"
        db = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA temp_store = MEMORY")  # No room on another disk is needed.
        return db, self._file()

    def _file(self) -> tuple[int, int]:
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise Unavailable(
                f"the search index {self._path} is not there ({error.strerror}): put it back, or run `living search "
                "rebuild`"
            ) from error
        return status.st_dev, status.st_ino

    def _unavailable(self, error: sqlite3.DatabaseError) -> Unavailable:
        fault = fault_of(self._path, error)
        if fault is None:
            return Unavailable(f"the search index in {self._path}: {error}")
        mend = (
            ". Stop the platform, move the file away with what lies beside it under its name (-wal, -shm), start it "
            "again, and run `living search rebuild`: the log has all that was in it"
        )
        return Unavailable(f"the search index {fault.detail}{mend if fault.damaged else ''}", slug=fault.slug)

    def _give_back(self, db: sqlite3.Connection, file: tuple[int, int]) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append((db, file))
                return
        db.close()


def _make_file(db: sqlite3.Connection) -> None:
    if not db.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone():
        raise Invalid("this Python's SQLite lacks FTS5, which the search index needs: use another build of Python")
    db.execute(f"PRAGMA page_size = {_PAGE}")
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(f"BEGIN IMMEDIATE; {_POINTER} COMMIT;")
    _mark_what_has_none(db)


def _mark_what_has_none(db: sqlite3.Connection) -> None:
    """A file of a release before marks and forms gets them, its generations a mark each and no form."""
    for column in ("mark", "form"):
        if not db.execute("SELECT 1 FROM pragma_table_info('generations') WHERE name = ?", [column]).fetchone():
            with suppress(sqlite3.OperationalError):  # Another process was faster.
                db.execute(f"ALTER TABLE generations ADD COLUMN {column} TEXT")
    db.execute("UPDATE generations SET mark = lower(hex(randomblob(16))) WHERE mark IS NULL")


def _remove_generation(db: sqlite3.Connection, id: int) -> None:
    drop_tables(db, id)
    db.execute("DELETE FROM generations WHERE id = ?", [id])
