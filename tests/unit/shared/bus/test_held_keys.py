"""An event that fails holds its key and nothing else; what is parked behind it is done in order, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from shared.bus import dead_letters
from shared.errors import Conflict, NotFound, NotYet, Rejected
from shared.events.base import Envelope
from shared.events.synthesis import ReviewOverdue
from shared.service import on
from tests.toy import TOY, Note, overdue, write_note
from tests.unit.shared.bus.desk import Desk, names_in_one_partition


def test_what_comes_too_early_is_parked_and_its_partition_goes_on(desk):
    early, *others = names_in_one_partition("early", 1) + names_in_one_partition("n", 5)

    desk.put(early, *others)
    desk.listens()

    assert desk.notes() == {other: [1] for other in others}
    assert (desk.held(), desk.parked(), desk.lag()) == ({early: "not_yet"}, [early], 0)
    assert desk.letters() == []


def test_it_is_done_with_all_behind_it_in_order_once_the_other_event_has_come(desk):
    desk.put(("early", 1), ("early", 2), "a", ("early", 3))
    desk.listens()
    assert desk.parked() == ["early"] * 3

    desk.put("late")
    desk.put(("early", 4))
    desk.time_passes(seconds=1)
    desk.listens(until=lambda: not desk.held())

    assert desk.notes() == {"early": [1, 2, 3, 4], "a": [1], "late": [1]}
    assert desk.parked() == []


def test_an_event_of_its_review_is_reason_enough_to_try_again(desk):
    """Without waiting for the clock: the toy's reviews are its keys, so the other event has the same review."""
    needs_note = replace(TOY, reactions=[on(ReviewOverdue, only_after_the_third_day)])
    desk.listener = desk.another(needs_note)
    desk.put(("r", 1), ("r", 2))
    desk.listens()
    assert desk.held() == {"r": "not_yet"}

    # Under another key, as a protocol is beside its records.
    desk.put_raw(("another key", desk.bench.envelope(overdue("r", 3)).to_json()))
    desk.listener._look_at = 0.0
    desk.listens(until=lambda: not desk.held())

    assert desk.notes() == {"r": [3, 1, 2]}


def only_after_the_third_day(event: ReviewOverdue, work) -> None:
    if event.due.day != 3 and work.session.get(Note, event.review) is None:
        write_note(overdue("early"), work)
    write_note(event, work)


def test_waiting_is_normal_for_a_minute_and_then_it_is_told(desk):
    desk.put("early")
    desk.listens()
    assert desk.health() == "ok"

    desk.time_passes(minutes=2)

    assert desk.health().startswith("1 key is held (1 not yet), the oldest since ")
    assert desk.health().endswith("synthesis.reviews/early: early needs late first")


def test_however_long_it_waits_it_becomes_no_dead_letter(desk):
    desk.put("early")
    desk.listens()

    for _ in range(8):
        desk.time_passes(hours=1)
        desk.listens()

    assert (desk.letters(), desk.held()) == ([], {"early": "not_yet"})


def test_a_clock_that_is_set_back_makes_nothing_wait_for_as_long(desk):
    desk.put("early")
    desk.listens()
    with desk.bench.work() as work:
        work.add(Note(review="late"))

    desk.clock_is_set_back(days=1)
    desk.listens(until=lambda: not desk.held())

    assert desk.notes()["early"] == [1]


def test_a_fault_is_tried_a_few_times_and_then_holds_its_key_with_its_place(desk):
    desk.put(("buggy", 1), ("buggy", 2), "a")
    desk.listens(until=lambda: desk.letters())
    desk.listens()

    (letter,) = desk.letters()
    assert (letter.slug, letter.raised_at, letter.holds) == ("key_error", "tests.toy:write_note", True)
    assert "no entry for buggy" in letter.reason
    assert (letter.key, letter.review, letter.type) == ("buggy", "buggy", "synthesis.review.overdue")
    assert (desk.held(), desk.parked()) == ({"buggy": "fault"}, ["buggy"])
    assert desk.notes() == {"a": [1]}
    assert "1 fault" in desk.health()


def test_a_fault_that_passes_leaves_nothing_behind(desk):
    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, fails_twice())]))
    desk.put(("r", 1), ("r", 2))
    desk.listens(until=lambda: len(desk.notes().get("r", [])) == 2)

    assert (desk.notes(), desk.letters(), desk.held()) == ({"r": [1, 2]}, [], {})


def fails_twice():
    failures = iter([ValueError("once"), ValueError("twice")])

    def effect(event: ReviewOverdue, work) -> None:
        write_note(event, work)
        for failure in failures:
            raise failure

    return effect


def test_what_will_never_work_is_not_tried_twice(desk):
    tries = []

    def effect(event: ReviewOverdue, work) -> None:
        tries.append(event.review)
        write_note(event, work)

    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    desk.put("a", "poison")
    desk.listens()

    # Once among its neighbours, and once as what it is.
    assert tries.count("poison") == 2
    assert [letter.slug for letter in desk.letters()] == ["rejected"]


def test_a_failed_event_leaves_nothing_of_itself_and_nothing_of_its_neighbours_undone(desk):
    def effect(event: ReviewOverdue, work) -> None:
        write_note(event, work)
        if event.review == "half":
            raise Rejected("half-way through")

    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    desk.put("a", "half", "b")
    desk.listens()

    assert set(desk.notes()) == {"a", "b"}
    assert sorted(event.review for event in desk.bench.told_all()) == ["a", "b"]


def test_a_retried_letter_is_done_and_all_behind_it_follow_in_order(desk):
    letter = held_letter(desk)
    with pytest.raises(Rejected, match="never works"):
        desk.retries(letter)
    assert [it.state for it in desk.letters()] == ["waiting"]

    desk.mend(letter, overdue("mended", 1))
    desk.retries(letter)
    assert desk.held() == {"poison": "released"}
    mended = replace(TOY, reactions=[on(ReviewOverdue, write_mended)])
    desk.listener = desk.another(mended)
    desk.listens(until=lambda: not desk.held())

    assert desk.notes() == {"mended": [1, 2, 3], "a": [1]}
    (letter,) = desk.letters("retried")
    assert letter.decided_by == "ada"
    with pytest.raises(Conflict, match="retried already"):
        desk.retries(letter)


def write_mended(event: ReviewOverdue, work) -> None:
    """What a later release does."""
    write_note(event.model_copy(update={"review": "mended"}), work)


def held_letter(desk: Desk):
    desk.put(("poison", 1), ("poison", 2), "a", ("poison", 3))
    desk.listens()
    (letter,) = desk.letters()
    return letter


def test_a_discarded_letter_is_never_done_and_those_behind_it_go_on_without_it(desk):
    letter = held_letter(desk)
    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, write_mended)]))

    discarded, behind = desk.discards(letter, "the source took it back")
    desk.listens(until=lambda: not desk.held())

    assert (discarded.state, discarded.decided_why, behind) == ("discarded", "the source took it back", 2)
    assert desk.notes() == {"mended": [2, 3], "a": [1]}
    with pytest.raises(Conflict, match="discarded already"):
        desk.discards(letter)


def test_when_the_next_behind_a_discarded_one_fails_too_it_holds_the_key_in_its_place(desk):
    letter = held_letter(desk)

    desk.discards(letter)
    desk.listens(until=lambda: desk.letters())
    desk.listens()

    (next_letter,) = desk.letters()
    assert next_letter.offset == letter.offset + 1
    assert (desk.held(), desk.parked()) == ({"poison": "fault"}, ["poison"])


def test_what_cannot_be_read_holds_nothing(desk):
    bad = desk.bench.envelope(overdue("a")).to_json().replace(b'"due":"2020-01-01"', b'"due":"not a day!"')
    desk.put_raw(("a", bad))
    desk.put(("a", 2))
    desk.listens()

    (letter,) = desk.letters()
    assert (letter.slug, letter.holds, letter.raised_at) == ("bad_data", False, "")
    assert (desk.notes(), desk.held()) == ({"a": [2]}, {})


@pytest.mark.parametrize(("part", "bad"), [("key", "a\0b"), ("id", "evt_\\u0000")])
def test_text_that_no_database_keeps_is_set_aside_and_not_tried_for_ever(desk, part, bad):
    envelope = desk.bench.envelope(overdue("a"))
    value = envelope.to_json() if part == "key" else envelope.to_json().replace(envelope.id.encode(), bad.encode())
    desk.put_raw((bad if part == "key" else "a", value))
    desk.put("b")
    desk.listens()

    assert [letter.slug for letter in desk.letters()] == ["not_an_envelope"]
    assert (desk.notes(), desk.lag()) == ({"b": [1]}, 0)


def test_an_unknown_type_is_passed_over_and_counted_by_its_topic(desk):
    value = desk.bench.envelope(overdue("a")).to_json().replace(b"synthesis.review.overdue", b"no.such.type")
    desk.put_raw(*[("a", value)] * 3)
    desk.put("b")
    desk.listens()

    assert (desk.letters(), desk.held(), desk.lag()) == ([], {}, 0)
    assert desk.listener.unknown == {"synthesis.reviews": 3}
    assert desk.notes() == {"b": [1]}


def test_an_unknown_version_is_parked_until_a_release_knows_it(desk, monkeypatch):
    newer = desk.bench.envelope(overdue("a", 1)).to_json().replace(b'"dataversion":1', b'"dataversion":9')
    desk.put_raw(("a", newer))
    desk.put(("a", 2), "b")
    desk.listens()
    assert (desk.held(), desk.parked(), desk.letters()) == ({"a": "unknown_version"}, ["a", "a"], [])
    assert "unknown version" in desk.health()
    assert desk.notes() == {"b": [1]}

    # As if the next release knew version 9: it is understood as what it was made of.
    read = Envelope.from_json
    monkeypatch.setattr(Envelope, "from_json", staticmethod(lambda raw: read(raw)._replace(dataversion=1)))
    desk.listener = desk.another()
    desk.listens(until=lambda: not desk.held())

    assert desk.notes() == {"a": [1, 2], "b": [1]}


def test_when_too_many_letters_wait_only_their_partition_halts(make_desk):
    desk = make_desk(dead_letter_limit=3)
    desk.put(*names_in_one_partition("poison", 5), *(f"n{number}" for number in range(12)))
    desk.listens()

    assert len(desk.letters()) == 3
    assert list(desk.listener.standing.values()) == ["3 dead letters wait (limit 3)"]
    elsewhere = {f"n{number}" for number in range(12)} - set(names_in_one_partition("n", 12))
    assert elsewhere <= set(desk.notes())

    for letter in desk.letters():
        desk.discards(letter)
    desk.listens(until=lambda: desk.lag() == 0)

    assert len(desk.letters()) == 2
    assert desk.listener.standing == {}


def test_when_too_much_is_parked_only_its_partition_waits(make_desk):
    desk = make_desk(parked_limit=3)
    early, *behind = names_in_one_partition("early", 1) + names_in_one_partition("n", 3)
    desk.put(*((early, day) for day in range(1, 6)), *behind, *(f"x{number}" for number in range(12)))
    desk.listens()

    assert desk.parked() == [early] * 3
    assert "3 of its events are parked" in next(iter(desk.listener.standing.values()))
    assert not set(behind) & set(desk.notes())

    with desk.bench.work() as work:
        work.add(Note(review="late"))
    desk.time_passes(seconds=5)
    desk.listens(until=lambda: desk.lag() == 0 and not desk.held())

    assert desk.notes()[early] == [1, 2, 3, 4, 5]
    assert set(behind) <= set(desk.notes())


def test_while_something_is_down_nothing_becomes_a_dead_letter_however_long(desk):
    away = {"away": True}

    def effect(event: ReviewOverdue, work) -> None:
        write_note(overdue("down" if away["away"] else event.review, event.due.day), work)

    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    desk.put(("a", 1), ("b", 1), ("a", 2))
    for _ in range(30):
        desk.listener.listen_once(timeout=0.01)
    assert desk.listener.trouble == "waits: the toy's server is down"
    assert (desk.notes(), desk.letters(), desk.held(), desk.heard()) == ({}, [], {}, 0)

    away["away"] = False
    desk.listens(until=lambda: desk.lag() == 0)

    assert desk.notes() == {"a": [1, 2], "b": [1]}
    assert desk.listener.trouble is None


class PowerCut(BaseException):
    """What kill -9 looks like from here: nobody handles it."""


@pytest.mark.parametrize("step", ["before the commit", "after the commit", "while held events are done"])
def test_a_crash_at_any_step_loses_and_doubles_nothing(desk, monkeypatch, step):
    days = range(1, 4)
    desk.put(*(("early", day) for day in days), "poison", *(("a", day) for day in days))
    if step == "while held events are done":
        desk.listens()
        desk.put("late")
        desk.time_passes(seconds=5)
    cut_off(desk, monkeypatch, step)
    with pytest.raises(PowerCut):
        desk.listens()
    monkeypatch.undo()

    desk.consumer.close()
    desk.listener = desk.another()
    desk.put("late")
    desk.listens()
    desk.time_passes(seconds=5)
    desk.listens(until=lambda: set(desk.held()) == {"poison"})

    assert {name: days_ for name, days_ in desk.notes().items() if name != "late"} == {
        "early": [1, 2, 3], "a": [1, 2, 3],
    }  # fmt: skip
    assert len(desk.letters()) == 1
    assert (desk.parked(), desk.lag()) == ([], 0)


def cut_off(desk: Desk, monkeypatch, step: str) -> None:
    def fail(*args: object, **more: object) -> None:
        raise PowerCut(step)

    if step == "after the commit":
        monkeypatch.setattr(desk.consumer, "store", fail)
    else:
        monkeypatch.setattr("shared.db.work.Work.commit", fail)


def test_what_is_parked_and_delivered_again_is_parked_once(desk):
    desk.put(("early", 1), ("early", 2))
    desk.listens()
    desk.consumer.close()

    again = [(it.key, it.value) for it in desk.bench.platform.event_log.read([ReviewOverdue.topic])]
    desk.listener = desk.another()
    desk.put_raw(*again)
    desk.listens()
    assert desk.parked() == ["early", "early"]

    desk.put("late")
    desk.time_passes(seconds=5)
    desk.listens(until=lambda: not desk.held())
    assert desk.notes()["early"] == [1, 2]


def test_two_replicas_go_on_with_what_is_held_and_do_it_once(desk):
    names = [f"early{number}" for number in range(40)]
    desk.put(*((name, day) for day in (1, 2) for name in names))
    desk.listens()
    with desk.bench.work() as work:
        work.add(Note(review="late"))
    desk.time_passes(seconds=5)

    first, second = desk.listener, desk.another()
    for _ in range(50):
        first.listen_once(timeout=0.01)
        second.listen_once(timeout=0.01)
        if not desk.held():
            break

    assert {name: desk.notes()[name] for name in names} == {name: [1, 2] for name in names}
    assert desk.parked() == []


def test_a_fault_in_the_middle_of_what_is_parked_stops_only_its_key(desk):
    desk.put(("early1", 1), ("early2", 1), ("early1", 2), ("early2", 2), ("early1", 3))
    desk.listens()
    second_day_fails = replace(TOY, reactions=[on(ReviewOverdue, fail_on_the_second_day_of("early1"))])
    desk.listener = desk.another(second_day_fails)
    with desk.bench.work() as work:
        work.add(Note(review="late"))
    desk.time_passes(seconds=5)

    desk.listens(until=lambda: desk.letters())

    assert (desk.notes()["early1"], desk.notes()["early2"]) == ([1], [1, 2])
    assert (desk.held(), desk.parked()) == ({"early1": "fault"}, ["early1"])


def fail_on_the_second_day_of(name: str):
    def effect(event: ReviewOverdue, work) -> None:
        if (event.review, event.due.day) == (name, 2):
            raise Rejected("not on the second day")
        write_note(event, work)

    return effect


def test_a_letter_whose_type_no_longer_exists_is_not_retried_but_discarded(desk):
    letter = held_letter(desk)
    with desk.bench.running.database.session() as session:
        session.execute(
            text("UPDATE dead_letters SET value = :value"),
            {"value": letter.value.replace(b"synthesis.review.overdue", b"synthesis.review.vanished")},
        )
        session.commit()

    with pytest.raises(Rejected, match=r"knows no event 'synthesis.review.vanished': discard it"):
        desk.retries(letter)

    assert desk.discards(letter)[0].state == "discarded"


def test_a_letter_that_is_none_is_not_found(desk):
    with desk.bench.work() as work, pytest.raises(NotFound, match="toy has no dead letter 'dead_none'"):
        dead_letters.retry(TOY, "dead_none", work)


def test_ten_thousand_that_wait_for_one_event_are_parked_and_then_done(make_desk):
    desk = make_desk(batch_size=500, parked_limit=100_000)
    names = [f"early{number}" for number in range(10_000 if desk.bench.running.database.sqlite else 2_000)]
    for start in range(0, len(names), 1000):
        desk.put(*names[start : start + 1000])
    desk.listens(until=lambda: desk.lag() == 0)
    assert len(desk.held()) == len(names)

    desk.put("late")
    desk.time_passes(minutes=1)
    desk.listens(until=lambda: desk.lag() == 0 and not desk.listener._holding)

    assert len(desk.notes()) == len(names) + 1
    assert (desk.parked(), desk.letters()) == ([], [])


def test_one_that_could_be_done_is_found_among_many_of_its_review_that_cannot(desk):
    """Many of one kind that wait in vain are not all tried each time, but each is tried in its turn."""

    def effect(event: ReviewOverdue, work) -> None:
        if event.due.day > 1 and event.due.day != 28:
            raise NotYet("not on this day")
        write_note(event, work)

    desk.listener = desk.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    one_review = [desk.bench.envelope(overdue("r", day)).to_json() for day in range(2, 29)]
    desk.put_raw(*((f"key{number:02}", value) for number, value in enumerate(one_review)))
    desk.listens(until=lambda: desk.notes() == {"r": [28]})

    assert len(desk.held()) == 26


def test_what_waits_for_an_event_that_never_comes_is_given_up_and_kept_as_a_discarded_letter(desk):
    desk.put(("early", 1), ("early", 2), "a")
    desk.listens()

    assert desk.gives_up("early") == (1, 1)
    desk.listens(until=lambda: desk.held() == {"early": "not_yet"})

    (letter,) = desk.letters("discarded")
    assert (letter.slug, letter.decided_why, letter.review) == ("not_yet", "it never comes", "early")
    assert desk.parked() == ["early"], "the second of them waits as well"

    desk.put("late")
    desk.time_passes(seconds=5)
    desk.listens(until=lambda: not desk.held())
    assert desk.notes() == {"early": [2], "a": [1], "late": [1]}


def test_all_that_waits_of_one_key_is_given_up_at_once_and_read_again_it_stays_so(desk, monkeypatch):
    monkeypatch.setattr(dead_letters, "_MOST_GIVEN_UP", 2)
    desk.put(("early", 1), ("early", 2), ("early", 3))
    desk.listens()

    assert [desk.gives_up("early", whole=True), desk.gives_up("early", whole=True)] == [(0, 2), (1, 1)]
    desk.put("late", ("early", 1))
    desk.listens(until=lambda: not desk.held())

    assert len(desk.letters("discarded")) == 3
    assert desk.notes() == {"late": [1], "early": [1]}, "what is told later is another event"


def test_what_a_letter_holds_is_not_given_up(desk):
    desk.put("poison", "poison")
    desk.listens()

    assert desk.gives_up("poison", whole=True) == (0, 0)
    assert (desk.held(), desk.parked()) == ({"poison": "fault"}, ["poison"])
