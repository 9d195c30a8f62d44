"""What the release before would have left behind: the databases and the log of a play, made as they were."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command

from services.catalog import SERVICES
from shared.db import migrate
from shared.db.engine import opened
from tests.flows.profiles import Profile

#: At which migration each database of the release before stood.
#: That of `people` is that it had none.
BEFORE = {
    "protocol": "0003",
    "ingest": "0003",
    "screening": "0004",
    "synthesis": "0004",
    "search": "0003",
    "notify": "0003",
}


def make_older(profile: Profile, folder: Path) -> None:
    """Makes of databases and log what the release before would have left."""
    settings = profile.settings(folder)
    for service in SERVICES:
        if service.name not in BEFORE:
            continue
        with (
            opened(settings.resolved(settings.database_url, service.name)) as database,
            database.engine.connect() as connection,
        ):
            # What was heard of services that there were not.
            connection.exec_driver_sql("DELETE FROM heard_up_to WHERE topic LIKE 'people.%'")
            connection.exec_driver_sql("DELETE FROM heard_types WHERE type LIKE 'people.%'")
            command.downgrade(migrate._config(service, connection), BEFORE[service.name])
            connection.commit()
    if settings.embedded:
        for path in folder.glob("people.db*"):
            path.unlink()
        with closing(sqlite3.connect(folder / "log.db", isolation_level=None)) as log:
            topics = "(SELECT id FROM topic WHERE name LIKE 'people.%')"
            for table in ("message", "partition", "member", "claim"):
                log.execute(f"DELETE FROM {table} WHERE topic IN {topics}")
            log.execute("DELETE FROM topic WHERE name LIKE 'people.%'")
            for table in ("member", "claim"):
                log.execute(f"DELETE FROM {table} WHERE \"group\" = 'people'")
            log.execute("ALTER TABLE message DROP COLUMN headers")
            log.execute("PRAGMA user_version = 1")
