"""Of an older journal only what had not been told waits after the upgrade, in its order, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import insert, select
from sqlalchemy.schema import MetaData

from services.catalog import SERVICES
from shared.db import migrate
from shared.db.engine import Database
from shared.db.tables import OutboxRow, WaitingRow, published
from shared.ids import new_id
from shared.service import Service
from tests.databases import drop_database

AT = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real)])
def url(request, tmp_path) -> Iterator[str]:
    """The address of one service's database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/{{service}}.db"
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
    yield url
    for service in SERVICES:
        drop_database(url.format(service=service.name))


#: Those that a release before had; what came later never was without.
OLD = [service for service in SERVICES if list(service.migrations.glob("*_what_waits_in_a_table_of_its_own.py"))]


@pytest.mark.parametrize("service", OLD, ids=lambda service: service.name)
def test_what_an_older_release_had_not_told_waits_and_nothing_else(service: Service, url):
    database = Database(url.format(service=service.name))
    migrate.ensure_database(database)
    (program,) = service.migrations.glob("*_what_waits_in_a_table_of_its_own.py")
    older = f"{int(program.name[:4]) - 1:04}"
    with database.engine.connect() as connection:
        command.upgrade(migrate._config(service, connection), older)
        tables = MetaData()
        tables.reflect(connection, only=["outbox"])
        rows = [
            {
                "event_id": f"evt_{number}", "correlation": "flow", "review": "r", "type": "a.b.c", "topic": "a.b",
                "key": "k", "payload": "{}", "recorded_at": AT, "published_at": None if number in (3, 5) else AT,
            }
            for number in range(1, 7)
        ]  # fmt: skip
        connection.execute(insert(tables.tables["outbox"]), rows)
        connection.commit()

    migrate.upgrade(database, service)

    with database.session() as session:
        waiting = session.execute(select(WaitingRow.event_id).order_by(WaitingRow.turn)).scalars().all()
        seen = session.execute(published().order_by(OutboxRow.seq)).scalars().all()
        assert waiting == ["evt_3", "evt_5"]
        assert [row.event_id for row in seen] == ["evt_1", "evt_2", "evt_4", "evt_6"]
    assert migrate.drift(database, service) == []
    database.close()
