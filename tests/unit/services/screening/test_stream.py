"""The stream of a review: what its people are told while they wait, without a gap or a double, and nothing of votes.

Tests of two databases begin with `either_rig`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from services.screening import jobs, store
from services.screening.store import Turned
from shared.http import streams
from shared.tokens import Person, issue_token
from tests.listening import Listener, Listening, listening
from tests.unit.services.screening.rig import REVIEW, ScreeningRig, merged
from tests.waiting import eventually

pytestmark = pytest.mark.waits

STREAM = f"/screening/reviews/{REVIEW}/stream"


@pytest.fixture(autouse=True)
def _often(monkeypatch) -> None:
    """Readers look often, so that nobody here waits for long."""
    monkeypatch.setattr(streams, "_EVERY", 0.05)
    monkeypatch.setattr(streams, "_REST", 1)
    monkeypatch.setattr(streams, "_CHECK", 0.2)


@pytest.fixture
def crowd_of() -> Iterator[Callable[[ScreeningRig], Listening]]:
    made = []

    def make(rig: ScreeningRig) -> Listening:
        opened = listening(rig.bench.app)
        made.append(opened)
        return opened.__enter__()

    yield make
    for opened in made:
        opened.__exit__(None, None, None)


@pytest.fixture
def follow(either_rig, crowd_of) -> Callable[..., Listener]:
    return _follow_in(either_rig, crowd_of(either_rig))


def _follow_in(rig: ScreeningRig, crowd: Listening) -> Callable[..., Listener]:
    def follow(name: str = "lea", role: str = "lead", last: str | None = None) -> Listener:
        return crowd.follow(STREAM, {"Authorization": rig.person(name, role).headers["Authorization"]}, last)

    return follow


def in_conflict(rig: ScreeningRig, *records: str) -> list[str]:
    """Has ana and ben disagree about each; the tasks."""
    rig.discovers(*records)
    return [
        (rig.answers("ana", "include", stage="sift"), rig.answers("ben", "exclude", stage="sift", reason="a"))[1][
            "task"
        ]
        for _ in records
    ]


def decide(rig: ScreeningRig, answer: str = "include") -> str:
    return rig.answers("cy", answer, "adjudicator", kind="conflict", stage="sift", reason="read it")["task"]


def numbered(rig: ScreeningRig) -> list[Turned]:
    with rig.bench.work("test", readonly=True) as work:
        return store.turns_after(work, REVIEW, 0, 1000)


def test_who_begins_to_follow_is_told_how_it_stands_and_then_what_changes(either_rig, follow):
    either_rig.discovers("r1")
    listener = follow("ray", "reader")

    (queue,) = eventually(lambda: listener.heard("queue"))
    (progress,) = eventually(lambda: listener.heard("progress"))
    assert queue["stages"] == either_rig.gets("/queue").json()
    assert progress["funnel"] == either_rig.gets("/funnel").json()

    either_rig.discovers("r2")
    eventually(lambda: len(listener.heard("progress")) == 2)
    assert listener.heard("queue")[-1]["stages"][0]["open"] == 2
    assert listener.heard("progress")[-1]["funnel"]["discovered"] == 2


def test_the_answer_is_an_event_stream_that_nobody_keeps_on_the_way(either_rig, follow):
    headers = follow().headers

    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store", b"no")


def test_whoever_may_adjudicate_is_told_what_becomes_of_conflicts(either_rig, follow):
    listener = follow("cy", "adjudicator")
    first, second = in_conflict(either_rig, "r1", "r2")
    decide(either_rig)
    either_rig.discovers("r3")
    either_rig.hears(merged("r2", "r3"))

    eventually(lambda: len(listener.turns()) == 5)
    *known, (third, moved) = listener.turns()
    assert known == [(first, "opened"), (second, "opened"), (first, "decided"), (second, "ended")]
    assert (third in (first, second), moved) == (False, "opened")  # Its votes went with its record.
    assert {turned["stage"] for turned in listener.heard("conflict")} == {"sift"}


def test_whoever_may_not_adjudicate_is_told_of_no_conflict_but_their_number(either_rig, follow):
    reviewer, reader = follow("dee", "reviewer"), follow("ray", "reader")
    in_conflict(either_rig, "r1")

    for listener in (reviewer, reader):
        eventually(lambda listener=listener: [q["stages"][0]["conflicts"] for q in listener.heard("queue")][-1:] == [1])
        assert listener.heard("conflict") == []
        assert listener.last.startswith("-.")


def test_no_event_says_what_anybody_answered_or_who(either_rig, follow):
    listener = follow("cy", "adjudicator")
    in_conflict(either_rig, "r1")
    eventually(lambda: listener.turns() and listener.heard("queue")[-1]["stages"][0]["conflicts"] == 1)

    heard = b"".join(listener.pieces)
    for word in (b"ana", b"ben", b'"include"', b'"exclude"', b"answer", b"votes"):
        assert word not in heard


def test_of_a_queue_of_one_task_a_first_vote_says_the_same_whatever_it_answers(rig_of, crowd_of):
    said = []
    for answer in ("include", "exclude"):
        rig = rig_of()
        follow = _follow_in(rig, crowd_of(rig))
        rig.discovers("r1")
        listener = follow("dee", "reviewer")
        first = len(eventually(lambda listener=listener: listener.heard("progress")))
        rig.answers("ana", answer, reason="a")
        rig.discovers("later")
        eventually(lambda listener=listener, first=first: len(listener.heard("progress")) > first)
        said.append([[(e["kind"], e.get("stages"), e.get("funnel"))] for e in listener.heard("queue")[-1:]])
        said[-1] += [[(e["kind"], e.get("funnel"))] for e in listener.heard("progress")[-1:]]

    assert said[0] == said[1]


def test_who_comes_back_goes_on_without_a_gap_or_a_double(either_rig, follow):
    tasks = in_conflict(either_rig, *(f"r{n}" for n in range(6)))
    heard: list[tuple[str, str]] = []
    last = None
    for _ in range(3):
        listener = follow("cy", "adjudicator", last=last)
        decide(either_rig)
        eventually(lambda listener=listener: listener.turns())
        listener.leaves()
        heard, last = heard + listener.turns(), listener.last
        decide(either_rig)  # While nobody listens.

    listener = follow("cy", "adjudicator", last=last)
    eventually(lambda: len(heard + listener.turns()) == 6)
    assert heard + listener.turns() == [(task, "decided") for task in tasks]


def test_who_comes_back_is_not_told_again_how_it_stands_where_nothing_has_changed(either_rig, follow):
    either_rig.discovers("r1")
    first = follow("cy", "adjudicator")
    eventually(lambda: first.heard("progress"))
    first.leaves()

    second = follow("cy", "adjudicator", last=first.last)
    either_rig.discovers("r2")
    eventually(lambda: second.heard("progress"))
    assert [now["funnel"]["discovered"] for now in second.heard("progress")] == [2]
    assert len(second.heard("queue")) == 1


def test_what_two_of_a_crowd_do_at_once_is_told_once_each(either_rig, follow):
    crowd = 6
    either_rig.discovers(*(f"r{n}" for n in range(40)))
    listeners = [follow("cy", "adjudicator"), follow("lea", "lead")]
    for listener in listeners:
        eventually(lambda listener=listener: listener.heard("queue"))

    def screens(name: str, answer: str) -> None:
        while task := either_rig.claims(name, stage="sift"):
            either_rig.votes(name, task["lease"], answer, reason="a")

    people = [Thread(target=screens, args=(f"p{n}", ["include", "exclude"][n % 2])) for n in range(crowd)]
    for n in range(crowd):
        either_rig.person(f"p{n}")
    for person in people:
        person.start()
    for person in people:
        person.join()

    waiting = [conflict["task"] for conflict in either_rig.gets("/conflicts", limit=100).json()["items"]]
    for listener in listeners:
        eventually(lambda listener=listener: len(listener.turns()) >= len(waiting))
        assert sorted(listener.turns()) == sorted((task, "opened") for task in waiting)
    assert [turned.number for turned in numbered(either_rig)] == [*range(1, len(waiting) + 1)]


def test_a_listener_who_takes_nothing_costs_nothing_and_misses_nothing(rig, crowd_of, monkeypatch):
    monkeypatch.setattr("services.screening.api.stream._KEPT", 5)
    follow = _follow_in(rig, crowd_of(rig))
    slow, quick = follow("cy", "adjudicator"), follow("lea", "lead")
    eventually(lambda: slow.heard("progress") and quick.heard("progress"))
    slow.takes = len(slow.pieces)
    tasks = list[str]()
    for part in range(3):
        tasks += in_conflict(rig, *(f"r{part}{n}" for n in range(10)))
        eventually(lambda part=part: len(quick.turns()) == 10 * (part + 1))
    taken = len(slow.pieces)
    slow.takes_again()

    eventually(lambda: len(slow.turns()) == 30)
    assert [task for task, _ in slow.turns()] == tasks
    queues = [e["stages"][0]["conflicts"] for e in slow.heard("queue")]
    assert queues[-1] == 30
    assert len(queues) < len(quick.heard("queue"))  # It was told how it stands now, not how it stood meanwhile.
    assert taken < len(slow.pieces)


def test_all_who_follow_a_review_are_served_by_one_reader(rig, crowd_of, monkeypatch):
    looks = []
    look = store.counted
    monkeypatch.setattr("services.screening.api.stream.store.counted", lambda *a: looks.append(a[1]) or look(*a))
    crowd = crowd_of(rig)
    for n in range(200):
        crowd.follow(STREAM, {"Authorization": rig.person(f"p{n}", "reviewer").headers["Authorization"]})
    held = rig.bench.app.state.streams

    assert (held.listeners, held.readers) == (200, 1)
    assert sum(gate.working for gate in rig.bench.app.state.gates.all()) <= 1
    looks.clear()
    rig.bench.clock.advance(seconds=1)
    eventually(lambda: len(looks) >= 3)
    before = len(looks)
    rig.discovers("r1")
    eventually(lambda: len(looks) > before + 2)
    assert held.readers == 1


def test_once_the_last_has_left_nobody_looks_any_more(rig, crowd_of):
    follow = _follow_in(rig, crowd_of(rig))
    first, second = follow("ana"), follow("ben")
    first.leaves()
    assert rig.bench.app.state.streams.readers == 1
    second.leaves()

    assert (rig.bench.app.state.streams.readers, rig.bench.app.state.streams.listeners) == (0, 0)


def test_a_member_who_leaves_or_gets_another_role_is_cut_off(rig, crowd_of):
    follow = _follow_in(rig, crowd_of(rig))
    leaves, stays = follow("ana", "reviewer"), follow("ben", "reviewer")
    rig.bench.platform.withdrawals.withdrawn.add("ana", 1)

    eventually(lambda: leaves.ended)
    assert not stays.ended


def test_a_token_that_is_over_ends_its_stream(rig, crowd_of):
    person = Person.member("ana", "reviewer", ("*",))
    token = issue_token(rig.bench.platform.ring, person, now=datetime.now(UTC), valid_for=timedelta(seconds=3))
    listener = crowd_of(rig).follow(STREAM, {"Authorization": f"Bearer {token}"})
    assert (listener.status, listener.ended) == (200, False)

    eventually(lambda: listener.ended)


def test_when_the_process_stops_every_stream_ends_in_order(rig, crowd_of):
    follow = _follow_in(rig, crowd_of(rig))
    listeners = [follow(name) for name in ("ana", "ben", "cy")]
    rig.bench.app.state.gates.close()

    for listener in listeners:
        eventually(lambda listener=listener: listener.ended)
    assert follow("dee").status == 503


def test_a_stream_says_that_it_is_there_while_nothing_happens(rig, crowd_of, monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT", 0.0)
    listener = _follow_in(rig, crowd_of(rig))("ana")

    eventually(lambda: listener.pieces.count(b": ping\n\n") >= 2)


def test_what_was_kept_no_more_is_said_to_whoever_comes_back(rig, crowd_of):
    follow = _follow_in(rig, crowd_of(rig))
    listener = follow("cy", "adjudicator")
    in_conflict(rig, "r1")
    eventually(lambda: listener.turns())
    listener.leaves()
    in_conflict(rig, "r2", "r3")
    with rig.bench.work("test") as work:
        assert jobs.old_conflict_turns(work, datetime.max.replace(tzinfo=UTC), 1000) == 3

    back = follow("cy", "adjudicator", last=listener.last)
    assert len(eventually(lambda: back.heard("gap"))) == 1
    (task,) = in_conflict(rig, "r4")
    eventually(lambda: back.turns())
    assert back.turns() == [(task, "opened")]


def test_an_id_of_a_database_that_is_there_no_more_is_a_gap(rig, crowd_of):
    back = _follow_in(rig, crowd_of(rig))("cy", "adjudicator", last="77.00000000.00000000")

    assert eventually(lambda: back.heard("gap"))[0]["id"].startswith("0.")


def test_who_has_heard_more_from_another_process_is_told_of_no_gap(either_rig, follow, monkeypatch):
    monkeypatch.setattr(streams, "_EVERY", 3600)
    first = follow()
    eventually(lambda: first.heard("queue"))  # This process looks no more for now.
    in_conflict(either_rig, "r1")
    with either_rig.bench.work("another process") as work:
        assert store.number_turns(work, REVIEW) == 1

    back = follow("cy", "adjudicator", last="1.00000000.00000000")

    assert eventually(lambda: back.heard("queue"))[0]["id"].startswith("1.")
    assert (back.heard("gap"), back.turns()) == ([], [])


def test_one_person_may_not_open_streams_without_an_end(rig, crowd_of):
    follow = _follow_in(rig, crowd_of(rig))
    for _ in range(10):
        assert follow("ana").status == 200

    refused = follow("ana")
    assert (refused.status, follow("ben").status) == (429, 200)


def test_what_cannot_be_followed_is_refused_before_anything_is_sent(rig, crowd_of):
    crowd = crowd_of(rig)
    asked = {"Authorization": rig.person("ana").headers["Authorization"]}

    assert crowd.follow("/screening/reviews/moon/stream", asked).status == 404
    assert crowd.follow(STREAM, asked, last="yesterday").status == 422
    assert crowd.follow(f"{STREAM}?from=1", asked).status == 422
    assert crowd.follow(STREAM, {}).status == 401
