"""Fixtures of ingest: a bench on each database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shared.ids import new_id
from tests.databases import drop_database
from tests.unit.services.ingest.rig import IngestBench


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Each database, as it is set; None is SQLite's own."""
    if request.param == "sqlite":
        yield None
        return
    url = request.getfixturevalue("real_postgres_url").format(database=new_id("test") + "_{service}")
    try:
        yield url
    finally:
        drop_database(url.format(service="ingest"))


@contextmanager
def opened(folder: Any, database_url: str | None, **settings: Any) -> Iterator[IngestBench]:
    """A bench on a database, its sources empty."""
    made = IngestBench(folder, **settings, **({"database_url": database_url} if database_url else {}))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def bench(database_url: str | None, tmp_path: Any) -> Iterator[IngestBench]:
    """Ingest on each database, its sources empty."""
    with opened(tmp_path, database_url) as made:
        yield made
