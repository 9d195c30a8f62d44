"""The rules of import in pyproject.toml are true walls: each is shown to catch what breaks it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.waits

ROOT = Path(__file__).parent.parent.parent
SERVICES = ("people", "protocol", "ingest", "screening", "synthesis", "search", "notify")


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """A copy of the code, in which walls may be broken."""
    folder = tmp_path_factory.mktemp("walls")
    for name in ("services", "shared", "demo"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken(copied: Path) -> set[str]:
    """The names of the contracts that do not hold there."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    seen = subprocess.run(
        command, cwd=copied, capture_output=True, text=True, env={"PYTHONPATH": str(copied), "COLUMNS": "400"}
    )
    assert "Contracts: " in seen.stdout, seen.stdout + seen.stderr
    return {line.partition(" BROKEN")[0].split(":")[0] for line in seen.stdout.splitlines() if " BROKEN" in line}


#: What is planted where, and the beginning of the name of the contract that must catch it.
PLANTED = [
    ("shared/db/engine.py", "import shared.http.route", "Inside shared"),
    ("shared/events/base.py", "import shared.db.engine", "Inside shared"),
    ("shared/bus/consumer.py", "import shared.service", "Inside shared"),
    ("shared/bus/consumer.py", "import shared.runtime.running", "Inside shared"),
    ("shared/service.py", "import shared.runtime.running", "Inside shared"),
    ("shared/db/work.py", "import shared.blobs.port", "Inside shared"),
    ("shared/blobs/rows.py", "import shared.bus.port", "Inside shared"),
    ("shared/bus/relay.py", "import shared.blobs.port", "Inside shared"),
    ("shared/blobs/names.py", "import shared.service", "Inside shared"),
    ("shared/blobs/port.py", "import starlette", "What keeps and carries knows nothing of the web"),
    ("shared/http/route.py", "import shared.client", "Inside shared"),
    ("shared/errors.py", "import shared.ids", "Inside shared"),
    ("shared/settings.py", "import shared.logging", "Inside shared"),
    ("shared/client/http.py", "import shared.db.engine", "A client knows what travels, and nothing of how it is kept"),
    ("shared/db/engine.py", "import fastapi", "What keeps and carries knows nothing of the web"),
    ("shared/bus/relay.py", "import httpx", "What keeps and carries knows nothing of the web"),
    ("shared/events/base.py", "import sqlalchemy", "Domains, events and what travels reach no framework"),
    ("services/ingest/domain/words.py", "import httpx", "Domains, events and what travels reach no framework"),
    ("services/screening/domain/dates.py", "import shared.service", "Domains, events and what travels reach no fra"),
    ("services/synthesis/domain/states.py", "import shared.db.work", "Domains, events and what travels reach no fra"),
    ("services/screening/store/records.py", "import services.screening.reactions.records", "Inside a service"),
    ("services/screening/store/votes.py", "import services.screening.views", "Inside a service"),
    ("services/synthesis/models.py", "import services.synthesis.store", "Inside a service"),
    ("services/synthesis/commands/drafts.py", "import services.synthesis.jobs", "Inside a service"),
    ("services/notify/commands.py", "import services.notify.reactions", "Inside a service"),
    ("services/search/domain.py", "import services.search.ports.index.port", "Inside a service"),
    ("services/ingest/ports/sources/port.py", "import services.ingest.models", "Inside a service"),
    ("services/ingest/api/runs.py", "import services.ingest.manifest", "Inside a service"),
    ("services/ingest/store/records.py", "import services.screening.domain", "Services"),
    ("services/protocol/store.py", "import services.catalog", "Services"),
    ("shared/db/engine.py", "import services.catalog", "The command line stands above the demo"),
    ("services/app.py", "import demo.run", "The command line stands above the demo"),
    ("services/search/api.py", "import elasticsearch", "Only the Elasticsearch index knows elasticsearch"),
    ("shared/bus/relay.py", "import kafka", "Only the Kafka log knows kafka"),
]


@pytest.fixture
def planted(copied, request) -> Iterator[Path]:
    """The copy with one import more."""
    file, line = copied / request.param[0], request.param[1]
    before = file.read_text()
    file.write_text(f"{before}\n{line}\n")
    yield copied
    file.write_text(before)


def test_the_walls_hold_in_what_stands(copied):
    assert broken(copied) == set()


@pytest.mark.parametrize(
    ("planted", "wall"),
    [((file, line), wall) for file, line, wall in PLANTED],
    indirect=["planted"],
    ids=[f"{file}: {line}" for file, line, _ in PLANTED],
)
def test_a_planted_import_is_caught(planted, wall):
    assert any(name.startswith(wall) for name in broken(planted))


@pytest.mark.parametrize(
    "where", ["shared/attic.py", "services/attic.py", *(f"services/{it}/attic.py" for it in SERVICES)]
)
def test_a_module_that_no_layer_names_is_caught(copied, where):
    (copied / where).write_text("")
    try:
        assert broken(copied)
    finally:
        (copied / where).unlink()
