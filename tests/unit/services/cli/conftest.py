"""Fixtures of the command line: a folder of its own for each test, and `living ...` run in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from services.cli import app, context
from services.ingest.replay.server import ReplayServer
from services.protocol.manifest import SERVICE
from tests.workbench import Workbench

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch) -> Iterator[None]:
    """No settings of whoever runs the tests, no platform, and a folder to make things in."""
    for name in [name for name in os.environ if name.startswith("LIVING_") and not name.startswith("LIVING_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVING_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "80")
    mask = os.umask(0o022)
    os.umask(mask)
    forget()
    yield
    os.umask(mask)
    forget()


@pytest.fixture
def run() -> Run:
    """Runs `living ...`; settings may change between two runs."""

    def run(*words: str) -> Result:
        forget()
        return CliRunner().invoke(app, list(words))

    return run


@pytest.fixture
def protocol(tmp_path, monkeypatch) -> Iterator[Workbench]:
    """The protocol service, answering over HTTP at LIVING_URL, its key in the data folder."""
    bench = Workbench(SERVICE, tmp_path / "data")
    try:
        # What the service logs would stand among what the command prints.
        with capture_logs(), ReplayServer(bench.app) as server:
            monkeypatch.setenv("LIVING_URL", server.url)
            yield bench
    finally:
        bench.close()


def forget() -> None:
    """Lets the settings be read anew."""
    context.settings.cache_clear()
    context.given.cache_clear()


def data(result: Result):
    return json.loads(result.stdout)
