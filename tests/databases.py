"""Databases as their models are; those of real servers made for one test, and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Dialect, MetaData
from sqlalchemy.schema import CreateIndex, CreateTable

from bench.databases import drop_database
from shared.db import migrate
from shared.db.engine import OF_REQUESTS, Database, opened
from shared.service import Service


def make_tables(database: Database, service: Service) -> None:
    """Makes a database with the tables of a service, those that are missing, and without its migrations (which have
    tests of their own). Half of what a test costs was working out the same statements, and running them, again."""
    file = Path(database.url.database or "")
    if database.sqlite and not file.exists():
        file.write_bytes(_empty_file(service))
        return
    migrate.ensure_database(database)
    _run_statements(database, service)


@cache
def _empty_file(service: Service) -> bytes:
    """A file of SQLite with the tables of a service and nothing in them."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        with opened(f"sqlite:///{file}") as database:
            _run_statements(database, service)
        return file.read_bytes()


def _run_statements(database: Database, service: Service) -> None:
    with database.engine.begin() as connection:
        for statement in _statements(service, type(database.engine.dialect)):
            connection.exec_driver_sql(statement)


@cache
def _statements(service: Service, dialect: type[Dialect]) -> list[str]:
    statements = [
        statement
        for table in migrate.merged_metadata(service).sorted_tables
        for statement in (
            CreateTable(table, if_not_exists=True),
            *(CreateIndex(index, if_not_exists=True) for index in sorted(table.indexes, key=lambda it: str(it.name))),
        )
    ]
    return [str(statement.compile(dialect=dialect())) for statement in statements]


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
