"""A log whose next message is twenty megabytes: whatever it is, what follows is done."""

from __future__ import annotations

import pytest

from shared.bus.port import Message
from shared.db.tables import DeadLetterRow
from shared.events.synthesis import ReviewOverdue
from tests.toy import TOY, overdue
from tests.unit.shared.runtime.rig import notes, rows
from tests.waiting import eventually
from tests.workbench import Workbench

pytestmark = pytest.mark.waits

HUGE = 20_000_000


@pytest.fixture
def bench(workbench) -> Workbench:
    bench = workbench(TOY, retry_seconds=0.05)
    bench.platform.event_log.create_topics()
    return bench


def put(bench: Workbench, key: str, value: bytes) -> None:
    bench.platform.event_log.append([Message(ReviewOverdue.topic, key, value)])


def test_one_that_is_no_event_is_set_aside_whole_and_the_next_is_done(bench):
    put(bench, "a", b"x" * HUGE)
    put(bench, "a", bench.envelope(overdue("a")).to_json())
    bench.running.listening.worker.start()

    eventually(lambda: notes(bench.running) == {"a"})
    (letter,) = rows(bench.running, DeadLetterRow)
    assert (len(letter.value), letter.slug) == (HUGE, "not_json")


def test_an_event_that_is_large_by_what_a_newer_release_added_is_done(bench):
    event = bench.envelope(overdue("a")).to_json()
    put(bench, "a", event.replace(b'"review":"a"', b'"review":"a","added":"' + b"x" * HUGE + b'"', 1))
    put(bench, "b", bench.envelope(overdue("b")).to_json())
    bench.running.listening.worker.start()

    eventually(lambda: notes(bench.running) == {"a", "b"})
    assert rows(bench.running, DeadLetterRow) == []
