"""Databases of real servers, made for one test and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.engine import make_url

from shared.db import migrate
from shared.db.engine import OF_REQUESTS, Database


def drop_database(url: str) -> None:
    """Drops the PostgreSQL database that `url` names, whoever is still connected."""
    name = make_url(url).database
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    engine.dispose()


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
