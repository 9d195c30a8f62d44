"""What is held stays whole and goes on in time, whoever else is at work: another release, a catch-up, a busy review."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from shared.bus.port import Message
from shared.db import inbox
from shared.db.tables import HeldKey, InboxRow, ParkedEvent
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
from tests.unit.shared.bus.desk import TOPIC, Desk, names_in_one_partition

FAILED = on(DeliveryFailed, lambda event, work: None)


def each_its_own(event: ReviewOverdue, work) -> None:
    """Each day of a review waits for a note of its own; the last of the month for none."""
    if event.due.day < 28 and work.session.get(Note, f"{event.review} {event.due.day}") is None:
        raise NotYet(f"day {event.due.day} of {event.review} waits")
    if work.session.get(Note, f"done {event.review} {event.due.day}") is None:
        work.add(Note(review=f"done {event.review} {event.due.day}", days=[]))


WAITING = replace(TOY, reactions=[on(ReviewOverdue, each_its_own)])


def put(desk: Desk, *told: tuple[str, str, int]) -> None:
    """Events by (key, review, day)."""
    desk.put_raw(*((key, desk.bench.envelope(overdue(review, day)).to_json()) for key, review, day in told))


def comes(desk: Desk, review: str, day: int) -> None:
    """What a day of a review waited for."""
    with desk.bench.work() as work:
        work.add(Note(review=f"{review} {day}", days=[]))


def is_done(desk: Desk, review: str, day: int) -> bool:
    return any(note.review == f"done {review} {day}" for note in desk.rows(Note))


def caught_up(desk: Desk, service=TOY) -> list[str]:
    running = desk.bench.running
    return catching_up.catch_up(service, running.database, running.event_log, running_work(desk), running.settings)


def running_work(desk: Desk):
    return lambda: desk.bench.work("toy:catching up")


def test_catching_up_leaves_alone_what_is_held(desk):
    newer = replace(TOY, reactions=[*TOY.reactions, FAILED])
    catching_up.begin(desk.bench.running.database, TOY)
    desk.put(("early", 1), ("early", 2))
    desk.listens()
    event = DeliveryFailed(review="x", subscription="x", delivery="x", attempts=1, error="e")
    desk.bench.platform.event_log.append([Message(event.topic, event.key, desk.bench.envelope(event).to_json())])
    desk.time_passes(seconds=5)

    assert caught_up(desk, newer) == [DeliveryFailed.type]

    assert (desk.held(), desk.parked()) == ({"early": "not_yet"}, ["early", "early"])
    desk.put("late")
    desk.listens(until=lambda: desk.notes() == {"early": [1, 2], "late": [1]})


@pytest.mark.parametrize("knows", [True, False], ids=["without the reaction", "without the type"])
def test_what_a_later_release_parked_is_not_lost_by_an_older_one(desk, monkeypatch, knows):
    older = replace(TOY, reactions=[FAILED])
    catching_up.begin(desk.bench.running.database, older)
    catching_up.begin(desk.bench.running.database, TOY)
    desk.put(("early", 1), ("early", 2))
    desk.listens()
    desk.consumer.close()
    if not knows:
        monkeypatch.setattr(registry, "_TYPES", registry._TYPES - {ReviewOverdue.type})
        monkeypatch.setattr(registry, "_BY_TYPE", {})
    old = desk.another(older)
    desk.time_passes(seconds=5)

    old.go_on()

    monkeypatch.undo()
    desk.consumer.close()
    desk.listener = desk.another(TOY)
    desk.put("late")
    desk.listens()
    caught_up(desk)
    desk.listens(until=lambda: desk.notes() == {"early": [1, 2], "late": [1]})


def test_a_letter_of_what_was_parked_is_done_by_its_retry(desk, monkeypatch):
    event = desk.bench.envelope(overdue("a", 1)).to_json()
    desk.put_raw(("a", event.replace(b'"dataversion":1', b'"dataversion":9').replace(b'"2020-01-01"', b'"2020-W01"')))
    desk.listens()
    assert desk.held() == {"a": "unknown_version"}
    read = Envelope.from_json
    # A release that knows the version, and cannot read this one of it; then one that can.
    monkeypatch.setattr(Envelope, "from_json", staticmethod(lambda raw: read(raw)._replace(dataversion=1)))
    desk.consumer.close()
    desk.listener = desk.another()
    desk.listens(until=lambda: not desk.held())
    (letter,) = desk.letters()
    mended = lambda raw: read(raw.replace(b"2020-W01", b"2020-01-01"))._replace(dataversion=1)  # noqa: E731
    monkeypatch.setattr(Envelope, "from_json", staticmethod(mended))

    assert desk.retries(letter).state == "retried"

    assert desk.notes() == {"a": [1]}


def test_in_a_busy_review_each_key_has_its_turn(desk):
    desk.listener = desk.another(WAITING)
    put(desk, *((f"k{number:02}", "R", number + 1) for number in range(12)))
    desk.listens()
    comes(desk, "R", 12)

    for _ in range(20):
        put(desk, ("busy", "R", 28))
        desk.listener._look_at = 0.0
        desk.listener.listen_once(timeout=0.05)

    assert is_done(desk, "R", 12)


def test_many_that_wait_of_one_review_do_not_keep_another_waiting(desk):
    desk.listener = desk.another(WAITING)
    put(desk, *((f"x{number:04}", "X", 1) for number in range(600)), ("y", "Y", 2))
    desk.listens(until=lambda: len(desk.held()) == 601)
    for _ in range(4):  # Y was tried, in vain.
        desk.time_passes(seconds=90)
        desk.listener.go_on()
    comes(desk, "Y", 2)
    desk.listener._stirred = {"Y"}

    for _ in range(5):
        desk.time_passes(seconds=1)
        desk.listener.go_on()

    assert is_done(desk, "Y", 2)


def test_a_key_of_one_name_in_another_topic_that_waits_for_a_person_keeps_none(desk):
    noted = lambda event, work: work.add(Note(review=f"failed {event.delivery}", days=[]))  # noqa: E731
    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, write_note), on(DeliveryFailed, noted)]))
    now, other = datetime.now(UTC), DeliveryFailed.topic
    failed = desk.bench.envelope(DeliveryFailed(review="z", subscription="z", delivery="z", attempts=1, error="e"))
    held = [(other, "x", "fault", None), (other, "z", "released", now), (TOPIC, "x", "released", now)]
    parked = [(other, offset, "x", failed) for offset in range(201)]
    parked += [(other, 900, "z", failed), (TOPIC, 1, "x", desk.bench.envelope(overdue("x")))]
    with desk.bench.work() as work:
        for topic, key, cause, at in held:
            work.add(HeldKey(
                consumer="toy", topic=topic, key=key, partition=0, cause=cause, reason="r", since=now, tries=0,
                try_at=at, letter=None if at else "dead_1",
            ))  # fmt: skip
        for topic, offset, key, envelope in parked:
            work.add(ParkedEvent(
                consumer="toy", topic=topic, partition=0, offset=offset, key=key, event_id=f"evt_{topic}_{offset}",
                type=envelope.type, value=envelope.to_json(), parked_at=now,
            ))  # fmt: skip

    for _ in range(3):
        desk.listener._look_at = 0.0
        desk.listener.go_on()

    assert {note.review for note in desk.rows(Note)} == {"failed z", "x"}
    assert [(row.topic, row.key) for row in desk.rows(HeldKey)] == [(other, "x")]


def test_a_member_that_lost_a_partition_does_not_say_for_ever_that_it_stands(desk, monkeypatch):
    monkeypatch.setattr("shared.bus.consumer._GONE", 0.5)
    desk.consumer.close()
    desk.listener = one = Desk.another(desk)
    place = TOPIC, 3
    one.standing, one._stood_at = {place: "3 dead letters wait"}, {place: 0.0}

    one.listen_once(timeout=0.05)

    assert one.standing == {}


def test_what_is_parked_is_remembered_as_heard_and_parked_once_however_often_it_comes(desk, monkeypatch):
    monkeypatch.setattr(inbox, "OVERLAP", 0)
    long_ago = datetime.now(UTC) - timedelta(days=desk.bench.settings.inbox_days, hours=1)
    early = [
        desk.bench.envelope(overdue("early", day))._replace(id=f"{first_id('evt', long_ago)}{day:04}") for day in (1, 2)
    ]
    desk.put_raw(*(("early", envelope.to_json()) for envelope in early))
    desk.listens()
    with desk.bench.work() as work:
        work.session.execute(update(InboxRow).values(heard_at=long_ago))

    desk.bench.runs(prune)

    assert desk.heard() == 2
    with desk.bench.work() as work:  # A log that was lost gives them again, and the inbox knows nothing of it.
        work.session.execute(InboxRow.__table__.delete())
    desk.put_raw(*(("early", envelope.to_json()) for envelope in early))
    desk.put(*names_in_one_partition("sound", 2))
    desk.listens()
    assert len(desk.notes()) == 2
