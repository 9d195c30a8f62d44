"""A clock that cannot be read is something that is down: people are told 503, the parts say why and wait, and all goes
on when it shows a time again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.bus.port import Message
from shared.clock import FileClock
from shared.errors import Unavailable
from shared.events.synthesis import ReviewOverdue
from shared.runtime.platform import Platform
from shared.runtime.pruning import prune
from shared.service import Job
from shared.settings import Settings
from tests.toy import TOY, overdue
from tests.unit.shared.runtime.rig import PlatformRig, notes
from tests.waiting import eventually
from tests.workbench import Workbench

AT = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock(tmp_path) -> Path:
    FileClock.write(tmp_path / "clock", AT)
    return tmp_path / "clock"


@pytest.fixture
def bench(workbench, clock) -> Iterator[Workbench]:
    bench = workbench(TOY, retry_seconds=0.05)
    bench.platform.clock = bench.running.clock = FileClock(clock)
    bench.platform.event_log.create_topics()
    return bench


@pytest.mark.parametrize("shown", ["", "soon", "9999-12-31T23:59:59+00:00"])
def test_a_person_is_told_503_with_the_reason(bench, clock, shown):
    clock.write_text(shown)

    for answer in (bench.person().get("/toy/reviews/r/notes"), bench.person().post("/toy/reviews/r/notes")):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:living:problem:clock_unreadable" and str(clock) in answer.json()["detail"]

    FileClock.write(clock, AT)
    assert bench.person().post("/toy/reviews/r/notes").status_code == 200


@pytest.mark.waits
def test_the_listener_waits_says_why_and_sets_nothing_aside(bench, clock):
    message = Message(ReviewOverdue.topic, "r", bench.envelope(overdue("r")).to_json())
    bench.platform.event_log.append([message])
    clock.unlink()
    bench.running.listening.worker.start()
    eventually(lambda: "the clock cannot be read" in bench.running.listening.health())
    assert bench.running.waiting_dead_letters() == 0

    FileClock.write(clock, AT + timedelta(days=1))

    eventually(lambda: notes(bench.running) == {"r"})
    eventually(lambda: bench.running.listening.health() == "ok")
    assert bench.running.waiting_dead_letters() == 0


def test_a_job_waits_says_why_and_runs_when_it_can(bench, clock):
    job = Job(prune, timedelta(hours=1))
    clock.unlink()
    bench.running.run_job(job)
    assert "the clock cannot be read" in bench.running.health()["job prune"]

    FileClock.write(clock, AT)

    bench.running.run_job(job)
    assert "job prune" not in bench.running.health()


@pytest.mark.waits
def test_a_ready_platform_is_one_whose_clock_can_be_read(tmp_path, clock, workbench):
    with PlatformRig(tmp_path / "data", workbench).platform() as platform:
        eventually(lambda: platform.health.looked)
        assert platform.health.report()["toy"]["clock"] == "ok"
    settings = Settings(
        _env_file=None, data_dir=tmp_path / "data", scheduler=False, log_level="error", upgrade_at_start=False,
        clock=f"file:{clock}",
    )  # fmt: skip
    platform = Platform(settings, [TOY])
    try:
        platform.start()
        eventually(lambda: platform.health.looked)
        clock.unlink()
        seen = eventually(lambda: (seen := platform.health.report()["toy"]["clock"]) != "ok" and seen)
        assert str(clock) in seen
    finally:
        platform.stop()

    before = sorted((tmp_path / "data").iterdir())
    refused = Platform(settings, [TOY])
    try:
        with pytest.raises(Unavailable, match="the clock cannot be read"):
            refused.start()
    finally:
        refused.stop()
    assert [path for path in sorted((tmp_path / "data").iterdir()) if path.suffix == ".db"] == [
        path for path in before if path.suffix == ".db"
    ]
