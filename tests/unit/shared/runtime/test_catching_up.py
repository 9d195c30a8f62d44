"""After a release that adds a reaction, a service can hear what the release before passed by: in order, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from shared.bus import dead_letters
from shared.bus.port import Message
from shared.db.tables import DeadLetter, HeardType
from shared.errors import Conflict, Rejected
from shared.events.notify import DeliveryFailed
from shared.runtime import catching_up
from shared.service import Service, on
from tests.toy import TOY, Note, overdue
from tests.waiting import eventually
from tests.workbench import Workbench


def count_failure(event: DeliveryFailed, work) -> None:
    """Keeps a note of a delivery that failed, under a name of its own."""
    if event.review.startswith("poison"):
        raise Rejected("poison never works")
    name = f"failed {event.review}"
    note = work.session.get(Note, name) or work.add(Note(review=name, days=[]))
    note.days = [*note.days, event.error]


OLDER = TOY
NEWER = replace(TOY, reactions=[*TOY.reactions, on(DeliveryFailed, count_failure)])


class House:
    """The toy service on one database and one log, under one release after another."""

    def __init__(self, workbench, **settings) -> None:
        self.bench: Workbench = workbench(OLDER, retry_seconds=0.01, dead_letter_limit=2, **settings)
        self.log, self.running = self.bench.platform.event_log, self.bench.running
        self.log.create_topics()
        catching_up.begin(self.running.database, OLDER)

    def append(self, *events) -> None:
        self.log.append([Message(it.topic, it.key, self.bench.envelope(it).to_json()) for it in events])

    def catches_up(self, service: Service = NEWER) -> list[str]:
        return catching_up.catch_up(
            service, self.running.database, self.log, lambda: self.running.work("test"), self.bench.settings
        )

    def notes(self) -> dict[str, list[str]]:
        with self.bench.work(readonly=True) as work:
            return {note.review: note.days for note in work.session.exec(select(Note))}


def failed(review: str, error: str) -> DeliveryFailed:
    return DeliveryFailed(review=review, subscription=review, delivery=review, attempts=1, error=error)


@pytest.fixture
def house(workbench) -> House:
    return House(workbench)


def test_a_first_start_and_one_of_the_same_release_have_nothing_to_catch_up_with(house):
    assert catching_up.begin(house.running.database, OLDER) == []
    assert house.catches_up(OLDER) == []


def test_what_an_older_release_passed_by_is_heard_in_its_order_and_once(house):
    house.running.start()
    house.append(overdue("a"), failed("x", "first"), failed("x", "second"), failed("y", "third"))
    eventually(lambda: "a" in house.notes() and house.log.lag("toy", OLDER.topics) == 0)

    assert catching_up.begin(house.running.database, NEWER) == [DeliveryFailed.type]
    assert house.catches_up() == [DeliveryFailed.type]

    told = house.notes()
    # What the toy itself told of `a` is heard, too; what it did before is not done again.
    assert told["failed x"] == ["first", "second"] and told["failed y"] == ["third"]
    assert len(told["a"]) == 1
    assert house.catches_up() == []
    assert house.notes() == told


def test_a_catch_up_that_halts_can_be_run_again_when_someone_has_decided(house):
    house.append(failed("poison", "a"), failed("x", "sound"))
    house.append(*(failed(f"poison{number}", "b") for number in range(40)))
    mended = replace(TOY, reactions=[*TOY.reactions, on(DeliveryFailed, lambda event, work: None)])

    with pytest.raises(Conflict, match="halted"):
        house.catches_up()
    assert catching_up.begin(house.running.database, mended) == [DeliveryFailed.type]

    with house.bench.work() as work:
        for letter in work.session.exec(select(DeadLetter)):
            dead_letters.discard(NEWER, letter.id, "a bug of the release", work)
    assert house.catches_up(mended) == [DeliveryFailed.type]


def test_a_release_that_kept_no_list_is_taken_as_it_is(house):
    with house.bench.work() as work:
        for row in work.session.exec(select(HeardType)):
            work.session.delete(row)

    assert catching_up.begin(house.running.database, NEWER) == []
    assert house.catches_up() == []
