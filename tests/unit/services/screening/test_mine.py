"""What people have done: their own votes, their day, and for leads how much everybody does and not what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.services.screening.rig import DEPTH, SIFT, ScreeningRig

PLAIN = {**DEPTH, "fields": []}


def mine(rig: ScreeningRig, name: str = "ana", role: str = "reviewer", **asked: Any) -> list[dict[str, Any]]:
    answer = rig.gets("/votes/mine", name, role, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def records(rig: ScreeningRig, name: str = "ana", **asked: Any) -> list[str]:
    return [vote["record"] for vote in mine(rig, name, **asked)]


def day(rig: ScreeningRig, name: str, **asked: Any) -> tuple[int, int, dict[tuple[str, str], int]]:
    said = rig.gets("/votes/mine/day", name, **asked).json()
    return said["n"], said["last_hour"], {(it["stage"], it["answer"]): it["n"] for it in said["answers"]}


def work(rig: ScreeningRig, **asked: Any) -> dict[tuple[str, str, str], tuple[int, int]]:
    counted = rig.gets("/workload", "lea", "lead", **asked).json()
    return {(it["day"], it["person"], it["stage"]): (it["votes"], it["decided"]) for it in counted}


def test_my_own_votes_are_listed_the_newest_first_and_nobody_elses_are(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    for answer in ("include", "unsure", "include"):
        rig.answers("ana", answer)
    rig.answers("ben", "exclude", reason="a balcony")

    assert [(vote["record"], vote["answer"]) for vote in mine(rig)] == [
        ("r3", "include"), ("r2", "unsure"), ("r1", "include"),
    ]  # fmt: skip
    assert records(rig, "ben") == ["r1"] and records(rig, "cy") == []
    assert rig.gets("/votes/mine", "rita", "reader").status_code == 403


def test_they_are_found_by_stage_answer_day_and_words_and_page_by_page(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", title="Gardens & 100% trust")
    rig.discovers("r3", "r4", title="A pond")
    today = rig.bench.clock.now().date()
    for answer in ("include", "unsure"):
        rig.answers("ana", answer)
    rig.bench.clock.advance(days=1)
    for answer in ("include", "include"):
        rig.answers("ana", answer)

    assert records(rig, answer="unsure") == ["r2"]
    assert records(rig, until=str(today)) == ["r2", "r1"] and records(rig, since=str(today)) == ["r4", "r3", "r2", "r1"]
    assert records(rig, words="TRUST gard") == ["r2", "r1"] and records(rig, words="0% t") == ["r2", "r1"]
    assert records(rig, words="gardens pond") == records(rig, stage="depth") == records(rig, words="_") == []
    first = rig.gets("/votes/mine", limit=3).json()
    rest = rig.gets("/votes/mine", limit=3, cursor=first["next"]).json()
    assert [it["record"] for it in (*first["items"], *rest["items"])] == ["r4", "r3", "r2", "r1"]
    assert rest["next"] is None


def test_a_vote_is_free_until_the_last_one_is_in_as_taking_it_back_is(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    tasks = [rig.answers("ana", "include")["task"] for _ in range(2)]
    assert [vote["free"] for vote in mine(rig)] == [True, True]

    rig.answers("ben", "exclude", reason="a balcony")
    assert [(vote["record"], vote["free"], vote["state"], vote["decided"]) for vote in mine(rig)] == [
        ("r2", True, "open", None), ("r1", False, "conflict", None),
    ]  # fmt: skip
    assert [rig.asks(f"/tasks/{task}/take-back", None).status_code for task in tasks] == [409, 200]
    assert records(rig) == ["r1"]

    rig.answers("cy", "include", "adjudicator", kind="conflict", reason="it fits")
    assert [(vote["free"], vote["state"], vote["decided"]) for vote in mine(rig)] == [(False, "advanced", "include")]
    (decision,) = mine(rig, "cy", "adjudicator")
    assert (decision["deciding"], decision["free"], decision["reason"]) == (True, False, "it fits")


def test_no_vote_of_anothers_is_told_in_what_is_mine_or_in_how_much_is_done(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    seen = []
    for answer in ("include", "unsure"):
        rig.answers("ana", answer)
        said = [
            rig.gets("/votes/mine", "ben"),
            rig.gets("/votes/mine/day", "ben"),
            rig.gets("/workload", "lea", "lead"),
        ]
        seen.append([it.text for it in said])

    assert not any(answer in text for texts in seen for text in texts for answer in ("include", "unsure", 'answer"'))
    assert [text for texts in seen for text in texts[:1]] == ['{"items":[],"next":null}'] * 2
    assert rig.gets("/workload", "ben").status_code == rig.gets("/workload", "ada", "adjudicator").status_code == 403


def test_my_day_is_counted_exactly_without_what_was_taken_back(rig_of):
    rig = rig_of({**SIFT, "votes": 1}, PLAIN)
    rig.discovers(*(f"r{number}" for number in range(5)))
    rig.answers("ana", "include", stage="sift")
    rig.bench.clock.advance(minutes=90)
    rig.answers("ana", "include", stage="sift")
    task = rig.answers("ana", "rich", stage="depth")["task"]
    today = rig.bench.clock.now().date()

    assert day(rig, "ana") == (3, 2, {("sift", "include"): 2, ("depth", "rich"): 1})
    rig.asks(f"/tasks/{task}/take-back", None)
    assert day(rig, "ana", day=str(today)) == (2, 1, {("sift", "include"): 2})
    assert day(rig, "ben") == (0, 0, {}) and day(rig, "ana", day="9999-12-31") == (0, 0, {})
    rig.bench.clock.advance(days=1)
    assert day(rig, "ana") == (0, 0, {}) and day(rig, "ana", day=str(today))[0] == 2


def test_leads_see_how_much_everybody_does_by_day_and_stage(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    first = str(rig.bench.clock.now().date())
    for _ in range(2):
        rig.answers("ana", "include")
    rig.bench.clock.advance(days=1)
    second = str(rig.bench.clock.now().date())
    rig.answers("ben", "unsure")
    rig.answers("cy", "include", "adjudicator", kind="conflict", reason="it fits")

    assert work(rig) == {
        (first, "ana", "sift"): (2, 0),
        (second, "ben", "sift"): (1, 0),
        (second, "cy", "sift"): (0, 1),
    }
    assert work(rig, until=first) == work(rig, since=first, until=first) == {(first, "ana", "sift"): (2, 0)}


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ({"since": "2020-02-01", "until": "2020-01-01"}, "until"),
        ({"since": "2020-01-01", "until": "2020-02-01"}, "since"),
        ({"since": "soon"}, "query.since"),
    ],
)
def test_days_that_cannot_be_are_named(rig, asked, at):
    refused = rig.gets("/workload", "lea", "lead", **asked)

    assert refused.status_code == 422 and [it["at"] for it in refused.json()["errors"]] == [at]


@pytest.mark.parametrize("asked", [{"until": "0001-01-01"}, {"until": "9999-12-31"}, {"since": "9999-12-31"}])
def test_the_first_and_the_last_day_there_are_can_be_asked_for(rig, asked):
    assert rig.gets("/workload", "lea", "lead", **asked).json() == []
    assert rig.gets("/votes/mine", **asked).json()["items"] == []
