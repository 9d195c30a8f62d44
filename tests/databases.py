"""Databases of real servers, made for one test and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import MetaData

from bench.databases import drop_database
from shared.db import migrate
from shared.db.engine import OF_REQUESTS, Database


@contextmanager
def made(url: str, tables: MetaData) -> Iterator[Database]:
    """A database with these tables; one of PostgreSQL is dropped at the end, a file is left to its folder."""
    database = Database(url, patience=OF_REQUESTS)
    try:
        migrate.ensure_database(database)
        tables.create_all(database.engine)
        yield database
    finally:
        database.close()
        if not database.sqlite:
            drop_database(url)
