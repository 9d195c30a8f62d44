"""Fixtures of the bus: a toy service on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.ids import new_id
from shared.service import Service
from tests.databases import drop_database
from tests.toy import TOY
from tests.unit.shared.bus.rig import ListenerRig


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def make_rig(request, workbench) -> Iterator[Callable[..., ListenerRig]]:
    """Makes rigs, each with a database of its own; they are closed before the databases are dropped."""
    rigs: list[ListenerRig] = []
    urls: list[str] = []

    def make(service: Service = TOY, **settings: object) -> ListenerRig:
        if request.param == "postgresql":
            url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
            urls.append(url.format(service=service.name))
            settings["database_url"] = url
        rig = ListenerRig(workbench(service, **{"retry_seconds": 0.01, "log_level": "error", **settings}))
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.close()
        rig.bench.running.database.close()
        rig.bench.running.requests.close()
    for url in urls:
        drop_database(url)


@pytest.fixture
def rig(make_rig) -> ListenerRig:
    return make_rig()
