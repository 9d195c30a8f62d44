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
from tests.unit.shared.bus.rig import ListenerRig, names_in_one_partition


def test_what_comes_too_early_is_parked_and_its_partition_goes_on(rig):
    early, *others = names_in_one_partition("early", 1) + names_in_one_partition("n", 5)

    rig.put(early, *others)
    rig.listens()

    assert rig.notes() == {other: [1] for other in others}
    assert (rig.held(), rig.parked(), rig.lag()) == ({early: "not_yet"}, [early], 0)
    assert rig.letters() == []


def test_it_is_done_with_all_behind_it_in_order_once_the_other_event_has_come(rig):
    rig.put(("early", 1), ("early", 2), "a", ("early", 3))
    rig.listens()
    assert rig.parked() == ["early"] * 3

    rig.put("late")
    rig.put(("early", 4))
    rig.time_passes(seconds=1)
    rig.listens(until=lambda: not rig.held())

    assert rig.notes() == {"early": [1, 2, 3, 4], "a": [1], "late": [1]}
    assert rig.parked() == []


def test_an_event_of_its_review_is_reason_enough_to_try_again(rig):
    """Without waiting for the clock: the toy's reviews are its keys, so the other event has the same review."""
    needs_note = replace(TOY, reactions=[on(ReviewOverdue, only_after_the_third_day)])
    rig.listener = rig.another(needs_note)
    rig.put(("r", 1), ("r", 2))
    rig.listens()
    assert rig.held() == {"r": "not_yet"}

    # Under another key, as a protocol is beside its records.
    rig.put_raw(("another key", rig.bench.envelope(overdue("r", 3)).to_json()))
    rig.listener._look_at = 0.0
    rig.listens(until=lambda: not rig.held())

    assert rig.notes() == {"r": [3, 1, 2]}


def only_after_the_third_day(work, event: ReviewOverdue) -> None:
    if event.due.day != 3 and work.session.get(Note, event.review) is None:
        write_note(work, overdue("early"))
    write_note(work, event)


def test_waiting_is_normal_for_a_minute_and_then_it_is_told(rig):
    rig.put("early")
    rig.listens()
    assert rig.health() == "ok"

    rig.time_passes(minutes=2)

    assert rig.health().startswith("1 key is held (1 not yet), the oldest since ")
    assert rig.health().endswith("synthesis.reviews/early: early needs late first")


def test_however_long_it_waits_it_becomes_no_dead_letter(rig):
    rig.put("early")
    rig.listens()

    for _ in range(8):
        rig.time_passes(hours=1)
        rig.listens()

    assert (rig.letters(), rig.held()) == ([], {"early": "not_yet"})


def test_a_clock_that_is_set_back_makes_nothing_wait_for_as_long(rig):
    rig.put("early")
    rig.listens()
    with rig.bench.work() as work:
        work.add(Note(review="late"))

    rig.clock_is_set_back(days=1)
    rig.listens(until=lambda: not rig.held())

    assert rig.notes()["early"] == [1]


def test_a_fault_is_tried_a_few_times_and_then_holds_its_key_with_its_place(rig):
    rig.put(("buggy", 1), ("buggy", 2), "a")
    rig.listens(until=lambda: rig.letters())
    rig.listens()

    (letter,) = rig.letters()
    assert (letter.slug, letter.raised_at, letter.holds) == ("key_error", "tests.toy:write_note", True)
    assert "no entry for buggy" in letter.reason
    assert (letter.key, letter.review, letter.type) == ("buggy", "buggy", "synthesis.review.overdue")
    assert (rig.held(), rig.parked()) == ({"buggy": "fault"}, ["buggy"])
    assert rig.notes() == {"a": [1]}
    assert "1 fault" in rig.health()


def test_a_fault_that_passes_leaves_nothing_behind(rig):
    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, fails_twice())]))
    rig.put(("r", 1), ("r", 2))
    rig.listens(until=lambda: len(rig.notes().get("r", [])) == 2)

    assert (rig.notes(), rig.letters(), rig.held()) == ({"r": [1, 2]}, [], {})


def fails_twice():
    failures = iter([ValueError("once"), ValueError("twice")])

    def effect(work, event: ReviewOverdue) -> None:
        write_note(work, event)
        for failure in failures:
            raise failure

    return effect


def test_what_will_never_work_is_not_tried_twice(rig):
    tries = []

    def effect(work, event: ReviewOverdue) -> None:
        tries.append(event.review)
        write_note(work, event)

    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    rig.put("a", "poison")
    rig.listens()

    # Once among its neighbours, and once as what it is.
    assert tries.count("poison") == 2
    assert [letter.slug for letter in rig.letters()] == ["rejected"]


def test_a_failed_event_leaves_nothing_of_itself_and_nothing_of_its_neighbours_undone(rig):
    def effect(work, event: ReviewOverdue) -> None:
        write_note(work, event)
        if event.review == "half":
            raise Rejected("half-way through")

    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    rig.put("a", "half", "b")
    rig.listens()

    assert set(rig.notes()) == {"a", "b"}
    assert sorted(event.review for event in rig.bench.all_emitted()) == ["a", "b"]


def test_a_retried_letter_is_done_and_all_behind_it_follow_in_order(rig):
    letter = held_letter(rig)
    with pytest.raises(Rejected, match="never works"):
        rig.retries(letter)
    assert [it.state for it in rig.letters()] == ["waiting"]

    rig.mend(letter, overdue("mended", 1))
    rig.retries(letter)
    assert rig.held() == {"poison": "released"}
    mended = replace(TOY, reactions=[on(ReviewOverdue, write_mended)])
    rig.listener = rig.another(mended)
    rig.listens(until=lambda: not rig.held())

    assert rig.notes() == {"mended": [1, 2, 3], "a": [1]}
    (letter,) = rig.letters("retried")
    assert letter.decided_by == "ada"
    with pytest.raises(Conflict, match="retried already"):
        rig.retries(letter)


def write_mended(work, event: ReviewOverdue) -> None:
    """What a later release does."""
    write_note(work, event.model_copy(update={"review": "mended"}))


def held_letter(rig: ListenerRig):
    rig.put(("poison", 1), ("poison", 2), "a", ("poison", 3))
    rig.listens()
    (letter,) = rig.letters()
    return letter


def test_a_discarded_letter_is_never_done_and_those_behind_it_go_on_without_it(rig):
    letter = held_letter(rig)
    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, write_mended)]))

    discarded, behind = rig.discards(letter, "the source took it back")
    rig.listens(until=lambda: not rig.held())

    assert (discarded.state, discarded.decided_why, behind) == ("discarded", "the source took it back", 2)
    assert rig.notes() == {"mended": [2, 3], "a": [1]}
    with pytest.raises(Conflict, match="discarded already"):
        rig.discards(letter)


def test_when_the_next_behind_a_discarded_one_fails_too_it_holds_the_key_in_its_place(rig):
    letter = held_letter(rig)

    rig.discards(letter)
    rig.listens(until=lambda: rig.letters())
    rig.listens()

    (next_letter,) = rig.letters()
    assert next_letter.offset == letter.offset + 1
    assert (rig.held(), rig.parked()) == ({"poison": "fault"}, ["poison"])


def test_what_cannot_be_read_holds_nothing(rig):
    bad = rig.bench.envelope(overdue("a")).to_json().replace(b'"due":"2020-01-01"', b'"due":"not a day!"')
    rig.put_raw(("a", bad))
    rig.put(("a", 2))
    rig.listens()

    (letter,) = rig.letters()
    assert (letter.slug, letter.holds, letter.raised_at) == ("bad_data", False, "")
    assert (rig.notes(), rig.held()) == ({"a": [2]}, {})


@pytest.mark.parametrize(("part", "bad"), [("key", "a\0b"), ("id", "evt_\\u0000")])
def test_text_that_no_database_keeps_is_set_aside_and_not_tried_for_ever(rig, part, bad):
    envelope = rig.bench.envelope(overdue("a"))
    value = envelope.to_json() if part == "key" else envelope.to_json().replace(envelope.id.encode(), bad.encode())
    rig.put_raw((bad if part == "key" else "a", value))
    rig.put("b")
    rig.listens()

    assert [letter.slug for letter in rig.letters()] == ["not_an_envelope"]
    assert (rig.notes(), rig.lag()) == ({"b": [1]}, 0)


def test_an_unknown_type_is_passed_over_and_counted_by_its_topic(rig):
    value = rig.bench.envelope(overdue("a")).to_json().replace(b"synthesis.review.overdue", b"no.such.type")
    rig.put_raw(*[("a", value)] * 3)
    rig.put("b")
    rig.listens()

    assert (rig.letters(), rig.held(), rig.lag()) == ([], {}, 0)
    assert rig.listener.unknown == {"synthesis.reviews": 3}
    assert rig.notes() == {"b": [1]}


def test_an_unknown_version_is_parked_until_a_release_knows_it(rig, monkeypatch):
    newer = rig.bench.envelope(overdue("a", 1)).to_json().replace(b'"dataversion":1', b'"dataversion":9')
    rig.put_raw(("a", newer))
    rig.put(("a", 2), "b")
    rig.listens()
    assert (rig.held(), rig.parked(), rig.letters()) == ({"a": "unknown_version"}, ["a", "a"], [])
    assert "unknown version" in rig.health()
    assert rig.notes() == {"b": [1]}

    # As if the next release knew version 9: it is understood as what it was made of.
    read = Envelope.from_json
    monkeypatch.setattr(Envelope, "from_json", staticmethod(lambda raw: read(raw)._replace(dataversion=1)))
    rig.listener = rig.another()
    rig.listens(until=lambda: not rig.held())

    assert rig.notes() == {"a": [1, 2], "b": [1]}


@pytest.mark.parametrize("number", [b"0", b"-1", b"1001", b"9000000000000000000"])
def test_a_version_that_no_release_will_ever_have_is_set_aside_and_holds_nothing(rig, number):
    odd = rig.bench.envelope(overdue("a")).to_json().replace(b'"dataversion":1', b'"dataversion":' + number)
    rig.put_raw(("a", odd))
    rig.put(("a", 2))
    rig.listens()

    (letter,) = rig.letters()
    assert (letter.slug, letter.holds, rig.held(), rig.parked()) == ("not_an_envelope", False, {}, [])
    assert letter.reason == "the envelope's 'dataversion' is no version's number, which is from 1 to 1000"
    assert rig.notes() == {"a": [2]}


def test_when_too_many_letters_wait_only_their_partition_halts(make_rig):
    rig = make_rig(dead_letter_limit=3)
    rig.put(*names_in_one_partition("poison", 5), *(f"n{number}" for number in range(12)))
    rig.listens()

    assert len(rig.letters()) == 3
    assert list(rig.listener.standing.values()) == ["3 dead letters wait (limit 3)"]
    elsewhere = {f"n{number}" for number in range(12)} - set(names_in_one_partition("n", 12))
    assert elsewhere <= set(rig.notes())

    for letter in rig.letters():
        rig.discards(letter)
    rig.listens(until=lambda: rig.lag() == 0)

    assert len(rig.letters()) == 2
    assert rig.listener.standing == {}


def test_when_too_much_is_parked_only_its_partition_waits(make_rig):
    rig = make_rig(parked_limit=3)
    early, *behind = names_in_one_partition("early", 1) + names_in_one_partition("n", 3)
    rig.put(*((early, day) for day in range(1, 6)), *behind, *(f"x{number}" for number in range(12)))
    rig.listens()

    assert rig.parked() == [early] * 3
    assert "3 of its events are parked" in next(iter(rig.listener.standing.values()))
    assert not set(behind) & set(rig.notes())

    with rig.bench.work() as work:
        work.add(Note(review="late"))
    rig.time_passes(seconds=5)
    rig.listens(until=lambda: rig.lag() == 0 and not rig.held())

    assert rig.notes()[early] == [1, 2, 3, 4, 5]
    assert set(behind) <= set(rig.notes())


def test_while_something_is_down_nothing_becomes_a_dead_letter_however_long(rig):
    away = {"away": True}

    def effect(work, event: ReviewOverdue) -> None:
        write_note(work, overdue("down" if away["away"] else event.review, event.due.day))

    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    rig.put(("a", 1), ("b", 1), ("a", 2))
    for _ in range(30):
        rig.listener.listen_once(timeout=0.01)
    assert rig.listener.trouble == "waits: the toy's server is down"
    assert (rig.notes(), rig.letters(), rig.held(), rig.heard()) == ({}, [], {}, 0)

    away["away"] = False
    rig.listens(until=lambda: rig.lag() == 0)

    assert rig.notes() == {"a": [1, 2], "b": [1]}
    assert rig.listener.trouble is None


class PowerCut(BaseException):
    """What kill -9 looks like from here: nobody handles it."""


@pytest.mark.parametrize("step", ["before the commit", "after the commit", "while held events are done"])
def test_a_crash_at_any_step_loses_and_doubles_nothing(rig, monkeypatch, step):
    days = range(1, 4)
    rig.put(*(("early", day) for day in days), "poison", *(("a", day) for day in days))
    if step == "while held events are done":
        rig.listens()
        rig.put("late")
        rig.time_passes(seconds=5)
    cut_off(rig, monkeypatch, step)
    with pytest.raises(PowerCut):
        rig.listens()
    monkeypatch.undo()

    rig.consumer.close()
    rig.listener = rig.another()
    rig.put("late")
    rig.listens()
    rig.time_passes(seconds=5)
    rig.listens(until=lambda: set(rig.held()) == {"poison"})

    assert {name: days_ for name, days_ in rig.notes().items() if name != "late"} == {
        "early": [1, 2, 3], "a": [1, 2, 3],
    }  # fmt: skip
    assert len(rig.letters()) == 1
    assert (rig.parked(), rig.lag()) == ([], 0)


def cut_off(rig: ListenerRig, monkeypatch, step: str) -> None:
    def fail(*args: object, **more: object) -> None:
        raise PowerCut(step)

    if step == "after the commit":
        monkeypatch.setattr(rig.consumer, "store", fail)
    else:
        monkeypatch.setattr("shared.db.work.Work.commit", fail)


def test_what_is_parked_and_delivered_again_is_parked_once(rig):
    rig.put(("early", 1), ("early", 2))
    rig.listens()
    rig.consumer.close()

    again = [(it.key, it.value) for it in rig.bench.platform.event_log.read([ReviewOverdue.topic])]
    rig.listener = rig.another()
    rig.put_raw(*again)
    rig.listens()
    assert rig.parked() == ["early", "early"]

    rig.put("late")
    rig.time_passes(seconds=5)
    rig.listens(until=lambda: not rig.held())
    assert rig.notes()["early"] == [1, 2]


def test_two_replicas_go_on_with_what_is_held_and_do_it_once(rig):
    names = [f"early{number}" for number in range(40)]
    rig.put(*((name, day) for day in (1, 2) for name in names))
    rig.listens()
    with rig.bench.work() as work:
        work.add(Note(review="late"))
    rig.time_passes(seconds=5)

    first, second = rig.listener, rig.another()
    for _ in range(50):
        first.listen_once(timeout=0.01)
        second.listen_once(timeout=0.01)
        if not rig.held():
            break

    assert {name: rig.notes()[name] for name in names} == {name: [1, 2] for name in names}
    assert rig.parked() == []


def test_a_fault_in_the_middle_of_what_is_parked_stops_only_its_key(rig):
    rig.put(("early1", 1), ("early2", 1), ("early1", 2), ("early2", 2), ("early1", 3))
    rig.listens()
    second_day_fails = replace(TOY, reactions=[on(ReviewOverdue, fail_on_the_second_day_of("early1"))])
    rig.listener = rig.another(second_day_fails)
    with rig.bench.work() as work:
        work.add(Note(review="late"))
    rig.time_passes(seconds=5)

    rig.listens(until=lambda: rig.letters())

    assert (rig.notes()["early1"], rig.notes()["early2"]) == ([1], [1, 2])
    assert (rig.held(), rig.parked()) == ({"early1": "fault"}, ["early1"])


def fail_on_the_second_day_of(name: str):
    def effect(work, event: ReviewOverdue) -> None:
        if (event.review, event.due.day) == (name, 2):
            raise Rejected("not on the second day")
        write_note(work, event)

    return effect


def test_a_letter_whose_type_no_longer_exists_is_not_retried_but_discarded(rig):
    letter = held_letter(rig)
    with rig.bench.running.database.session() as session:
        session.execute(
            text("UPDATE dead_letters SET value = :value"),
            {"value": letter.value.replace(b"synthesis.review.overdue", b"synthesis.review.vanished")},
        )
        session.commit()

    with pytest.raises(Rejected, match=r"knows no event 'synthesis.review.vanished': discard it"):
        rig.retries(letter)

    assert rig.discards(letter)[0].state == "discarded"


def test_a_letter_that_is_none_is_not_found(rig):
    with rig.bench.work() as work, pytest.raises(NotFound, match="toy has no dead letter 'dead_none'"):
        dead_letters.retry(work, TOY, "dead_none")


def test_ten_thousand_that_wait_for_one_event_are_parked_and_then_done(make_rig):
    rig = make_rig(batch_size=500, parked_limit=100_000)
    names = [f"early{number}" for number in range(10_000 if rig.bench.running.database.sqlite else 2_000)]
    for start in range(0, len(names), 1000):
        rig.put(*names[start : start + 1000])
    rig.listens(until=lambda: rig.lag() == 0)
    assert len(rig.held()) == len(names)

    rig.put("late")
    rig.time_passes(minutes=1)
    rig.listens(until=lambda: rig.lag() == 0 and not rig.listener._holding)

    assert len(rig.notes()) == len(names) + 1
    assert (rig.parked(), rig.letters()) == ([], [])


def test_one_that_could_be_done_is_found_among_many_of_its_review_that_cannot(rig):
    """Many of one kind that wait in vain are not all tried each time, but each is tried in its turn."""

    def effect(work, event: ReviewOverdue) -> None:
        if event.due.day > 1 and event.due.day != 28:
            raise NotYet("not on this day")
        write_note(work, event)

    rig.listener = rig.another(replace(TOY, reactions=[on(ReviewOverdue, effect)]))
    one_review = [rig.bench.envelope(overdue("r", day)).to_json() for day in range(2, 29)]
    rig.put_raw(*((f"key{number:02}", value) for number, value in enumerate(one_review)))
    rig.listens(until=lambda: rig.notes() == {"r": [28]})

    assert len(rig.held()) == 26


def test_what_waits_for_an_event_that_never_comes_is_given_up_and_kept_as_a_discarded_letter(rig):
    rig.put(("early", 1), ("early", 2), "a")
    rig.listens()

    assert rig.gives_up("early") == (1, 1)
    rig.listens(until=lambda: rig.held() == {"early": "not_yet"})

    (letter,) = rig.letters("discarded")
    assert (letter.slug, letter.decided_why, letter.review) == ("not_yet", "it never comes", "early")
    assert rig.parked() == ["early"], "the second of them waits as well"

    rig.put("late")
    rig.time_passes(seconds=5)
    rig.listens(until=lambda: not rig.held())
    assert rig.notes() == {"early": [2], "a": [1], "late": [1]}


def test_all_that_waits_of_one_key_is_given_up_at_once_and_read_again_it_stays_so(rig, monkeypatch):
    monkeypatch.setattr(dead_letters, "_MOST_GIVEN_UP", 2)
    rig.put(("early", 1), ("early", 2), ("early", 3))
    rig.listens()

    assert [rig.gives_up("early", whole=True), rig.gives_up("early", whole=True)] == [(0, 2), (1, 1)]
    rig.put("late", ("early", 1))
    rig.listens(until=lambda: not rig.held())

    assert len(rig.letters("discarded")) == 3
    assert rig.notes() == {"late": [1], "early": [1]}, "what is told later is another event"


def test_what_a_letter_holds_is_not_given_up(rig):
    rig.put("poison", "poison")
    rig.listens()

    assert rig.gives_up("poison", whole=True) == (0, 0)
    assert (rig.held(), rig.parked()) == ({"poison": "fault"}, ["poison"])
