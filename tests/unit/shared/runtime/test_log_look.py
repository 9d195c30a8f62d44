"""What is unread is looked at by partition, told as numbers without asking the log, and watched over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.bus.port import Message
from shared.errors import LogUnavailable
from shared.events.synthesis import ReviewOverdue
from shared.runtime import log_metrics
from shared.runtime.watchdog import Watchdog
from tests.toy import TOY, overdue
from tests.unit.shared.runtime.rig import heard, notes
from tests.waiting import eventually
from tests.workbench import Workbench


@pytest.fixture
def bench(workbench) -> Workbench:
    bench = workbench(TOY, retry_seconds=0.05)
    bench.platform.event_log.create_topics()
    return bench


def put(bench: Workbench, *reviews: str, recorded: datetime | None = None) -> dict:
    """Puts events on the log; answers how many each partition has got."""
    at = (recorded or datetime.now(UTC)).isoformat()
    values = [bench.envelope(overdue(review)).to_json() for review in reviews]
    now = bench.clock.now().isoformat()
    seen = [value.replace(f'"recordedtime":"{now}"'.encode(), f'"recordedtime":"{at}"'.encode()) for value in values]
    log = bench.platform.event_log
    log.append([Message(ReviewOverdue.topic, review, value) for review, value in zip(reviews, seen, strict=True)])
    return {partition: left.messages for partition, left in log.unread(TOY.name, TOY.topics).items()}


def numbers(bench: Workbench, name: str) -> dict:
    """The numbers of a metric, by topic and partition."""
    families = text_string_to_metric_families(bench.platform.metrics.text().decode())
    samples = [it for family in families for it in family.samples if it.name == name]
    return {(it.labels["topic"], int(it.labels["partition"])): it.value for it in samples}


def test_lag_and_age_are_told_by_partition(bench):
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    unread = put(bench, *"abcdefgh", recorded=an_hour_ago)

    bench.running.log_look.look()

    assert numbers(bench, "living_log_lag") == unread
    ages = numbers(bench, "living_log_oldest_unread_seconds")
    assert {partition: 3600 <= age < 3700 for partition, age in ages.items()} == {
        partition: bool(n) for partition, n in unread.items()
    }
    assert set(numbers(bench, "living_partition_stalled").values()) == {0.0}


def test_an_unread_message_that_is_no_event_has_no_age(bench):
    bench.platform.event_log.append([Message(ReviewOverdue.topic, "k", b"no event")])
    bench.running.log_look.look()
    assert sum(numbers(bench, "living_log_lag").values()) == 1
    assert set(numbers(bench, "living_log_oldest_unread_seconds").values()) == {0.0}


def test_the_numbers_are_those_of_the_last_look_while_the_log_is_away(bench):
    unread = put(bench, "a", "b")
    bench.running.log_look.look()
    with away(bench):
        with pytest.raises(LogUnavailable):
            bench.running.log_look.look()
        assert numbers(bench, "living_log_lag") == unread


def test_a_look_of_long_ago_tells_nothing(bench, monkeypatch):
    put(bench, "a")
    bench.running.log_look.look()
    monkeypatch.setattr(log_metrics, "_STALE", 0.0)
    assert numbers(bench, "living_log_lag") == {}


def test_a_clock_that_jumps_back_makes_no_negative_age(bench):
    put(bench, "a", recorded=datetime.now(UTC) + timedelta(days=1))
    bench.running.log_look.look()
    assert set(numbers(bench, "living_log_oldest_unread_seconds").values()) == {0.0}


@pytest.mark.waits
def test_a_frozen_partition_alarms_and_is_read_after_joining_anew(bench):
    running = bench.running
    running.listening.watchdog = watchdog = Watchdog(TOY.name, running.event_log, patience=0.5)
    running.log_look = log_metrics.LogLook(TOY, running.event_log, watchdog, running.stopping, every=0.05)
    running.listening.worker.start()
    reviews = [f"review{number}" for number in range(40)]
    put(bench, *reviews[:20])
    eventually(lambda: len(notes(running)) == 20)
    eventually(lambda: running.event_log.lag(TOY.name, TOY.topics) == 0)

    frozen = (ReviewOverdue.topic, 1)
    watchdog._member.consumer._position[frozen] = 2**60
    assert put(bench, *reviews[20:])[frozen]
    running.log_look.worker.start()

    eventually(lambda: frozen in watchdog.stalled)
    assert "synthesis.reviews/1 is not read" in running.health()["partitions"]
    eventually(lambda: notes(running) == set(reviews))
    assert heard(running) == 40
    eventually(lambda: running.health()["partitions"] == "ok")


@contextmanager
def away(bench: Workbench) -> Iterator[None]:
    path = bench.settings.data_dir / "log.db"
    path.rename(path.with_suffix(".away"))
    try:
        yield
    finally:
        path.with_suffix(".away").rename(path)
