"""Looking: into the databases and files of a platform without writing a byte, whether it runs or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.private import sqlite_file

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlmodel import Session

#: Seconds that a server may take to answer.
PATIENCE = 5


@dataclass(frozen=True)
class Looked:
    """A database that is only read; has what `shared.db.migrate` asks of one."""

    engine: Engine

    def session(self, *, readonly: bool = True) -> Session:
        """As a database that is open has it."""
        from sqlmodel import Session

        return Session(self.engine)


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that can write nothing, to a file that is there. Raises sqlite3.Error."""
    # A file that nobody has open has no write-ahead log; said to be immutable, it gets none.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?{mode}", uri=True, timeout=PATIENCE, check_same_thread=False
    )


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in an SQLite file. Raises sqlite3.Error."""
    with closing(read_only(path)) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def looked_into(url: str) -> Iterator[Looked | None]:
    """A service's database, to be read; None where there is none. Raises what the driver raises."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    path = sqlite_file(url)
    if path is not None:
        engine = create_engine("sqlite://", creator=lambda: read_only(path))
    else:
        engine = create_engine(url, connect_args={"connect_timeout": PATIENCE})
    try:
        if path is not None and not path.is_file():
            yield None
            return
        try:
            engine.connect().close()
        except OperationalError as error:
            if "does not exist" not in str(error.orig):
                raise
            yield None
            return
        yield Looked(engine)
    finally:
        engine.dispose()
