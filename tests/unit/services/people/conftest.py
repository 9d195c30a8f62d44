"""Fixtures of people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.people.rig import PeopleBench


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def bench(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[PeopleBench]:
    """People on each database."""
    if request.param == "sqlite":
        made = PeopleBench(tmp_path)
        yield made
        made.close()
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("test") + "_{service}")
    made = PeopleBench(tmp_path, database_url=url)
    try:
        yield made
    finally:
        made.close()
        drop_database(url.format(service="people"))
