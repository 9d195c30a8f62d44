"""A vote is taken back: free until the last independent one is in, blind until then, told with the closing alone."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.screening import TaskClosed
from tests.unit.services.screening.rig import REVIEW, SIFT, ScreeningRig, merged, parted, protocol, published
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_queries import cost
from tests.unit.services.screening.test_views import events_seen

NO = {"reason": "SECRET"}


def take_back(rig: ScreeningRig, name: str, task: str, role: str = "reviewer", key: str | None = None) -> Any:
    path = f"/screening/reviews/{REVIEW}/tasks/{task}/take-back"
    return rig.person(name, role).post(path, headers={"Idempotency-Key": key} if key else {})


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["title"]


def seen_by(rig: ScreeningRig, name: str, role: str = "reviewer", record: str = "r1") -> list[tuple[str, str]]:
    """Whose votes on the record's first task someone sees, those taken back as well."""
    stage = rig.gets(f"/records/{record}", name, role).json()["stages"][0]
    return [(vote["person"], vote["answer"]) for vote in stage["votes"] + stage["taken_back"]]


def test_a_vote_that_is_taken_back_counts_nowhere_and_its_task_may_be_claimed_again(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    task = rig.answers("ana", "exclude", **NO)["task"]

    undone = take_back(rig, "ana", task)

    assert undone.status_code == 200
    assert undone.json() == {"task": task, "record": "r1", "stage": "sift", "state": "open", "judgement": None}
    (stage,) = rig.record("r1")["stages"]
    assert (stage["votes_cast"], stage["votes"]) == (0, [])
    assert [(vote["answer"], vote["taken_back_at"]) for vote in stage["taken_back"]] == [
        ("exclude", "2020-01-01T00:00:00Z")
    ]
    assert rig.gets("/agreement", "lea", "lead").json()[0]["one_vote"] == 0
    assert_sound(rig.bench, REVIEW, {(task, "ana")})

    again = rig.claims("ana")
    assert again["task"] == task, "its turn in the queue is as it was"
    assert rig.votes("ana", again["lease"], "include").status_code == 200
    assert rig.answers("ben", "include")["judgement"]["answer"] == "include"
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ana"), (task, "ben")])


def test_a_vote_taken_back_is_told_when_its_task_is_closed_and_not_before(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "exclude", **NO)["task"]
    take_back(rig, "ana", task)
    rig.answers("ana", "include")

    before = [
        rig.gets(path, "ben", "lead").text for path in ("/records/r1", "/events", "/stages/sift/tasks", "/funnel")
    ]
    assert not [text for text in before if "SECRET" in text]

    rig.answers("ben", "include")

    (closed,) = rig.bench.emitted(TaskClosed)
    assert [(vote.person, vote.answer) for vote in closed.judgement.votes] == [("ana", "include"), ("ben", "include")]
    (taken_back,) = closed.taken_back
    assert (taken_back.person, taken_back.answer, taken_back.reason) == ("ana", "exclude", "SECRET")
    assert taken_back.taken_back_at is not None
    assert seen_by(rig, "cleo", "reader") == [("ana", "include"), ("ben", "include"), ("ana", "exclude")]


def test_a_task_on_which_nobody_took_a_vote_back_is_told_as_ever(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "include")

    (closed,) = rig.bench.emitted(TaskClosed)

    assert set(closed.model_dump(mode="json")) == {"review", "record", "task", "revision", "judgement"}
    assert set(closed.model_dump(mode="json")["judgement"]["votes"][0]) == {
        "person", "answer", "reason", "fields", "cast_at",
    }  # fmt: skip


@pytest.mark.parametrize(("second", "state"), [("include", "advanced"), ("unsure", "conflict")])
def test_once_the_last_independent_vote_is_in_none_is_taken_back(rig, second, state):
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]
    assert rig.answers("ben", second)["state"] == state

    for name in ("ana", "ben"):
        assert refused(take_back(rig, name, task)) == (409, "votes are in")
    assert rig.record("r1")["stages"][0]["votes_cast"] == 2
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben")})


def test_nobody_takes_back_a_vote_that_is_not_there_or_is_anothers(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]

    assert refused(take_back(rig, "ben", task)) == (404, "no vote")
    assert refused(take_back(rig, "lea", task, "lead")) == (404, "no vote")
    assert refused(take_back(rig, "ana", "task_of_nothing")) == (404, "unknown task")
    assert refused(take_back(rig, "cleo", task, "reader"))[0] == 403
    assert rig.record("r1")["stages"][0]["votes_cast"] == 1

    assert take_back(rig, "ana", task).status_code == 200
    assert refused(take_back(rig, "ana", task)) == (404, "no vote")


def test_a_request_sent_again_under_its_key_takes_no_second_vote_back(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]
    first = take_back(rig, "ana", task, key="key-of-ana-1")
    rig.answers("ana", "exclude", **NO)

    again = take_back(rig, "ana", task, key="key-of-ana-1")

    assert (first.status_code, again.text) == (200, first.text)
    assert rig.record("r1")["stages"][0]["votes_cast"] == 1


def test_of_three_votes_nobody_sees_another_before_the_last_is_in(rig_of):
    rig = rig_of({**SIFT, "votes": 3})
    rig.discovers("r1")
    rig.answers("ana", "exclude", **NO)
    rig.answers("ben", "include")

    assert seen_by(rig, "ana") == [("ana", "exclude")]
    assert seen_by(rig, "ben") == [("ben", "include")]
    assert "SECRET" not in str(events_seen(rig, "ben", "lead"))

    rig.answers("cy", "include")
    everyone = [("ana", "exclude"), ("ben", "include"), ("cy", "include")]
    assert [seen_by(rig, name) for name in ("ana", "ben", "cy")] == [everyone] * 3
    assert seen_by(rig, "dee", "adjudicator") == []


def test_a_vote_taken_back_is_seen_by_its_person_alone_while_the_conflict_waits(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "exclude", **NO)["task"]
    take_back(rig, "ana", task)
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")

    lease = rig.claims("dee", "adjudicator", kind="conflict")["lease"]
    assert seen_by(rig, "dee", "adjudicator") == []
    conflict = rig.looks("dee", lease, "unsure")

    assert [vote["answer"] for vote in conflict["votes"]] == ["include", "unsure"]
    assert seen_by(rig, "ben") == seen_by(rig, "dee", "adjudicator") == [("ana", "include"), ("ben", "unsure")]
    assert seen_by(rig, "ana") == [("ana", "include"), ("ben", "unsure"), ("ana", "exclude")]


def test_a_vote_that_came_by_a_merger_is_taken_back_where_it_counts_now(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]
    rig.discovers("r2")
    other = rig.gets("/stages/sift/tasks").json()["items"][1]["task"]
    rig.hears(merged("r1", into="r2"))

    gone = take_back(rig, "ana", task)
    assert refused(gone) == (409, "merged") and "'r2'" in gone.json()["detail"]
    assert take_back(rig, "ana", other).status_code == 200
    assert_sound(rig.bench, REVIEW, {(task, "ana")})

    rig.hears(parted("r1", out_of="r2"))
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0
    assert_sound(rig.bench, REVIEW, {(task, "ana")})


def test_beside_a_vote_that_others_have_seen_none_is_taken_back(rig_of):
    """Ana and ben know each other's votes, and cy theirs, from the record that they were cast on."""
    rig = rig_of({**SIFT, "votes": 2})
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", **NO)
    rig.hears(published(protocol({**SIFT, "votes": 4}), version=2))
    rig.discovers("r3")
    rig.answers("cy", "include")  # On r2, which was opened for two votes.
    mine = rig.answers("cy", "include")
    assert mine["record"] == "r3"

    rig.hears(merged("r1", into="r3"))

    assert rig.gets("/records/r3", "cy").json()["stages"][0]["votes_cast"] == 3
    for name in ("ana", "ben", "cy"):
        assert refused(take_back(rig, name, mine["task"])) == (409, "votes are in")


@pytest.mark.parametrize("answer", ["unsure", "exclude"])
def test_what_a_first_vote_costs_and_what_follows_does_not_hang_on_what_it_says(rig_of, answer):
    """Nobody reads a first vote off how long it takes, off any count, or off what the next claim brings."""
    assert after_a_first_vote(rig_of(), answer) == after_a_first_vote(rig_of(), "include")


def after_a_first_vote(rig: ScreeningRig, answer: str) -> list[Any]:
    """How many statements it took, how the stages stand then, and the order in which somebody else gets the records."""
    rig.discovers("r0", "r1", "r2", "r3")
    rig.answers("zoe", answer, **NO)  # The first reads the protocol, once per process.
    (lease,) = [task["lease"] for task in rig.claims_many("ana", count=2) if task["record"]["record"] == "r1"]
    statements = cost(rig, lambda: rig.votes("ana", lease, answer, **NO))
    shown = [rig.gets(path, "ben", "lead").json() for path in ("/queue", "/funnel", "/conflicts")]
    return [statements, shown, [task["record"]["record"] for task in rig.claims_many("ben", count=4)]]


def test_who_took_a_vote_back_changes_nobodys_turn(rig):
    rig.discovers("r1", "r2", "r3")
    task = rig.answers("ana", "include")["task"]
    take_back(rig, "ana", task)

    assert [held["record"]["record"] for held in rig.claims_many("ben", count=3)] == ["r1", "r2", "r3"]
