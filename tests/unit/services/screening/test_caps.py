"""Caps: a claim gives no more than what is left of somebody's day, and what they hold stays theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.services.screening.rig import DEPTH, REVIEW, SIFT, ScreeningRig
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_claims import left
from tests.unit.services.screening.test_queue import records_of

PLAIN = {**DEPTH, "fields": []}


def caps(rig: ScreeningRig, votes: int | None, name: str = "lea", role: str = "lead", **of: Any) -> Any:
    return rig.person(name, role).put(f"/screening/reviews/{REVIEW}/caps", json={"votes": votes, **of})


def refusal(rig: ScreeningRig, name: str, **asked: Any) -> tuple[int, str]:
    refused = rig.asks("/claims", asked, name)
    return refused.status_code, refused.json()["title"]


def test_a_claim_gives_no_more_than_what_is_left_of_the_day(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(9)))
    assert caps(rig, 3).status_code == 200

    cast = {(rig.answers("ana", "include")["task"], "ana")}
    assert left(rig, "ana")["sift"]["today"] == 2
    assert len(rig.claims_many("ana", count=10)) == 2
    assert len(rig.claims_many("ana", count=10)) == 2
    assert left(rig, "ana")["sift"]["today"] == 0 and left(rig, "ben")["sift"]["today"] == 3
    cast |= {(rig.answers("ana", "include")["task"], "ana") for _ in range(2)}
    assert refusal(rig, "ana") == (409, "day is full")
    assert refusal(rig, "ana", stage="sift", count=5) == (409, "day is full")
    assert refusal(rig, "ana", records=["r8"]) == (409, "day is full")
    assert rig.claims("ben") is not None

    rig.bench.clock.advance(hours=24)
    assert len(rig.claims_many("ana", count=10)) == 3
    assert_sound(rig.bench, REVIEW, cast)


def test_what_one_holds_when_a_cap_comes_is_not_taken_away(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    held = rig.claims_many("ana", count=2)
    caps(rig, 0)

    assert records_of(rig.claims_many("ana", count=3)) == ["r1", "r2"]
    assert all(rig.votes("ana", task["lease"], "include").status_code == 200 for task in held)
    assert refusal(rig, "ana") == (409, "day is full")


def test_a_cap_of_a_stage_leaves_the_others_open(rig_of):
    rig = rig_of({**SIFT, "votes": 1}, PLAIN)
    rig.discovers(*(f"r{number}" for number in range(4)))
    caps(rig, 2, stage="sift")
    for _ in range(2):
        rig.answers("ana", "include", stage="sift")

    assert refusal(rig, "ana", stage="sift") == (409, "day is full")
    assert [task["stage"] for task in rig.claims_many("ana", count=5)] == ["depth", "depth"]
    assert len(rig.claims_many("ben", count=9, records=["r2", "r3"])) == 2
    assert refusal(rig, "ana", stage="sift", records=["r2"]) == (409, "day is full")


def test_ones_own_cap_takes_the_turn_of_everybodys_and_may_be_taken_away(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(6)))
    caps(rig, 1)
    caps(rig, 4, person="ana")

    assert len(rig.claims_many("ana", count=9)) == 4
    assert len(rig.claims_many("ben", count=9)) == 1
    of_ben = rig.gets("/caps", "ben").json()
    assert [(it["person"], it["votes"]) for it in of_ben] == [(None, 1)]
    assert len(rig.gets("/caps", "lea", "lead").json()) == 2
    caps(rig, None)
    assert len(rig.claims_many("ben", count=9)) == 6
    assert [(it["person"], it["votes"]) for it in rig.gets("/caps", "ana").json()] == [("ana", 4)]


def test_a_vote_that_is_taken_back_is_none_of_the_day(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    caps(rig, 1)
    task = rig.answers("ana", "include")["task"]
    assert refusal(rig, "ana") == (409, "day is full")
    rig.asks(f"/tasks/{task}/take-back", None)

    assert rig.claims("ana") is not None


def test_conflicts_are_no_votes_of_the_day(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")
    caps(rig, 0)

    assert rig.answers("cy", "include", "adjudicator", kind="conflict", reason="it fits")["state"] == "advanced"


@pytest.mark.parametrize(
    ("given", "title"),
    [({"votes": -1}, "invalid"), ({"votes": 1, "stage": "moon"}, "unknown stage"), ({"stage": "sift"}, "invalid")],
)
def test_a_cap_that_cannot_be_is_refused(rig, given, title):
    refused = rig.person("lea", "lead").put(f"/screening/reviews/{REVIEW}/caps", json=given)

    assert refused.json()["title"] == title
    assert rig.gets("/caps", "lea", "lead").json() == []


def test_leads_alone_set_caps(rig):
    assert caps(rig, 3, "ana", "adjudicator").status_code == 403
    assert rig.gets("/caps", "rea", "reader").status_code == 403
