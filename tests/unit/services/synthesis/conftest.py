"""Rooms on SQLite, and on PostgreSQL where a server is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.synthesis.room import Room, make_room


@pytest.fixture
def room(workbench) -> Room:
    return make_room(workbench)


@pytest.fixture
def room_of(workbench) -> Callable[..., Room]:
    """Makes rooms with the protocol given."""
    return lambda plan=None, **settings: make_room(workbench, plan, **settings)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def either_room(request, workbench) -> Iterator[Room]:
    """The same room on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield make_room(workbench)
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
    room = make_room(workbench, database_url=url)
    yield room
    room.bench.close()
    drop_database(url.format(service="synthesis"))
