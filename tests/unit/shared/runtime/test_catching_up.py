"""After a release that adds a reaction, a service can hear what the release before passed by: in order, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from shared.bus import dead_letters
from shared.bus.port import Message
from shared.db.tables import DeadLetterRow, HeardTypeRow
from shared.errors import Conflict, Rejected
from shared.events.notify import DeliveryFailed
from shared.runtime import catching_up
from shared.service import Service, on
from tests.toy import TOY, Note, overdue
from tests.waiting import eventually
from tests.workbench import Workbench


def count_failure(work, event: DeliveryFailed) -> None:
    """Keeps a note of a delivery that failed, under a name of its own."""
    if event.review.startswith("poison"):
        raise Rejected("poison never works")
    name = f"failed {event.review}"
    note = work.session.get(Note, name) or work.add(Note(review=name, days=[]))
    note.days = [*note.days, event.error]


OLDER = TOY
NEWER = replace(TOY, reactions=[*TOY.reactions, on(DeliveryFailed, count_failure)])


class Rig:
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
def rig(workbench) -> Rig:
    return Rig(workbench)


def test_a_first_start_and_one_of_the_same_release_have_nothing_to_catch_up_with(rig):
    assert catching_up.begin(rig.running.database, OLDER) == []
    assert rig.catches_up(OLDER) == []


@pytest.mark.waits
def test_what_an_older_release_passed_by_is_heard_in_its_order_and_once(rig):
    rig.running.start()
    rig.append(overdue("a"), failed("x", "first"), failed("x", "second"), failed("y", "third"))
    eventually(lambda: "a" in rig.notes() and rig.log.lag("toy", OLDER.topics) == 0)

    assert catching_up.begin(rig.running.database, NEWER) == [DeliveryFailed.type]
    assert rig.catches_up() == [DeliveryFailed.type]

    seen = rig.notes()
    # What the toy itself told of `a` is heard, too; what it did before is not done again.
    assert seen["failed x"] == ["first", "second"] and seen["failed y"] == ["third"]
    assert len(seen["a"]) == 1
    assert rig.catches_up() == []
    assert rig.notes() == seen


def test_a_catch_up_that_halts_can_be_run_again_when_someone_has_decided(rig):
    rig.append(failed("poison", "a"), failed("x", "sound"))
    rig.append(*(failed(f"poison{number}", "b") for number in range(40)))
    mended = replace(TOY, reactions=[*TOY.reactions, on(DeliveryFailed, lambda work, event: None)])

    with pytest.raises(Conflict, match="halted"):
        rig.catches_up()
    assert catching_up.begin(rig.running.database, mended) == [DeliveryFailed.type]

    with rig.bench.work() as work:
        for letter in work.session.exec(select(DeadLetterRow)):
            dead_letters.discard(work, NEWER, letter.id, "a bug of the release")
    assert rig.catches_up(mended) == [DeliveryFailed.type]


def test_a_release_that_kept_no_list_is_taken_as_it_is(rig):
    with rig.bench.work() as work:
        for row in work.session.exec(select(HeardTypeRow)):
            work.session.delete(row)

    assert catching_up.begin(rig.running.database, NEWER) == []
    assert rig.catches_up() == []
