"""Shares of double screening: names alone say which records get two votes, and nobody sees it before voting."""

from __future__ import annotations

from typing import Any

import pytest

from services.screening import domain
from shared.events.screening import TaskOpened
from shared.events.stages import Stage
from tests.unit.services.screening.rig import REVIEW, SIFT, ScreeningRig, merged
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_queue import records_of

HALF = {**SIFT, "double_screened": 50}
NAMES = [f"r{number}" for number in range(20)]
TWICE = [name for name in NAMES if domain.votes_needed(Stage.model_validate(HALF), REVIEW, name) == 2]
ONCE = [name for name in NAMES if name not in TWICE]


@pytest.fixture
def rig(rig_of) -> ScreeningRig:
    return rig_of(HALF)


def test_a_record_of_the_share_waits_for_two_votes_and_any_other_for_one(rig):
    twice, once = TWICE[0], ONCE[0]
    rig.discovers(twice, once)

    cast = set()
    for task in rig.claims_many("ana", count=2):
        rig.votes("ana", task["lease"], "include")
        cast.add((task["task"], "ana"))

    assert {name: rig.record(name)["state"] for name in (twice, once)} == {twice: "screening", once: "included"}
    (left,) = rig.claims_many("ben", count=2)
    assert left["record"]["record"] == twice
    assert rig.votes("ben", left["lease"], "include").json()["state"] == "advanced"
    assert_sound(rig.bench, REVIEW, cast | {(left["task"], "ben")})


def test_one_vote_alone_that_asks_for_an_adjudicator_gets_one(rig):
    rig.discovers(ONCE[0])

    assert rig.answers("ana", "unsure")["state"] == "conflict"


def seen_of(rig: ScreeningRig, name: str, role: str) -> dict[str, Any]:
    """What listings, histories and events say to somebody of two records, one of them of the share."""
    seen: dict[str, Any] = {}
    events = rig.person(name, role).get(f"/screening/reviews/{REVIEW}/events").json()["items"]
    for record in (TWICE[0], ONCE[0]):
        listed = rig.gets("/stages/sift/tasks", name, role).json()["items"]
        history = rig.record(record, name)["stages"]
        heard = [entry["event"] for entry in events if entry["event"]["subject"] == record]
        seen[record] = [
            [(item["state"], item["votes_needed"], item["votes_cast"]) for item in listed if item["record"] == record],
            [(stage["state"], stage["votes_needed"], stage["votes_cast"]) for stage in history],
            [(event["type"], event["data"].get("votes_needed")) for event in heard],
        ]
    return seen


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_nobody_sees_before_their_own_vote_which_records_are_double_screened(rig, role):
    rig.discovers(TWICE[0], ONCE[0])

    seen = seen_of(rig, "ben", role)

    assert seen[TWICE[0]] == seen[ONCE[0]]
    assert seen[TWICE[0]] == [[("open", 2, None)], [("open", 2, None)], [("screening.task.opened", 2)]]
    cards = rig.claims_many("ben", count=2)
    assert [card["votes_needed"] for card in cards] == [2, 2]


def test_a_second_reviewer_does_not_see_that_somebody_voted_before_them(rig):
    rig.discovers(TWICE[0], TWICE[1])
    rig.answers("ana", "include")

    listed = rig.gets("/stages/sift/tasks", "ben").json()["items"]
    cards = rig.claims_many("ben", count=2)

    assert {(item["votes_needed"], item["votes_cast"]) for item in listed} == {(2, None)}
    assert [rig.record(name, "ben")["stages"][0]["votes_cast"] for name in records_of(cards)] == [None, None]


def test_whoever_decides_a_conflict_does_not_see_how_many_voted_before_their_own_look(rig):
    rig.discovers(TWICE[0], ONCE[0])
    for name in ("ana", "ana", "ben"):
        rig.answers(name, "unsure")

    conflicts = rig.gets("/conflicts", "cy", "adjudicator").json()["items"]

    assert [(item["votes_needed"], item["votes_cast"]) for item in conflicts] == [(2, None), (2, None)]


def test_what_is_decided_says_how_many_votes_it_had(rig):
    rig.discovers(TWICE[0], ONCE[0])
    for name in ("ana", "ana", "ben"):
        rig.answers(name, "include")

    listed = rig.gets("/stages/sift/tasks", state="advanced").json()["items"]

    assert {item["record"]: (item["votes_needed"], item["votes_cast"]) for item in listed} == {
        TWICE[0]: (2, 2),
        ONCE[0]: (1, 1),
    }


def test_the_log_has_how_many_votes_each_task_needs(rig):
    rig.discovers(TWICE[0], ONCE[0])

    assert {event.record: event.votes_needed for event in rig.bench.emitted(TaskOpened)} == {TWICE[0]: 2, ONCE[0]: 1}


def test_a_record_keeps_its_number_of_votes_when_another_is_merged_into_it(rig):
    rig.discovers(TWICE[0], ONCE[0])
    tasks = {task["record"]["record"]: task for task in rig.claims_many("ana", count=2)}
    rig.votes("ana", tasks[TWICE[0]]["lease"], "include")

    rig.hears(merged(TWICE[0], into=ONCE[0]))

    assert rig.record(ONCE[0])["state"] == "included"
    assert_sound(rig.bench, REVIEW, {(tasks[TWICE[0]]["task"], "ana")})
