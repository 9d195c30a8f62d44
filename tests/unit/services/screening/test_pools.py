"""Assignments: what is assigned to some people is given to them alone, first of all, and never gets stuck."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from services.screening import domain, jobs
from services.screening.models import TaskRow
from shared.events.people import MemberJoined, MemberLeft, RoleChanged
from shared.events.stages import Stage
from tests.unit.services.screening.rig import DEPTH, REVIEW, SIFT, ScreeningRig, discovered, protocol, published
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_claims import left
from tests.unit.services.screening.test_queue import records_of

ALONE = {**SIFT, "votes": 1}


def assigns(rig: ScreeningRig, *people: str, stage: str = "sift", moved: bool = True, **what: Any) -> dict[str, Any]:
    """A lead assigns, and a job moves what waits."""
    made = rig.asks("/assignments", {"stage": stage, "people": list(people), **what}, "lea", "lead")
    assert made.status_code == 200, made.text
    if moved:
        rig.bench.runs(jobs.move_assigned)
    return made.json()


def ends(rig: ScreeningRig, assignment: str) -> None:
    ended = rig.person("lea", "lead").delete(f"/screening/reviews/{REVIEW}/assignments/{assignment}")
    assert ended.status_code == 200, ended.text
    rig.bench.runs(jobs.move_assigned)


def listed(rig: ScreeningRig) -> list[dict[str, Any]]:
    return rig.gets("/assignments", "lea", "lead").json()["items"]


def can_get(rig: ScreeningRig, name: str, **wanted: Any) -> set[str]:
    """All that somebody is given, which they give back again unread."""
    held = rig.claims_many(name, count=50, **wanted)
    for task in held:
        rig.asks(f"/leases/{task['lease']}/release?unread=true", None, name)
    return set(records_of(held))


def leaves(rig: ScreeningRig, name: str) -> None:
    rig.hears(MemberLeft(review=REVIEW, person=name, role="reviewer"))
    rig.bench.runs(jobs.move_assigned)


def goes_through_again(rig: ScreeningRig) -> None:
    rig.bench.clock.advance(minutes=2)
    rig.bench.runs(jobs.move_assigned)


def test_named_records_are_given_to_their_people_alone_and_first(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(5)))
    assigns(rig, "ana", "ben", records=["r3", "r4"])

    assert can_get(rig, "cy") == {"r0", "r1", "r2"}
    assert rig.claims_many("cy", count=9, records=["r3", "r4"]) == []
    assert records_of(rig.claims_many("ana", count=3)) == ["r3", "r4", "r0"]
    cast = {(rig.answers(name, "include", stage="sift")["task"], name) for name in ("ana", "ben") for _ in range(2)}
    assert {record: rig.record(record)["stage"] for record in ("r3", "r4")} == {"r3": "depth", "r4": "depth"}
    assert_sound(rig.bench, REVIEW, cast)


def test_each_of_these_people_gets_their_share_of_what_is_there_and_of_what_comes(rig_of):
    rig = rig_of(ALONE)
    rig.discovers(*(f"r{number:03d}" for number in range(200)))
    assigns(rig, "ana", "ben", percent=30)
    rig.discovers(*(f"r{number:03d}" for number in range(200, 400)))

    pools = {tuple(pool["people"]): pool["waiting"] for pool in listed(rig)[0]["pools"]}
    assert set(pools) == {("ana",), ("ben",)}
    assert all(90 <= waiting <= 150 for waiting in pools.values()), pools
    assert left(rig, "ana")["sift"]["left"] == 400 - pools["ben",]
    assert left(rig, "cy")["sift"]["left"] == 400 - pools["ana",] - pools["ben",]
    assert_sound(rig.bench, REVIEW, [])


def test_where_a_record_needs_two_votes_a_share_gives_each_to_two_people():
    dealt = domain.dealt(["ana", "ben", "cy", "dee"], 2, 40)

    assert [members for members, _ in dealt] == [("ana", "ben"), ("ben", "cy"), ("cy", "dee"), ("dee", "ana")]
    for person in ("ana", "ben", "cy", "dee"):
        assert sum(width for members, width in dealt if person in members) == domain.WHOLE * 40 // 100
    assert domain.dealt(["ana", "ben"], 2, 40) == [(("ana", "ben"), domain.WHOLE * 40 // 100)]


def test_shares_of_two_assignments_have_no_record_in_common_and_what_is_ended_is_free(rig_of):
    rig = rig_of(ALONE)
    rig.discovers(*(f"r{number:02d}" for number in range(60)))
    first = assigns(rig, "ana", percent=60)
    assigns(rig, "ben", percent=40)

    of_ana, of_ben = can_get(rig, "ana"), can_get(rig, "ben")
    assert of_ana | of_ben and not of_ana & of_ben
    assert can_get(rig, "cy") == set()
    refused = rig.asks("/assignments", {"stage": "sift", "people": ["cy"], "percent": 1}, "lea", "lead")
    assert (refused.status_code, refused.json()["title"]) == (409, "shared out")

    ends(rig, first["assignment"])
    assert can_get(rig, "cy") == of_ana
    assigns(rig, "cy", percent=60)
    assert can_get(rig, "cy") == of_ana and can_get(rig, "ben") == of_ben


def test_a_sample_is_drawn_of_what_nobody_has_begun(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(20)))
    begun = {rig.answers("cy", "include")["record"] for _ in range(5)}
    made = assigns(rig, "ana", "ben", sample=6)

    (seen,) = listed(rig)
    assert (seen["kind"], seen["size"], [pool["waiting"] for pool in seen["pools"]]) == ("sample", 6, [6])
    held = records_of(rig.claims_many("ana", count=6))
    assert not set(held) & begun and not set(held) & can_get(rig, "dee")
    assert set(records_of(rig.claims_many("ben", count=6))) == set(held)
    ends(rig, made["assignment"])
    assert_sound(rig.bench, REVIEW, [(task_of(rig, record), "cy") for record in begun])


def task_of(rig: ScreeningRig, record: str) -> str:
    return rig.record(record)["stages"][0]["task"]


def test_what_is_ended_is_anybodys_again(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    made = assigns(rig, "ana", "ben", records=["r1"])
    assert can_get(rig, "cy") == {"r2"}
    ends(rig, made["assignment"])

    assert can_get(rig, "cy") == {"r1", "r2"}
    assert [it["ended_by"] for it in listed(rig)] == ["lea"]
    again = rig.person("lea", "lead").delete(f"/screening/reviews/{REVIEW}/assignments/{made['assignment']}")
    assert (again.status_code, again.json()["title"]) == (409, "assignment ended")
    unknown = rig.person("lea", "lead").delete(f"/screening/reviews/{REVIEW}/assignments/assignment_0")
    assert (unknown.status_code, unknown.json()["title"]) == (404, "unknown assignment")


def test_what_others_hold_or_voted_when_it_is_assigned_stays_theirs(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    voted = rig.answers("cy", "include")["task"]
    held = rig.claims("dee", records=["r2"])
    assigns(rig, "ana", "ben", records=["r1", "r2"])

    assert rig.votes("dee", held["lease"], "include").status_code == 200
    assert can_get(rig, "eve") == set()
    assert can_get(rig, "ben") == {"r1", "r2"}
    cast = {(rig.answers("ana", "include", stage="sift")["task"], "ana") for _ in range(2)}
    assert rig.queue("sift")["decided"] == 2
    assert_sound(rig.bench, REVIEW, cast | {(voted, "cy"), (held["task"], "dee")})


def test_where_somebody_leaves_the_others_go_on_or_where_they_are_too_few_anybody(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    assigns(rig, "ana", "ben", "cy", records=["r1"])
    rig.answers("ana", "include", stage="sift")

    leaves(rig, "ana")
    assert can_get(rig, "dee") == {"r2"} and "r1" in can_get(rig, "ben")
    leaves(rig, "ben")
    assert can_get(rig, "dee") == {"r1", "r2"}
    assert listed(rig)[0]["pools"] == [{"people": ["cy"], "waiting": 0, "or_more": False}]
    assert_sound(rig.bench, REVIEW, [(task_of(rig, "r1"), "ana")])


def test_who_only_reads_now_is_waited_for_no_more(either_rig):
    rig = either_rig
    rig.discovers("r1")
    assigns(rig, "ana", "ben", records=["r1"])

    rig.hears(RoleChanged(review=REVIEW, person="ben", role="reader", before="reviewer"))
    rig.bench.runs(jobs.move_assigned)

    assert can_get(rig, "dee") == {"r1"}
    refused = rig.asks("/assignments", {"stage": "sift", "people": ["ana", "ben"], "sample": 1}, "lea", "lead")
    assert [it["at"] for it in refused.json()["errors"]] == ["people[1]"]
    rig.hears(MemberJoined(review=REVIEW, person="ben", role="reviewer", invited_by=None))
    assigns(rig, "ana", "ben", sample=1)
    assert can_get(rig, "dee") == set()


def test_a_conflict_is_decided_by_whoever_may_and_the_record_is_assigned_again_when_it_is_opened_again(either_rig):
    rig = either_rig
    rig.discovers("r1")
    assigns(rig, "ana", "ben", records=["r1"])
    cast = {(rig.answers("ana", "include")["task"], "ana"), (rig.answers("ben", "unsure")["task"], "ben")}

    cast.add((rig.answers("cy", "include", "adjudicator", kind="conflict", reason="it fits")["task"], "cy"))
    rig.asks("/records/r1/reopen", {"stage": "sift", "reason": "misread"}, "lea", "lead")

    assert can_get(rig, "dee") == set() and can_get(rig, "ana") == {"r1"}
    assert_sound(rig.bench, REVIEW, cast)


def test_what_is_parked_and_brought_back_is_still_assigned(either_rig):
    rig = either_rig
    rig.discovers("r1")
    assigns(rig, "ana", "ben", records=["r1"])
    task = rig.claims("ana")["task"]
    rig.asks(f"/tasks/{task}/park", {"reason": "later"})
    assert rig.asks(f"/tasks/{task}/unpark", None).status_code == 200

    assert can_get(rig, "dee") == set() and can_get(rig, "ben") == {"r1"}
    assert_sound(rig.bench, REVIEW, [])


def test_a_record_that_is_named_before_it_comes_to_the_stage_is_assigned_when_it_does(rig_of):
    rig = rig_of(ALONE, {**DEPTH, "fields": []})
    rig.discovers("r1", "r2")
    assigns(rig, "ana", "ben", stage="depth", records=["r1"])
    for _ in range(2):
        rig.answers("zoe", "include")

    assert can_get(rig, "cy", stage="depth") == {"r2"}
    assert can_get(rig, "ana", stage="depth") == {"r1", "r2"}


def test_who_is_named_last_has_a_record(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    first = assigns(rig, "ana", "ben", records=["r1", "r2"])
    assigns(rig, "cy", "dee", records=["r2"])

    assert (can_get(rig, "ana"), can_get(rig, "cy")) == ({"r1"}, {"r2"})
    ends(rig, first["assignment"])
    goes_through_again(rig)
    assert (can_get(rig, "ana"), can_get(rig, "cy")) == ({"r1"}, {"r1", "r2"})


def test_what_was_opened_by_a_work_that_did_not_know_of_it_is_found_a_minute_later(rig_of):
    rig = rig_of(ALONE)
    effect = rig.bench.service.effects(type(discovered("r")))[0]
    rig.discovers("r0")
    if rig.bench.running.database.sqlite:
        # One writer at a time: it is as if what came was opened before.
        assigns(rig, "ana", percent=100)
        with rig.bench.work() as work:
            work.session.info["screening.pools"] = {REVIEW: {}}
            effect(work, discovered("r1"))
    assert can_get(rig, "cy") == {"r1"}

    goes_through_again(rig)
    assert can_get(rig, "cy") == set() and can_get(rig, "ana") == {"r0", "r1"}
    assert_sound(rig.bench, REVIEW, [])


def test_tasks_are_moved_some_at_a_time_and_a_job_that_is_ended_goes_on_where_it_was(rig_of, monkeypatch):
    rig = rig_of(ALONE)
    rig.discovers(*(f"r{number:02d}" for number in range(25)))
    monkeypatch.setattr(jobs, "BATCH", 10)
    assigns(rig, "ana", percent=100, moved=False)
    ended = []

    def stops(*given: Any, **named: Any) -> int:
        if len(ended) == 2:
            raise KeyboardInterrupt
        ended.append(moves(*given, **named))
        return ended[-1]

    moves = jobs.assigning.move_some
    monkeypatch.setattr(jobs.assigning, "move_some", stops)
    with pytest.raises(KeyboardInterrupt):
        rig.bench.runs(jobs.move_assigned)
    assert listed(rig)[0]["moving"] and listed(rig)[0]["pools"][0]["waiting"] == 20
    monkeypatch.setattr(jobs.assigning, "move_some", moves)
    rig.bench.runs(jobs.move_assigned)
    assert not listed(rig)[0]["moving"] and listed(rig)[0]["pools"][0]["waiting"] == 25


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ({"people": ["ana"], "sample": 1}, "people"),
        ({"people": ["ana", "ana"], "sample": 1}, "people[1]"),
        ({"people": ["ana", "ben"]}, "records"),
        ({"people": ["ana", "ben"], "sample": 1, "percent": 10}, "records"),
        ({"people": ["ana", "ben"], "records": ["r1", "moon"]}, "records[1]"),
        ({"people": ["ana", "ben", "cy"], "percent": 67}, "percent"),
        ({"people": ["ana", "ben"], "percent": 101}, "percent"),
        ({"people": [], "percent": 1}, "people"),
        ({"people": ["ana", "ben"], "sample": 0}, "sample"),
    ],
)
def test_an_assignment_that_cannot_be_is_refused_with_what_is_wrong_and_nothing_is_kept(rig, asked, at):
    rig.discovers("r1")

    refused = rig.asks("/assignments", {"stage": "sift", **asked}, "lea", "lead")

    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["at"].removeprefix("body.") == at
    assert listed(rig) == []


def test_leads_alone_assign_and_see_what_is_assigned(rig):
    rig.discovers("r1")
    asked = {"stage": "sift", "people": ["ana", "ben"], "sample": 1}

    assert rig.asks("/assignments", asked, "ana").status_code == 403
    assert rig.gets("/assignments", "ana").status_code == 403
    assert rig.person("ana").delete(f"/screening/reviews/{REVIEW}/assignments/x").status_code == 403
    assert rig.asks("/assignments", {**asked, "stage": "moon"}, "lea", "lead").json()["title"] == "unknown stage"


def test_an_assignment_under_a_key_is_made_once(rig):
    rig.discovers("r1")
    at, asked = f"/screening/reviews/{REVIEW}/assignments", {"stage": "sift", "people": ["ana", "ben"], "sample": 1}
    made = [
        rig.person("lea", "lead").post(at, json=asked, headers={"Idempotency-Key": "key-of-lea-1"}) for _ in range(2)
    ]

    assert made[0].json()["assignment"] == made[1].json()["assignment"]
    assert len(listed(rig)) == 1


def test_to_whom_a_record_is_assigned_says_nothing_of_its_votes(rig_of):
    half = {**SIFT, "double_screened": 50}
    rig = rig_of(half)
    names = [f"r{number:02d}" for number in range(80)]
    rig.discovers(*names)
    assigns(rig, "ana", "ben", percent=50)
    stage = Stage.model_validate(half)
    assigned = set(names) - can_get(rig, "dee")

    twice = [domain.votes_needed(stage, REVIEW, name) == 2 for name in sorted(assigned)]
    assert 25 <= len(assigned) <= 55
    assert 0.25 < sum(twice) / len(twice) < 0.75
    # Voting moves nothing, nor does one's leaving show of which records one vote was enough.
    rig.answers("ana", "include")
    rig.answers("cy", "include")
    assert assigned - can_get(rig, "dee") == assigned
    leaves(rig, "ana")
    with rig.bench.work("lea", readonly=True) as work:
        assert {task.pool for task in work.session.scalars(select(TaskRow))} == {""}


def test_a_stage_that_asks_for_more_votes_now_than_a_pool_has_people_gives_to_anybody(rig_of):
    rig = rig_of(ALONE)
    rig.discovers("r1")
    assigns(rig, "ana", percent=100)
    rig.hears(published(protocol({**SIFT, "votes": 2}), version=2))
    rig.discovers("r2")

    assert can_get(rig, "cy") == {"r2"} and can_get(rig, "ana") == {"r1", "r2"}
