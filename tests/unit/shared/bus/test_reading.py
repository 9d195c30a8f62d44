"""Reading a message: once for all services of a process, where they share what they have read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.bus.port import Delivery
from shared.bus.reading import Opened, open_once, read
from shared.errors import Rejected
from shared.events.synthesis import ReviewOverdue
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.toy import TOY, overdue
from tests.workbench import Workbench

OTHER = replace(TOY, name="other")


@pytest.fixture
def raw(workbench) -> bytes:
    bench: Workbench = workbench(TOY)
    return bench.envelope(overdue("r")).to_json()


def delivery(raw: bytes) -> Delivery:
    return Delivery(ReviewOverdue.topic, 0, 0, "r", raw)


def test_two_services_that_share_read_one_message_once(raw):
    once = open_once()

    here, there = read(TOY, delivery(raw), once), read(OTHER, delivery(bytes(bytearray(raw))), once)

    assert here == read(TOY, delivery(raw))
    assert here.envelope is there.envelope
    assert here.event is there.event


def test_a_service_alone_remembers_nothing(raw):
    assert read(TOY, delivery(raw)).event is not read(TOY, delivery(raw)).event


def test_messages_that_differ_in_a_byte_are_two(raw):
    once = open_once()

    assert once(raw) is not once(raw + b" ")
    assert once(raw).envelope == once(raw + b" ").envelope


def test_a_large_message_is_read_each_time_so_that_what_is_shared_has_a_limit(raw):
    once, large = open_once(), raw + b" " * 8_000

    assert once(large) is not once(large)
    assert once(large).event() == Opened(raw).event()


def test_what_cannot_be_read_is_refused_each_time_it_comes():
    once = open_once()

    for _ in range(2):
        with pytest.raises(Rejected, match="not JSON"):
            once(b"{")
        assert read(TOY, delivery(b"{"), once).problem is not None


@pytest.mark.parametrize(("services", "shared"), [((TOY, OTHER), True), ((TOY,), False)])
def test_the_services_of_one_process_share_what_they_read(tmp_path, services, shared):
    platform = Platform(Settings(data_dir=tmp_path / "data"), services)
    try:
        opened = {running.listening.open_message for running in platform.running.values()}
        assert len(opened) == 1
        assert (opened.pop() is not Opened) == shared
    finally:
        platform.stop()
