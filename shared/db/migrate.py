"""Migrations: brings one service's database to the newest schema, and says when the models have drifted."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path
from typing import Protocol

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from shared.db.engine import Database
from shared.db.tables import BlobBase, BusBase

_SCRIPTS = Path(__file__).parent / "alembic"


class Schema(Protocol):
    """What one database holds beside the tables that all have: its tables, the folder of their migrations, and whether
    its service keeps blobs."""

    @property
    def tables(self) -> MetaData: ...

    @property
    def migrations(self) -> Path: ...

    @property
    def blobs(self) -> bool: ...


class HasEngine(Protocol):
    """What is asked of a database that is only read."""

    @property
    def engine(self) -> Engine: ...


def upgrade(database: Database, schema: Schema) -> None:
    """Creates the database when the server lacks it, and applies every migration it has not seen."""
    ensure_database(database)
    if current(database) == _newest(schema.migrations):
        return  # Most starts are of a database that is so; to look through all migrations takes longer than the rest.
    with database.engine.connect() as connection:
        command.upgrade(_config(schema, connection), "head")
        connection.commit()


def write_revision(database: Database, schema: Schema, message: str) -> None:
    """Writes a migration for what the models have and the database lacks (for developers)."""
    with database.engine.connect() as connection:
        number = len(list(schema.migrations.glob("[0-9]*.py"))) + 1
        command.revision(_config(schema, connection), message=message, autogenerate=True, rev_id=f"{number:04}")


def current(database: HasEngine) -> str | None:
    """The revision a database is at; None when it was never upgraded."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head(schema: Schema) -> str | None:
    """The newest revision of a schema."""
    return _newest(schema.migrations)


@cache
def _newest(migrations: Path) -> str | None:
    return ScriptDirectory.from_config(_scripts(migrations)).get_current_head()


def drift(database: HasEngine, schema: Schema) -> list[object]:
    """The differences between the models and the database, as Alembic lists them; empty when there are none."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences: list[object] = compare_metadata(context, merged_metadata(schema))
        return differences


def merged_metadata(schema: Schema) -> MetaData:
    """All tables of a service's database: the bus's, those of blobs where it keeps any, and its own."""
    merged = MetaData()
    kept = [BlobBase.metadata] if schema.blobs else []
    for metadata in (BusBase.metadata, *kept, schema.tables):
        for table in metadata.sorted_tables:
            table.to_metadata(merged)
    return merged


def _scripts(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("version_locations", str(migrations))
    config.set_main_option("path_separator", "newline")
    return config


def _config(schema: Schema, connection: Connection) -> Config:
    config = _scripts(schema.migrations)
    config.attributes.update(connection=connection, metadata=merged_metadata(schema))
    return config


def ensure_database(database: Database) -> None:
    """Creates the database on a PostgreSQL server that lacks it; SQLite makes its file by itself."""
    if database.sqlite:
        return
    engine = create_engine(database.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    known = text("SELECT 1 FROM pg_database WHERE datname = :name")
    name = database.url.database or ""
    quoted = engine.dialect.identifier_preparer.quote_identifier(name)
    try:
        with engine.connect() as connection:
            if connection.execute(known, {"name": name}).first() is None:
                # Another process may create it in between; then it is there, which is all we want.
                with contextlib.suppress(ProgrammingError, IntegrityError):
                    connection.execute(text(f"CREATE DATABASE {quoted}"))
    finally:
        engine.dispose()
