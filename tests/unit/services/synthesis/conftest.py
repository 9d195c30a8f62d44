"""Rigs on SQLite, and on PostgreSQL where a server is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.synthesis.rig import SynthesisRig, make_rig


@pytest.fixture
def rig(workbench) -> SynthesisRig:
    return make_rig(workbench)


@pytest.fixture
def rig_of(workbench) -> Callable[..., SynthesisRig]:
    """Makes rigs with the protocol given."""
    return lambda plan=None, **settings: make_rig(workbench, plan, **settings)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def either_rig(request, workbench) -> Iterator[SynthesisRig]:
    """The same rig on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield make_rig(workbench)
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
    rig = make_rig(workbench, database_url=url)
    yield rig
    rig.bench.close()
    drop_database(url.format(service="synthesis"))
