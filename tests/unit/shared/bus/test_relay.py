"""The relay keeps where on the log it put what it published, in the transaction that says so."""

from __future__ import annotations

import pytest
from sqlmodel import select

from shared.bus.relay import relay_once
from shared.db.tables import PublishedUpToRow, WaitingRow
from shared.events.base import Envelope
from shared.events.notify import DeliveryFailed
from tests.toy import TOY
from tests.workbench import Workbench


@pytest.fixture
def bench(workbench) -> Workbench:
    bench = workbench(TOY)
    bench.platform.event_log.create_topics()
    return bench


def write(bench: Workbench, *reviews: str) -> None:
    for review in reviews:
        assert bench.person().post(f"/toy/reviews/{review}/notes").status_code == 200


def relay(bench: Workbench) -> int:
    return relay_once(bench.running.database, bench.platform.event_log, limit=2)


def kept(bench: Workbench) -> dict[tuple[str, int], tuple[int, str]]:
    with bench.work(readonly=True) as work:
        rows = work.session.exec(select(PublishedUpToRow)).all()
    return {(row.topic, row.partition): (row.offset, row.event_id) for row in rows}


def seen(bench: Workbench) -> list[str]:
    return [envelope.id for envelope in bench.journal()]


def test_the_place_of_the_last_published_event_is_kept(bench):
    write(bench, "a", "b", "c")

    relay(bench)
    assert kept(bench) == {(DeliveryFailed.topic, 0): (1, seen(bench)[1])}
    relay(bench)
    assert kept(bench) == {(DeliveryFailed.topic, 0): (2, seen(bench)[2])}


def test_the_place_is_that_of_the_append_whose_marking_worked(bench, monkeypatch):
    write(bench, "a")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        patch.setattr("shared.bus.positions.published", cut_the_power)
        relay(bench)
    assert kept(bench) == {}
    with bench.work(readonly=True) as work:
        assert work.session.exec(select(WaitingRow.event_id)).all() == seen(bench)

    relay(bench)

    assert kept(bench) == {(DeliveryFailed.topic, 0): (1, seen(bench)[0])}


def cut_the_power(*_: object) -> None:
    raise OSError("power cut")


def test_what_waits_is_taken_until_it_fills_the_room_and_in_its_order(bench, monkeypatch):
    write(bench, "a", "b", "c", "d", "e")
    monkeypatch.setattr("shared.bus.relay.BYTES_AT_ONCE", 1)
    monkeypatch.setattr("shared.bus.relay._AT_ONCE", 1)
    log = bench.platform.event_log

    moved = []
    while taken := relay_once(bench.running.database, log, limit=3):
        moved.append(taken)

    assert moved == [1] * 5, "one always goes through"
    assert [Envelope.from_json(delivery.value).id for delivery in log.read([DeliveryFailed.topic])] == seen(bench)
