"""Fixtures that every suite shares: the real servers and the recorded answers, where they are given."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from shared.service import Service
from tests.workbench import Workbench

ROOT = Path(__file__).parent.parent

#: The seed of a random run (`make fuzz`); what decides on a change must decide the same twice, and has none.
SEED = os.environ.get("LIVING_TEST_RANDOM", "")

# Machines are shared and slow at times, which is no fault of the code.
settings.register_profile(
    "same",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "random", settings.get_profile("same"), derandomize=False, max_examples=2_000, print_blob=True
)
settings.load_profile("random" if SEED else "same")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: to look through it for garbage again and again took a fifth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 5)


def pytest_report_header() -> str:
    if SEED:
        return f"random run: `make fuzz SEED={SEED}` does the same again"
    return "no chance in it: the same examples every time (`make fuzz` looks for others)"


# A traceback with every local value, as structlog prints it unasked, takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def _given(variable: str, what: str) -> str:
    """The address of a real server; skips where it is not given, and fails where it must be."""
    url = os.environ.get(variable, "")
    if not url:
        seen = f"real {what} not given ({variable})"
        if os.environ.get("LIVING_TEST_REQUIRE_REAL") == "1":
            pytest.fail(seen)
        pytest.skip(seen)
    return url


@pytest.fixture(scope="session")
def real_kafka_url() -> str:
    return _given("LIVING_TEST_KAFKA_URL", "Kafka")


@pytest.fixture(scope="session")
def real_postgres_url() -> str:
    """With `{database}` in it."""
    return _given("LIVING_TEST_POSTGRES_URL", "PostgreSQL")


@pytest.fixture(scope="session")
def real_search_url() -> str:
    return _given("LIVING_TEST_SEARCH_URL", "Elasticsearch")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of recorded answers."""
    folder = Path(os.environ.get("LIVING_REALDATA") or ROOT.parent / "shared" / "realdata")
    if not folder.is_dir():
        pytest.skip(f"recorded answers not given: {folder} is not a folder (LIVING_REALDATA)")
    return folder


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Callable[..., Workbench]]:
    """Makes workbenches, and clears them away."""
    made: list[Workbench] = []

    def make(service: Service, **settings: object) -> Workbench:
        bench = Workbench(service, tmp_path / f"bench{len(made)}", **settings)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder in which every user may make files: those of pytest let nobody else in."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)
