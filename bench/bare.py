"""The bare route: the least that can keep a decision, as the peer of the platform's votes in a contention run.

A `def` route of a FastAPI app behind the platform's token check, under the platform's uvicorn settings. Each request is
one INSERT and one COMMIT that is on the disk when the answer goes out: on PostgreSQL over a pool as large as the
platform's, on SQLite, which has one writer at a time, over one connection.
"""

from __future__ import annotations

import math
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
from fastapi import FastAPI
from psycopg import connect
from psycopg_pool import ConnectionPool
from pydantic import BaseModel
from sqlalchemy.engine import make_url

from bench.corpus import ROOT
from shared.errors import Unavailable
from shared.http import connections
from shared.http.auth import Known, Reviewer
from shared.keys.file import open_ring
from shared.keys.ring import KeyRing
from shared.settings import Settings
from shared.withdrawn import Withdrawn

_COLUMNS = "person TEXT NOT NULL, task TEXT NOT NULL, answer TEXT NOT NULL, cast_at TEXT NOT NULL"

#: Lends a connection; what was done over it is committed when the block ends well.
Lend = Callable[[], AbstractContextManager[Any]]


class Decision(BaseModel):
    """What a client sends."""

    task: str
    answer: str


def build(lend: Lend, mark: str, key: KeyRing) -> FastAPI:
    """The app; `mark` is the database's sign for a parameter."""
    app = FastAPI()
    # All that the token check asks for.
    app.state.known, app.state.withdrawn = Known(key), Withdrawn()
    app.state.withdrawn.know_all(math.inf)
    insert = f"INSERT INTO decisions (person, task, answer, cast_at) VALUES ({', '.join([mark] * 4)})"

    @app.post("/decisions")
    def decide(body: Decision, who: Reviewer) -> dict[str, bool]:
        with lend() as connection:
            connection.execute(insert, (who.id, body.task, body.answer, datetime.now(UTC).isoformat()))
        return {"kept": True}

    return app


@contextmanager
def serving(url: str, pool_size: int, folder: Path) -> Iterator[tuple[int, int]]:
    """The bare route in a process of its own, as (port, process id). Raises Unavailable when it does not start.

    `url` is SQLAlchemy's; `folder` holds the signing key of the platform that it stands beside.
    """
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.bare", url, str(pool_size), str(folder), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def kept(url: str) -> int:
    """How many decisions the route has kept."""
    where = make_url(url)
    opened = sqlite3.connect(where.database) if "sqlite" in where.drivername else connect(_plain(url))
    with closing(opened) as connection:
        return connection.execute("SELECT count(*) FROM decisions").fetchone()[0]


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    connection = httpx.HTTPTransport(retries=8)  # Waits half a second, one, two ... between tries to connect.
    with httpx.Client(transport=connection) as client:
        try:
            client.get(f"http://127.0.0.1:{port}/openapi.json", timeout=30)
        except httpx.TransportError as error:
            raise Unavailable(f"the bare route does not answer (exit code {process.poll()})") from error


def _postgresql(url: str, pool_size: int) -> Lend:
    durable = {"options": "-c synchronous_commit=on"}
    pool = ConnectionPool(_plain(url), min_size=pool_size, max_size=pool_size, open=True, kwargs=durable)
    with pool.connection() as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS decisions (id BIGSERIAL PRIMARY KEY, {_COLUMNS})")
    pool.wait()
    return pool.connection


def _sqlite(path: str) -> Lend:
    connection, turn = sqlite3.connect(path, check_same_thread=False), Lock()
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS decisions (id INTEGER PRIMARY KEY, {_COLUMNS})")

    @contextmanager
    def lend() -> Iterator[sqlite3.Connection]:
        with turn, connection:
            yield connection

    return lend


def _plain(url: str) -> str:
    """The address as libpq takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def main(url: str, pool_size: str, folder: str, port: str) -> None:
    settings = Settings(data_dir=Path(folder), port=int(port), _env_file=None)
    sqlite = "sqlite" in make_url(url).drivername
    lend = _sqlite(make_url(url).database or "") if sqlite else _postgresql(url, int(pool_size))
    app = build(lend, "?" if sqlite else "%s", open_ring(settings))
    connections.serve(app, settings, stopping=lambda: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
