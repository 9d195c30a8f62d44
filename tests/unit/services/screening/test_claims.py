"""Claims by mode, of named records, at the stage where one is; and how many are left for oneself."""

from __future__ import annotations

from typing import Any

import pytest

from services.screening.store import slots
from tests.unit.services.screening.rig import DEPTH, REVIEW, SIFT, ScreeningRig, protocol, published
from tests.unit.services.screening.soundness import assert_sound

PLAIN = {**DEPTH, "fields": []}


def records_of(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["record"]["record"] for task in tasks]


def left(rig: ScreeningRig, name: str, role: str = "reviewer") -> dict[str, dict[str, Any]]:
    answer = rig.gets("/left", name, role)
    assert answer.status_code == 200, answer.text
    return {it.pop("stage"): it for it in answer.json()}


def vote_all(rig: ScreeningRig, name: str, answer: str, count: int, **wanted: Any) -> None:
    for _ in range(count):
        rig.answers(name, answer, **wanted)


def test_half_screened_records_come_first_where_they_are_asked_for(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3", "r4")
    rig.claims_many("ana", records=["r3"])
    vote_all(rig, "ana", "include", 1)

    assert records_of(rig.claims_many("ben", count=3, mode="half_screened_first")) == ["r3", "r1", "r2"]
    assert records_of(rig.claims_many("cy", count=2)) == ["r1", "r2"]


def test_fresh_records_are_those_that_nobody_has_begun(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    rig.answers("ana", "include")

    assert records_of(rig.claims_many("ben", count=5, mode="fresh")) == ["r2"]
    assert rig.claims("cy", mode="fresh") is None
    assert_sound(rig.bench, REVIEW, {(rig.record("r1")["stages"][0]["task"], "ana")})


def test_what_is_mine_is_what_i_hold(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")

    assert rig.claims("ana", mode="mine") is None
    rig.claims_many("ana", count=2)
    assert records_of(rig.claims_many("ana", count=50, mode="mine")) == ["r1", "r2"]
    assert rig.queue("sift")["in_hand"] == 2


def test_named_records_are_claimed_as_far_as_they_wait_for_whoever_asks(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(6)))
    rig.claims("ana")
    rig.claims_many("ben", records=["r4"])

    taken = rig.claims_many("ana", count=10, records=["r4", "r3", "r9", "r4"])

    assert records_of(taken) == ["r3", "r4"] == records_of(rig.claims_many("ana", count=10, records=["r4", "r3"]))
    assert records_of(rig.claims_many("ana", count=10, mode="mine")) == ["r0", "r3", "r4"]
    assert rig.claims_many("cy", records=["r4"]) == []
    for task in taken:
        rig.votes("ana", task["lease"], "include")
    assert rig.claims_many("ana", count=10, records=["r3", "r4"]) == []
    assert_sound(rig.bench, REVIEW, {(task["task"], "ana") for task in taken})


def test_nobody_holds_more_than_fifty_by_naming_records(rig):
    rig.discovers(*(f"r{number:02d}" for number in range(60)))
    rig.claims_many("ana", count=45)

    more = rig.claims_many("ana", count=50, records=[f"r{number}" for number in range(45, 60)])

    assert len(more) == 5
    assert rig.queue("sift")["in_hand"] == 50


@pytest.mark.parametrize(
    "wanted", [{"mode": "best"}, {"records": []}, {"records": ["r"] * 51}, {"records": "r1"}, {"records": [1]}]
)
def test_a_claim_that_asks_for_what_there_is_not_is_refused(rig, wanted):
    assert rig.asks("/claims", wanted).json()["title"] == "invalid"


def test_one_stays_at_the_stage_where_one_was_last_given_something(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(4)))
    vote_all(rig, "ana", "include", 2)
    vote_all(rig, "ben", "include", 2)

    assert [rig.answers("ana", "include")["stage"] for _ in range(2)] == ["sift", "sift"]
    assert rig.claims("ana")["stage"] == "depth"
    assert rig.claims("cy")["stage"] == "depth"


def test_a_stage_that_one_asks_for_is_the_one_where_one_stays(either_rig):
    rig = either_rig
    rig.hears(published(protocol(SIFT, PLAIN), version=2))
    rig.discovers(*(f"r{number}" for number in range(6)))
    vote_all(rig, "ana", "include", 3)
    vote_all(rig, "ben", "include", 3)

    rig.answers("ana", "rich", stage="depth")
    assert rig.answers("ana", "rich")["stage"] == "depth"
    rig.answers("ana", "include", stage="sift")
    assert rig.claims("ana")["stage"] == "sift"


def test_conflicts_one_decides_do_not_lead_one_away_from_what_one_screens(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(3)))
    vote_all(rig, "ana", "include", 2)
    rig.answers("ben", "include")
    rig.answers("ben", "unsure")
    rig.answers("cy", "include", "adjudicator", stage="sift")
    rig.answers("cy", "include", "adjudicator", kind="conflict", reason="it fits")

    assert rig.claims("cy", "adjudicator")["stage"] == "depth"


def test_how_many_are_left_is_counted_for_whoever_asks(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(5)))
    vote_all(rig, "ana", "include", 2)
    rig.answers("ben", "include")
    rig.claims("ana")
    rig.claims("ben", stage="sift")
    rig.claims("cy", stage="sift")
    rig.claims("dee", stage="sift")

    # r0 is decided and at depth, r1 is ana's and ben's, r2 is held by ana and cy, r3 by dee; r4 is nobody's.
    of_ana, of_eve = left(rig, "ana"), left(rig, "eve")
    assert (of_ana["sift"]["left"], of_ana["sift"]["in_hand"], of_ana["depth"]["left"]) == (2, 1, 1)
    assert (of_eve["sift"]["left"], of_eve["sift"]["in_hand"]) == (2, 0)
    assert not of_eve["sift"]["left_or_more"]
    assert left(rig, "dee")["sift"]["left"] == 1


def test_what_is_left_is_what_one_can_claim(either_rig):
    rig = either_rig
    rig.hears(published(protocol({**SIFT, "votes": 3}, PLAIN), version=2))
    rig.discovers(*(f"r{number}" for number in range(8)))
    vote_all(rig, "ana", "include", 4)
    vote_all(rig, "ben", "include", 2)
    rig.claims_many("cy", count=3)
    rig.claims_many("dee", count=5)

    for name in ("ana", "ben", "cy", "dee", "eve"):
        seen = left(rig, name)
        n = sum(it["left"] + it["in_hand"] for it in seen.values())
        assert len(rig.claims_many(name, count=50)) == n, name
        for lease in rig.gets("/leases", "lea", "lead", held_by=name).json()["items"]:
            rig.asks(f"/leases/{lease['lease']}/free", {"reason": "test"}, "lea", "lead")


def test_conflicts_are_left_for_those_who_may_decide_them(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    vote_all(rig, "ana", "include", 3)
    vote_all(rig, "ben", "unsure", 2)
    rig.answers("cy", "unsure", "adjudicator")

    assert left(rig, "cy", "adjudicator")["sift"]["conflicts"] == 2
    assert left(rig, "dee", "adjudicator")["sift"]["conflicts"] == 3
    assert left(rig, "dee")["sift"]["conflicts"] == 0
    rig.claims("dee", "adjudicator", kind="conflict")
    assert [left(rig, "dee", "adjudicator")["sift"][name] for name in ("conflicts", "conflicts_in_hand")] == [2, 1]


def test_of_very_many_it_is_said_that_there_are_more(either_rig, monkeypatch):
    monkeypatch.setattr(slots, "COUNTED_FOR_ONE", 3)
    rig = either_rig
    rig.discovers("r1", "r2", "r3", "r4", "r5")

    assert [left(rig, "ana")["sift"][name] for name in ("left", "left_or_more")] == [3, True]


def test_a_reader_has_nothing_left(rig):
    assert rig.gets("/left", "rea", "reader").status_code == 403
    assert rig.person("ana").get("/screening/reviews/moon/left").status_code == 404
