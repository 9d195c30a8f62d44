"""rigs on SQLite, and on PostgreSQL where a server is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.screening.rig import PatientRig, ScreeningRig, make_bench

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)]


@pytest.fixture
def rig_of(tmp_path) -> Iterator[Callable[..., ScreeningRig]]:
    """Makes rigs with the stages given (two by default), and clears them away."""
    made: list[ScreeningRig] = []

    def make(*stages: dict[str, Any], settings: dict[str, Any] | None = None, **changes: Any) -> ScreeningRig:
        made.append(ScreeningRig(make_bench(tmp_path / f"rig{len(made)}", **(settings or {})), *stages, **changes))
        return made[-1]

    yield make
    for rig in made:
        rig.bench.close()


@pytest.fixture
def rig(rig_of) -> ScreeningRig:
    return rig_of()


@pytest.fixture(params=BOTH)
def settings(request, tmp_path) -> Iterator[dict[str, Any]]:
    """Settings of either database; the real one is dropped after the test."""
    if request.param == "sqlite":
        yield {}
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("t") + "_{service}")
    yield {"database_url": url}
    drop_database(url.format(service="screening"))


@pytest.fixture
def either_rig(settings, tmp_path) -> Iterator[ScreeningRig]:
    """The same rig on SQLite and on PostgreSQL."""
    made = PatientRig(make_bench(tmp_path / "either", **settings))
    yield made
    made.bench.close()
