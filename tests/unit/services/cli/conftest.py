"""Fixtures of the command line: a folder of its own for each test, and `living ...` run in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from demo.replay.server import ReplayServer
from services.cli import app, context, printing
from services.protocol.manifest import SERVICE
from services.screening.manifest import SERVICE as SCREENING
from shared.bus.open import open_log
from shared.bus.relay import relay_once
from shared.db.engine import opened
from shared.db.tables import OutboxRow, WaitingRow
from shared.events.base import Envelope
from shared.events.ingest import Bibliography, RecordDiscovered, SourceRef
from shared.ids import new_id
from shared.keys.file import make
from tests.unit.services.screening.rig import ScreeningRig
from tests.unit.services.synthesis.rig import SynthesisRig, make_rig
from tests.workbench import Workbench

Run = Callable[..., Result]

LOG = "sqlite:data/log.db"


@pytest.fixture(autouse=True)
def nowhere(tmp_path, tmp_path_factory, monkeypatch) -> Iterator[None]:
    """No settings of whoever runs the tests, no platform, and a folder to make things in."""
    for name in [name for name in os.environ if name.startswith("LIVING_") and not name.startswith("LIVING_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVING_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    # The doctor leaves what does not answer in five seconds, as a busy machine may not.
    monkeypatch.setattr("services.cli.doctor.PATIENCE", 120)
    mask = os.umask(0o022)
    os.umask(mask)
    forget()
    yield
    os.umask(mask)
    forget()


@pytest.fixture
def run() -> Run:
    """Runs `living ...`; settings may change between two runs."""

    def run(*words: str, typed: str | None = None) -> Result:
        forget()
        return CliRunner().invoke(app, list(words), input=typed)

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


@dataclass
class Served:
    """A service that answers over HTTP at LIVING_URL, once it is put there."""

    bench: Workbench | None = None

    def token(self, name: str, role: str) -> str:
        """A token of a person, as LIVING_KEY takes it."""
        assert self.bench is not None, "no service is served yet"
        return self.bench.person(name, role).headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def serve(served, workbench, monkeypatch) -> Iterator[Callable[[Workbench], None]]:
    """Puts a workbench where the commands ask, until the test ends."""
    with ExitStack() as stack:

        def put(bench: Workbench) -> None:
            stack.enter_context(capture_logs())
            monkeypatch.setenv("LIVING_URL", stack.enter_context(ReplayServer(bench.app)).url)
            served.bench = bench

        yield put


@pytest.fixture
def screening_at(serve, workbench) -> Callable[..., ScreeningRig]:
    """Opens the screening rig with the stages given, where the commands ask."""

    def open_rig(*stages: Any, **changes: Any) -> ScreeningRig:
        rig = ScreeningRig(workbench(SCREENING), *stages, **changes)
        serve(rig.bench)
        return rig

    return open_rig


@pytest.fixture
def rig(serve, workbench) -> SynthesisRig:
    """The rig that synthesises a review, where the commands ask."""
    made = make_rig(workbench)
    serve(made.bench)
    return made


@pytest.fixture
def as_(run, served, monkeypatch) -> Run:
    """Runs `living ...` as someone, by their name and role."""

    def run_as(name: str, *words: str, role: str = "reviewer", typed: str | None = None) -> Result:
        monkeypatch.setenv("LIVING_KEY", served.token(name, role))
        return run(*words, typed=typed)

    return run_as


@pytest.fixture
def terminal(monkeypatch) -> Callable[[int | None], None]:
    """Makes what is printed go to a terminal of so many columns, or with None to another program."""

    def make(width: int | None) -> None:
        if width is not None:
            for name, value in (("_width", width), ("_force_terminal", True), ("_color_system", None)):
                monkeypatch.setattr(printing.out, name, value)

    return make


@pytest.fixture
def home(run, tmp_path):
    """The databases and the log of a stopped platform, in which ingest told of six records."""
    assert run("db", "upgrade").exit_code == 0
    make(Path("data/signing-key.pem"))
    with closing(open_log(LOG)) as log, opened("sqlite:///data/ingest.db") as database:
        log.create_topics()
        with database.session() as session:
            seen = [outbox_row(f"rec{number}") for number in range(6)]
            session.add_all([*seen, *(WaitingRow(event_id=row.event_id) for row in seen)])
            session.commit()
        assert relay_once(database, log, limit=10) == 6
    return tmp_path / "data"


def outbox_row(record: str) -> OutboxRow:
    about = Bibliography(title="Trust", published="2019", sources=[SourceRef(source="openalex", id="W1", run="run")])
    event = RecordDiscovered(review="r", record=record, revision=1, run="run", bibliography=about)
    now = datetime.now(UTC)
    envelope = Envelope(
        id=new_id("evt"), type=event.type, dataversion=1, source="living/ingest", subject=record,
        time=now.isoformat(), recordedtime=now.isoformat(), correlationid=record, causationid=None, actor="test",
        data=event.model_dump(mode="json"),
    )  # fmt: skip
    return OutboxRow(
        event_id=envelope.id, correlation=record, review="r", type=event.type, topic=event.topic, key=record,
        payload=envelope.to_json().decode(), recorded_at=now,
    )  # fmt: skip


def remove_log(folder: Path) -> None:
    for file in folder.glob("log.db*"):
        file.unlink()


def forget() -> None:
    """Lets the settings be read anew."""
    context.settings.cache_clear()
    context.given.cache_clear()


def data(result: Result):
    return json.loads(result.stdout)
