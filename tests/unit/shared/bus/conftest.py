"""Fixtures of the bus: a toy service on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.ids import new_id
from shared.service import Service
from tests.databases import drop_database
from tests.toy import TOY
from tests.unit.shared.bus.desk import Desk


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def make_desk(request, workbench) -> Iterator[Callable[..., Desk]]:
    """Makes desks, each with a database of its own; they are closed before the databases are dropped."""
    desks: list[Desk] = []
    urls: list[str] = []

    def make(service: Service = TOY, **settings: object) -> Desk:
        if request.param == "postgresql":
            url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
            urls.append(url.format(service=service.name))
            settings["database_url"] = url
        desk = Desk(workbench(service, **{"retry_seconds": 0.01, "log_level": "error", **settings}))
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        desk.close()
        desk.bench.running.database.close()
        desk.bench.running.requests.close()
    for url in urls:
        drop_database(url)


@pytest.fixture
def desk(make_desk) -> Desk:
    return make_desk()
