"""The schedule runs each work at its interval, and never one twice at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from shared.runtime import schedule as schedules
from shared.runtime.schedule import Schedule
from tests.waiting import eventually

pytestmark = pytest.mark.waits


@pytest.fixture
def planned() -> Iterator[Callable[..., Schedule]]:
    """Starts schedules of some works, and stops them."""
    made: list[Schedule] = []

    def planned(*works: Callable[[], None], seconds: float = 0.02) -> Schedule:
        made.append(Schedule())
        for number, work in enumerate(works):
            made[-1].every(seconds, work, f"work {number}")
        made[-1].start()
        return made[-1]

    yield planned
    for schedule in made:
        schedule.stop()


def test_work_runs_again_and_again(planned):
    runs: list[float] = []
    begun = time.monotonic()
    planned(lambda: runs.append(time.monotonic()), seconds=0.05)
    eventually(lambda: len(runs) >= 5)
    # One that comes late is followed sooner, but none comes before its time.
    assert runs[4] - begun >= 4 * 0.05


def test_long_work_holds_up_no_other_and_is_not_run_twice_at_once(planned):
    go_on, begun, others = Event(), [], []

    def long() -> None:
        begun.append(1)
        go_on.wait(120)

    planned(long, lambda: others.append(1))
    eventually(lambda: len(others) >= 20)
    assert len(begun) == 1
    go_on.set()
    eventually(lambda: len(begun) >= 2)


def test_stopping_waits_for_what_runs_and_begins_nothing_more(planned):
    begun, ended = Event(), []

    def work() -> None:
        begun.set()
        time.sleep(0.3)
        ended.append(1)

    schedule = planned(work)
    assert begun.wait(120)
    schedule.stop()
    done = len(ended)
    assert done >= 1
    time.sleep(0.1)
    assert len(ended) == done


def test_one_that_was_never_started_is_stopped(planned):
    Schedule().stop()


def test_what_a_clock_that_was_set_back_puts_off_by_a_day_is_planned_anew(planned, monkeypatch):
    runs: list[int] = []
    schedule = planned(lambda: runs.append(1), seconds=0.05)
    eventually(lambda: runs)

    # What a scheduler that goes by the wall clock has planned, once that clock shows yesterday.
    schedule._scheduler.get_job("work 0").modify(next_run_time=datetime.now(UTC) + timedelta(days=1))
    time.sleep(0.2)
    before = len(runs)
    monkeypatch.setattr(schedules.time, "time", lambda real=time.time: real() - 86_400)

    eventually(lambda: len(runs) > before)
