"""The way of a message, outbox to log to inbox, with everything that may go wrong on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import select

from shared.bus import dead_letters
from shared.bus.port import EventLog, Message
from shared.bus.relay import relay_once
from shared.db.tables import DeadLetterRow, WaitingRow
from shared.errors import Conflict, LogUnavailable, Rejected
from shared.events.notify import DeliveryFailed
from shared.events.synthesis import ReviewOverdue
from tests.toy import TOY, Note, overdue
from tests.unit.shared.bus.rig import names_in_one_partition, partition_of
from tests.waiting import eventually
from tests.workbench import Workbench

pytestmark = pytest.mark.waits


@pytest.fixture
def bench(workbench) -> Workbench:
    bench = workbench(TOY, retry_seconds=0.05, dead_letter_limit=3)
    bench.platform.event_log.create_topics()
    return bench


@pytest.fixture
def at_work(bench) -> Workbench:
    """The bench with its listener and relay running."""
    bench.running.start()
    return bench


def put(bench: Workbench, *reviews: str) -> None:
    """Writes overdue events to the log, as synthesis would."""
    log = bench.platform.event_log
    log.append([Message(ReviewOverdue.topic, name, bench.envelope(overdue(name)).to_json()) for name in reviews])


def notes(bench: Workbench) -> set[str]:
    with bench.work(readonly=True) as work:
        return {note.review for note in work.session.exec(select(Note))}


def letters(bench: Workbench) -> list[DeadLetterRow]:
    with bench.work(readonly=True) as work:
        return list(work.session.exec(select(DeadLetterRow).order_by(DeadLetterRow.id)))


def unpublished(bench: Workbench) -> int:
    with bench.work(readonly=True) as work:
        return len(work.session.exec(select(WaitingRow)).all())


def on_the_log(bench: Workbench, topic: str = DeliveryFailed.topic) -> list[str]:
    return [delivery.key for delivery in bench.platform.event_log.read([topic])]


def test_what_is_on_the_log_is_heard_and_what_it_leads_to_is_told(at_work):
    put(at_work, "a", "b", "c")

    eventually(lambda: notes(at_work) == {"a", "b", "c"})
    eventually(lambda: len(on_the_log(at_work)) == 3)


def test_a_poisoned_event_becomes_a_dead_letter_and_its_neighbours_are_done(at_work):
    put(at_work, "a", "poison", "b")

    eventually(lambda: notes(at_work) == {"a", "b"})
    (letter,) = eventually(lambda: letters(at_work))
    assert (letter.type, letter.slug, letter.reason) == ("synthesis.review.overdue", "rejected", "poison never works")


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        (b"not json", "not_json"),
        (b"[]", "not_an_envelope"),
        (b'{"id": 1}', "not_an_envelope"),
        (b"\xff\xfe", "not_json"),
    ],
)
def test_bytes_that_are_no_event_become_a_dead_letter_as_they_are(at_work, value, slug):
    at_work.platform.event_log.append([Message(ReviewOverdue.topic, "k", value)])
    put(at_work, "a")

    (letter,) = eventually(lambda: letters(at_work))
    assert (letter.value, letter.slug) == (value, slug)
    eventually(lambda: notes(at_work) == {"a"})


def test_an_event_of_an_unknown_type_is_passed_over(at_work):
    envelope = at_work.envelope(overdue("a")).to_json().replace(b"synthesis.review.overdue", b"no.such.type")
    at_work.platform.event_log.append([Message(ReviewOverdue.topic, "a", envelope)])
    put(at_work, "a")

    eventually(lambda: notes(at_work) == {"a"})
    assert letters(at_work) == []


def test_an_event_of_an_unknown_version_is_parked_and_health_tells_it(at_work):
    envelope = at_work.envelope(overdue("a")).to_json().replace(b'"dataversion":1', b'"dataversion":9')
    at_work.platform.event_log.append([Message(ReviewOverdue.topic, "a", envelope)])

    eventually(lambda: "1 unknown version" in at_work.running.health()["listener"])
    assert letters(at_work) == []


def test_an_event_that_came_too_early_waits_and_is_done_in_the_end(at_work):
    put(at_work, "early", "x", "y", "z")
    eventually(lambda: len(notes(at_work)) >= 1)
    assert "early" not in notes(at_work)

    with at_work.work() as work:
        work.add(Note(review="late"))

    eventually(lambda: notes(at_work) == {"early", "late", "x", "y", "z"})
    assert letters(at_work) == []


def test_too_many_dead_letters_halt_their_partition_until_someone_decides(at_work):
    poison = names_in_one_partition("poison", 5)
    halted = partition_of(poison[0])
    elsewhere = {name for name in "abcdefgh" if partition_of(name) != halted}
    put(at_work, *poison, *sorted(elsewhere))
    seen = f"halted: synthesis.reviews/{halted}: 3 dead letters"
    eventually(lambda: at_work.running.health()["listener"].startswith(seen))
    eventually(lambda: notes(at_work) == elsewhere)
    assert len(letters(at_work)) == 3

    with at_work.work() as work:
        for letter in work.session.exec(select(DeadLetterRow)):
            dead_letters.discard(work, TOY, letter.id, "enough")

    eventually(lambda: len(letters(at_work)) == 5)


def test_health_tells_what_a_fault_holds_and_is_well_again_when_someone_decided(at_work):
    put(at_work, "buggy", "a")
    eventually(lambda: letters(at_work))

    assert "1 key is held (1 fault)" in at_work.running.health()["listener"]
    assert at_work.anybody().get("/readyz").status_code == 503

    with at_work.work() as work:
        dead_letters.discard(work, TOY, letters(at_work)[0].id, "it was a test")
    eventually(lambda: at_work.running.health()["listener"] == "ok")


def test_a_dead_letter_tried_again_stays_with_its_reason_or_is_done(bench):
    bench.running.start()
    put(bench, "poison")
    (letter,) = eventually(lambda: letters(bench))

    with pytest.raises(Rejected, match="never works"), bench.work() as work:
        dead_letters.retry(work, TOY, letter.id)
    assert letters(bench)[0].state == "waiting"

    # A deploy mends the handler; here the event itself is mended, which is as good.
    with bench.work() as work:
        kept = work.session.get(DeadLetterRow, letter.id)
        kept.value = bench.envelope(overdue("mended")).to_json()
    with bench.work() as work:
        dead_letters.retry(work, TOY, letter.id)

    assert notes(bench) == {"mended"}
    with pytest.raises(Conflict, match="retried already"), bench.work() as work:
        dead_letters.retry(work, TOY, letter.id)


def test_while_the_log_is_down_commands_are_accepted_and_afterwards_the_outbox_drains(bench):
    bench.running.relay.log = switch = Switch(bench.platform.event_log)
    switch.down = True
    bench.running.start()

    assert bench.person().post("/toy/reviews/r/notes").status_code == 200
    eventually(lambda: "down" in bench.running.health().get("relay", ""))
    assert unpublished(bench) == 1

    switch.down = False
    eventually(lambda: unpublished(bench) == 0)
    assert len(on_the_log(bench)) == 1


def test_an_append_whose_marking_failed_is_sent_again_and_not_lost(bench, monkeypatch):
    bench.person().post("/toy/reviews/r/notes")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="power cut"):
        patch.setattr(bench.running.database, "session", fail_when_writing(bench.running.database.session))
        relay_once(bench.running.database, bench.platform.event_log, limit=10)

    relay_once(bench.running.database, bench.platform.event_log, limit=10)

    assert len(on_the_log(bench)) == 2
    assert unpublished(bench) == 0


def test_a_transaction_that_committed_late_is_not_missed(bench):
    for review in ("a", "b", "c"):
        bench.person().post(f"/toy/reviews/{review}/notes")
    with bench.work() as work:
        first = work.session.exec(select(WaitingRow).order_by(WaitingRow.turn)).first()
        late = first.model_dump()
        work.session.delete(first)
    relay_once(bench.running.database, bench.platform.event_log, limit=10)
    assert len(on_the_log(bench)) == 2

    with bench.work() as work:
        work.add(WaitingRow(**late))
    relay_once(bench.running.database, bench.platform.event_log, limit=10)

    assert len(on_the_log(bench)) == 3


class Switch:
    """The event log with a switch; what a broker that is down looks like from here."""

    def __init__(self, log: EventLog) -> None:
        self._log, self.down = log, False

    def append(self, messages: list[Message]) -> object:
        if self.down:
            raise LogUnavailable("the log is down")
        return self._log.append(messages)

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)


def fail_when_writing(session):
    @contextmanager
    def opened(*, readonly: bool = False) -> Iterator[object]:
        if not readonly:
            raise OSError("power cut")
        with session(readonly=True) as reading:
            yield reading

    return opened
