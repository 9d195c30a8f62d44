"""What is held stays whole and goes on in time, whoever else is at work: another release, a catch-up, a busy review."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from shared.bus.port import Message
from shared.db import inbox
from shared.db.tables import HeldKeyRow, InboxRow, ParkedEventRow
from shared.errors import NotYet
from shared.events import registry
from shared.events.base import Envelope
from shared.events.notify import DeliveryFailed
from shared.events.synthesis import ReviewOverdue
from shared.ids import first_id
from shared.runtime import catching_up
from shared.runtime.pruning import prune
from shared.service import on
from tests.toy import TOY, Note, overdue, write_note
from tests.unit.shared.bus.rig import TOPIC, ListenerRig, names_in_one_partition

FAILED = on(DeliveryFailed, lambda work, event: None)


def each_its_own(work, event: ReviewOverdue) -> None:
    """Each day of a review waits for a note of its own; the last of the month for none."""
    if event.due.day < 28 and work.session.get(Note, f"{event.review} {event.due.day}") is None:
        raise NotYet(f"day {event.due.day} of {event.review} waits")
    if work.session.get(Note, f"done {event.review} {event.due.day}") is None:
        work.add(Note(review=f"done {event.review} {event.due.day}", days=[]))


WAITING = replace(TOY, reactions=[on(ReviewOverdue, each_its_own)])


def put(rig: ListenerRig, *seen: tuple[str, str, int]) -> None:
    """Events by (key, review, day)."""
    rig.put_raw(*((key, rig.bench.envelope(overdue(review, day)).to_json()) for key, review, day in seen))


def comes(rig: ListenerRig, review: str, day: int) -> None:
    """What a day of a review waited for."""
    with rig.bench.work() as work:
        work.add(Note(review=f"{review} {day}", days=[]))


def is_done(rig: ListenerRig, review: str, day: int) -> bool:
    return any(note.review == f"done {review} {day}" for note in rig.rows(Note))


def caught_up(rig: ListenerRig, service=TOY) -> list[str]:
    running = rig.bench.running
    return catching_up.catch_up(service, running.database, running.event_log, running_work(rig), running.settings)


def running_work(rig: ListenerRig):
    return lambda: rig.bench.work("toy:catching up")


def test_catching_up_leaves_alone_what_is_held(rig):
    newer = replace(TOY, reactions=[*TOY.reactions, FAILED])
    catching_up.begin(rig.bench.running.database, TOY)
    rig.put(("early", 1), ("early", 2))
    rig.listens()
    event = DeliveryFailed(review="x", subscription="x", delivery="x", attempts=1, error="e")
    rig.bench.platform.event_log.append([Message(event.topic, event.key, rig.bench.envelope(event).to_json())])
    rig.time_passes(seconds=5)

    assert caught_up(rig, newer) == [DeliveryFailed.type]

    assert (rig.held(), rig.parked()) == ({"early": "not_yet"}, ["early", "early"])
    rig.put("late")
    rig.listens(until=lambda: rig.notes() == {"early": [1, 2], "late": [1]})


@pytest.mark.parametrize("knows", [True, False], ids=["without the reaction", "without the type"])
def test_what_a_later_release_parked_is_not_lost_by_an_older_one(rig, monkeypatch, knows):
    older = replace(TOY, reactions=[FAILED])
    catching_up.begin(rig.bench.running.database, older)
    catching_up.begin(rig.bench.running.database, TOY)
    rig.put(("early", 1), ("early", 2))
    rig.listens()
    rig.consumer.close()
    if not knows:
        monkeypatch.delitem(registry._BY_TYPE, ReviewOverdue.type)
    old = rig.another(older)
    rig.time_passes(seconds=5)

    old.go_on()

    monkeypatch.undo()
    rig.consumer.close()
    rig.listener = rig.another(TOY)
    rig.put("late")
    rig.listens()
    caught_up(rig)
    rig.listens(until=lambda: rig.notes() == {"early": [1, 2], "late": [1]})


def test_a_letter_of_what_was_parked_is_done_by_its_retry(rig, monkeypatch):
    event = rig.bench.envelope(overdue("a", 1)).to_json()
    rig.put_raw(("a", event.replace(b'"dataversion":1', b'"dataversion":9').replace(b'"2020-01-01"', b'"2020-W01"')))
    rig.listens()
    assert rig.held() == {"a": "unknown_version"}
    read = Envelope.from_json
    # A release that knows the version, and cannot read this one of it; then one that can.
    monkeypatch.setattr(Envelope, "from_json", staticmethod(lambda raw: read(raw)._replace(dataversion=1)))
    rig.consumer.close()
    rig.listener = rig.another()
    rig.listens(until=lambda: not rig.held())
    (letter,) = rig.letters()
    mended = lambda raw: read(raw.replace(b"2020-W01", b"2020-01-01"))._replace(dataversion=1)  # noqa: E731
    monkeypatch.setattr(Envelope, "from_json", staticmethod(mended))

    assert rig.retries(letter).state == "retried"

    assert rig.notes() == {"a": [1]}


def test_in_a_busy_review_each_key_has_its_turn(rig):
    rig.listener = rig.another(WAITING)
    put(rig, *((f"k{number:02}", "R", number + 1) for number in range(12)))
    rig.listens()
    comes(rig, "R", 12)

    for _ in range(20):
        put(rig, ("busy", "R", 28))
        rig.listener._look_at = 0.0
        rig.listener.listen_once(timeout=0.05)

    assert is_done(rig, "R", 12)


def test_many_that_wait_of_one_review_do_not_keep_another_waiting(rig):
    rig.listener = rig.another(WAITING)
    put(rig, *((f"x{number:04}", "X", 1) for number in range(600)), ("y", "Y", 2))
    rig.listens(until=lambda: len(rig.held()) == 601)
    for _ in range(4):  # Y was tried, in vain.
        rig.time_passes(seconds=90)
        rig.listener.go_on()
    comes(rig, "Y", 2)
    rig.listener._stirred = {"Y"}

    for _ in range(5):
        rig.time_passes(seconds=1)
        rig.listener.go_on()

    assert is_done(rig, "Y", 2)


def test_a_key_of_one_name_in_another_topic_that_waits_for_a_person_keeps_none(rig):
    noted = lambda work, event: work.add(Note(review=f"failed {event.delivery}", days=[]))  # noqa: E731
    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, write_note), on(DeliveryFailed, noted)]))
    now, other = datetime.now(UTC), DeliveryFailed.topic
    failed = rig.bench.envelope(DeliveryFailed(review="z", subscription="z", delivery="z", attempts=1, error="e"))
    held = [(other, "x", "fault", None), (other, "z", "released", now), (TOPIC, "x", "released", now)]
    parked = [(other, offset, "x", failed) for offset in range(201)]
    parked += [(other, 900, "z", failed), (TOPIC, 1, "x", rig.bench.envelope(overdue("x")))]
    with rig.bench.work() as work:
        for topic, key, cause, at in held:
            work.add(HeldKeyRow(
                consumer="toy", topic=topic, key=key, partition=0, cause=cause, reason="r", since=now, tries=0,
                try_at=at, letter=None if at else "dead_1",
            ))  # fmt: skip
        for topic, offset, key, envelope in parked:
            work.add(ParkedEventRow(
                consumer="toy", topic=topic, partition=0, offset=offset, key=key, event_id=f"evt_{topic}_{offset}",
                type=envelope.type, value=envelope.to_json(), parked_at=now,
            ))  # fmt: skip

    for _ in range(3):
        rig.listener._look_at = 0.0
        rig.listener.go_on()

    assert {note.review for note in rig.rows(Note)} == {"failed z", "x"}
    assert [(row.topic, row.key) for row in rig.rows(HeldKeyRow)] == [(other, "x")]


def test_a_member_that_lost_a_partition_does_not_say_for_ever_that_it_stands(rig, monkeypatch):
    monkeypatch.setattr("shared.bus.consumer._GONE", 0.5)
    rig.consumer.close()
    rig.listener = one = ListenerRig.another(rig)
    partition = TOPIC, 3
    one.standing, one._stood_at = {partition: "3 dead letters wait"}, {partition: 0.0}

    one.listen_once(timeout=0.05)

    assert one.standing == {}


def test_what_is_parked_is_remembered_as_heard_and_parked_once_however_often_it_comes(rig, monkeypatch):
    monkeypatch.setattr(inbox, "OVERLAP", 0)
    long_ago = datetime.now(UTC) - timedelta(days=rig.bench.settings.inbox_days, hours=1)
    early = [
        rig.bench.envelope(overdue("early", day))._replace(id=f"{first_id('evt', long_ago)}{day:04}") for day in (1, 2)
    ]
    rig.put_raw(*(("early", envelope.to_json()) for envelope in early))
    rig.listens()
    with rig.bench.work() as work:
        work.session.execute(update(InboxRow).values(heard_at=long_ago))

    rig.bench.runs(prune)

    assert rig.heard() == 2
    with rig.bench.work() as work:  # A log that was lost gives them again, and the inbox knows nothing of it.
        work.session.execute(InboxRow.__table__.delete())
    rig.put_raw(*(("early", envelope.to_json()) for envelope in early))
    rig.put(*names_in_one_partition("sound", 2))
    rig.listens()
    assert len(rig.notes()) == 2
