"""Parking: what is set aside, or comes back again and again, is given to nobody until somebody brings it back."""

from __future__ import annotations

from typing import Any

import pytest

from services.screening import jobs
from tests.unit.services.screening.rig import (
    DEPTH,
    REVIEW,
    SIFT,
    ScreeningRig,
    merged,
    parted,
    protocol,
    published,
    updated,
)
from tests.unit.services.screening.soundness import assert_sound

NO = {"reason": "no garden"}


def park(rig: ScreeningRig, name: str, task: str, role: str = "reviewer", **rest: Any) -> Any:
    return rig.asks(f"/tasks/{task}/park", {"reason": "asked the authors", **rest}, name, role)


def unpark(rig: ScreeningRig, name: str, task: str, role: str = "reviewer") -> Any:
    return rig.asks(f"/tasks/{task}/unpark", None, name, role)


def parked(rig: ScreeningRig, name: str = "lea", role: str = "lead") -> list[dict[str, Any]]:
    return rig.gets("/parked", name, role).json()["items"]


def state(rig: ScreeningRig, record: str = "r1") -> str:
    return rig.record(record)["stages"][-1]["state"]


def data_of(rig: ScreeningRig, kind: str) -> list[dict[str, Any]]:
    return [seen.data for seen in rig.bench.journal() if seen.type == f"screening.task.{kind}"]


def test_a_parked_task_is_given_to_nobody_until_its_parker_brings_it_back(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.claims("ana")["task"]

    assert park(rig, "ana", task).json()["reason"] == "asked the authors"
    assert [rig.claims(name) for name in ("ana", "ben", "cy")] == [None] * 3
    assert (rig.queue("sift")["open"], rig.queue("sift")["parked"], rig.queue("sift")["in_hand"]) == (0, 1, 0)
    assert_sound(rig.bench, REVIEW, set())

    assert unpark(rig, "ana", task).json()["state"] == "open"
    assert [rig.claims(name)["task"] for name in ("ana", "ben")] == [task, task]
    assert rig.claims("cy") is None
    assert_sound(rig.bench, REVIEW, set())


def test_a_lead_brings_back_what_others_parked_and_others_do_not(rig):
    rig.discovers("r1", "r2")
    task = rig.claims("ana")["task"]
    park(rig, "ana", task)

    refused = unpark(rig, "ben", task)
    assert (refused.status_code, refused.json()["title"]) == (403, "not your parking")
    assert unpark(rig, "lea", task, "lead").status_code == 200
    again = unpark(rig, "lea", task, "lead")
    assert (again.status_code, again.json()["title"]) == (409, "not parked")


def test_whether_a_task_is_parked_is_refused_in_the_same_words_as_one_that_is_not(rig):
    rig.discovers("r1", "r2")
    task = rig.claims("ana")["task"]
    other = rig.claims_many("ana", count=2)[1]["task"]
    park(rig, "ana", task)

    answers = [{**unpark(rig, "ben", it).json(), "instance": "", "request_id": ""} for it in (task, other)]

    assert answers[0] == answers[1]


def test_only_whoever_holds_a_task_or_a_lead_parks_it(rig):
    rig.discovers("r1")
    task = rig.claims("ana")["task"]

    refused = park(rig, "ben", task)
    assert (refused.status_code, refused.json()["title"]) == (403, "not in hand")
    rig.bench.clock.advance(hours=2)
    assert park(rig, "ana", task).json()["title"] == "not in hand"
    assert park(rig, "lea", task, "lead").status_code == 200
    assert park(rig, "lea", task, "lead").json()["title"] == "task parked"
    assert park(rig, "lea", "task_0", "lead").json()["title"] == "unknown task"
    assert unpark(rig, "lea", "task_0", "lead").status_code == 404
    assert rig.asks(f"/tasks/{task}/park", {"reason": "x"}, "rea", "reader").status_code == 403


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x", "until": "soon"}, {"reason": "x", "why": "y"}])
def test_a_parking_that_says_too_little_or_too_much_is_refused(rig, body):
    rig.discovers("r1")
    task = rig.claims("ana")["task"]

    assert rig.asks(f"/tasks/{task}/park", body).status_code == 422
    assert state(rig) == "open"


def test_a_parked_task_comes_back_by_itself_on_its_day(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    for day in ("2020-01-01", "2019-06-01"):
        assert park(rig, "ana", task, until=day).json()["title"] == "past day"
    assert park(rig, "ana", task, until="2020-01-03").json()["until"] == "2020-01-03"

    rig.bench.clock.advance(hours=47)
    rig.bench.runs(jobs.resume_what_is_due)
    assert rig.claims("ben") is None
    rig.bench.clock.advance(hours=2)
    rig.bench.runs(jobs.resume_what_is_due)

    assert rig.claims("ben")["task"] == task
    assert [event["because"] for event in data_of(rig, "resumed")] == ["day_came"]
    assert_sound(rig.bench, REVIEW, set())


def test_a_vote_on_a_parked_task_stays_and_counts_when_it_is_back(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.answers("ana", "include")
    park(rig, "ben", rig.claims("ben")["task"])

    assert rig.record("r1")["stages"][0]["votes_cast"] == 1
    unpark(rig, "ben", rig.record("r1")["stages"][0]["task"])
    assert rig.claims("ana") is None
    assert rig.answers("cy", "include")["state"] == "advanced"


def test_what_others_hold_of_a_parked_task_they_may_still_answer(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    lease = rig.claims("ben")["lease"]
    park(rig, "ana", task)

    assert rig.votes("ben", lease, "include").json()["state"] == "parked"
    assert_sound(rig.bench, REVIEW, {(task, "ben")})
    assert rig.claims("cy") is None
    unpark(rig, "ana", task)
    assert rig.answers("cy", "include")["state"] == "advanced"


@pytest.mark.parametrize(("answer", "after"), [("include", "advanced"), ("unsure", "conflict")])
def test_the_last_vote_settles_a_parked_task(either_rig, answer, after):
    rig = either_rig
    rig.hears(published(protocol({**SIFT, "votes": 3}, DEPTH), version=2))
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "include")
    task = rig.claims("cy")
    park(rig, "lea", task["task"], "lead")

    assert rig.votes("cy", task["lease"], answer).json()["state"] == after
    assert parked(rig) == []
    assert_sound(rig.bench, REVIEW, {(task["task"], name) for name in ("ana", "ben", "cy")})


def test_a_lease_that_lapses_on_a_parked_task_frees_no_slot_of_it(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    rig.claims("ben")
    park(rig, "ana", task)
    rig.bench.clock.advance(hours=2)
    rig.bench.runs(jobs.return_lapsed_leases)

    assert_sound(rig.bench, REVIEW, set())
    unpark(rig, "ana", task)
    assert [bool(rig.claims(name)) for name in ("ben", "cy", "dee")] == [True, True, False]
    assert_sound(rig.bench, REVIEW, set())


def test_a_conflict_is_parked_and_comes_back_as_one(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", **NO)
    task = rig.claims("cy", "adjudicator", kind="conflict")["task"]

    assert park(rig, "cy", task, "adjudicator").status_code == 200
    assert rig.claims("dee", "adjudicator", kind="conflict") is None
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben")})
    assert unpark(rig, "cy", task, "adjudicator").json()["state"] == "conflict"
    assert rig.claims("dee", "adjudicator", kind="conflict")["task"] == task
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben")})


def test_a_lease_that_comes_to_nothing_again_and_again_parks_the_task(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.claims("ana")
    rig.bench.clock.advance(hours=2)
    rig.bench.runs(jobs.return_lapsed_leases)
    rig.asks(f"/leases/{rig.claims('ben')['lease']}/release", None, "ben")
    task = rig.claims("cy")["task"]
    assert state(rig) == "open"
    assert rig.claims("dee")["task"] == task
    rig.bench.clock.advance(hours=2)

    # Nothing else waits, so that this claim returns what lapsed, and parks it.
    assert rig.claims("eve") is None

    (seen,) = parked(rig)
    assert (seen["task"], seen["parking"]["person"], seen["parking"]["reason"]) == (task, None, None)
    assert [(it["how"], it["person"]) for it in seen["returns"]] == [
        ("lapsed", "ana"), ("released", "ben"), ("lapsed", "cy"), ("lapsed", "dee"),
    ]  # fmt: skip
    assert parked(rig, "ana", "reviewer") == []
    assert [event["because"] for event in data_of(rig, "parked")] == ["came_to_nothing"]
    assert_sound(rig.bench, REVIEW, set())


def test_the_count_starts_anew_when_somebody_votes_or_it_is_brought_back(either_rig):
    rig = either_rig
    rig.discovers("r1")

    def gives_back(name: str) -> None:
        rig.asks(f"/leases/{rig.claims(name)['lease']}/release", None, name)

    gives_back("ana")
    gives_back("ana")
    rig.answers("ben", "include")
    gives_back("ana")
    gives_back("ana")
    assert state(rig) == "open"
    gives_back("cy")
    assert state(rig) == "parked"
    unpark(rig, "lea", parked(rig)[0]["task"], "lead")
    gives_back("ana")
    gives_back("ana")
    assert state(rig) == "open"
    gives_back("ana")
    assert state(rig) == "parked"
    assert [len(parked(rig)[0][name]) for name in ("before", "returns")] == [1, 8]


def test_after_how_many_times_a_task_is_parked_is_the_stages(rig_of):
    rig = rig_of({**SIFT, "parks_after": 1})
    rig.discovers("r1")

    rig.asks(f"/leases/{rig.claims('ana')['lease']}/release", None, "ana")

    assert state(rig) == "parked"


def test_reviewers_see_what_they_parked_and_leads_see_all(rig):
    rig.discovers("r1", "r2")
    first, second = (task["task"] for task in rig.claims_many("ana", count=2))
    rig.claims_many("ben", count=2)
    park(rig, "ana", first)
    park(rig, "ben", second, reason="it is clearly out", until="2020-02-01")

    assert [seen["task"] for seen in parked(rig, "ana", "reviewer")] == [first]
    assert [seen["parking"]["reason"] for seen in parked(rig, "ben", "reviewer")] == ["it is clearly out"]
    assert [seen["task"] for seen in parked(rig)] == [first, second]
    assert rig.gets("/parked", "rea", "reader").status_code == 403


def test_who_parked_and_why_is_shown_to_others_once_the_task_is_closed(rig):
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    park(rig, "ana", task, reason="it is clearly out")
    unpark(rig, "ana", task)

    def seen(name: str, role: str = "reviewer") -> list[dict[str, Any]]:
        return rig.gets("/records/r1", name, role).json()["stages"][0]["parkings"]

    assert (len(seen("ana")), len(seen("ben")), len(seen("lea", "lead"))) == (1, 0, 1)
    rig.answers("ben", "include")
    assert seen("ben") == []
    rig.answers("cy", "include")
    assert [it["reason"] for it in seen("ben")] == ["it is clearly out"]


def test_no_event_says_who_parked_or_why_but_a_lead(rig):
    rig.discovers("r1", "r2")
    first, second = (task["task"] for task in rig.claims_many("ana", count=2))
    park(rig, "ana", first, reason="it is clearly out")
    unpark(rig, "ana", first)
    park(rig, "lea", second, "lead", until="2020-03-01")
    unpark(rig, "lea", second, "lead")

    assert [(it.get("by"), it.get("until")) for it in data_of(rig, "parked")] == [(None, None), ("lea", "2020-03-01")]
    assert [it.get("by") for it in data_of(rig, "resumed")] == [None, "lea"]
    assert not any("clearly out" in str(it) for it in rig.bench.journal())
    shown = rig.gets("/events", "ben").json()["items"]
    actors = {it["event"]["actor"] for it in shown if it["event"]["data"].get("task") == first}
    assert "ana" not in actors and "hidden" in actors


def test_a_parked_record_that_is_merged_is_parked_no_more(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    task = rig.claims("ana")["task"]
    park(rig, "ana", task)

    rig.hears(merged("r1", into="r2"))

    assert parked(rig) == []
    assert unpark(rig, "ana", task).status_code == 403
    assert_sound(rig.bench, REVIEW, set())
    rig.hears(parted("r1", "r2"))
    assert state(rig) == "open"
    assert_sound(rig.bench, REVIEW, set())


def test_votes_of_what_is_merged_into_a_parked_record_count_once_it_is_back(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    voted = rig.answers("ana", "include")["task"]
    rig.answers("ben", "include", stage="sift")
    rig.discovers("r3")
    rig.claims("cy")
    task = rig.record("r3")["stages"][0]["task"]
    rig.answers("dee", "include", stage="sift")
    park(rig, "lea", task, "lead")
    assert_sound(rig.bench, REVIEW, {(voted, "ana"), (voted, "ben"), (rig.record("r2")["stages"][0]["task"], "dee")})

    rig.hears(merged("r2", into="r3"))
    assert rig.record("r3")["stages"][0]["votes_cast"] == 0
    unpark(rig, "lea", task, "lead")

    assert rig.record("r3")["stages"][0]["votes_cast"] == 1
    assert_sound(rig.bench, REVIEW, {(voted, "ana"), (voted, "ben"), (rig.record("r2")["stages"][0]["task"], "dee")})


def test_a_parked_record_that_the_dates_refuse_is_parked_no_more(rig):
    rig.discovers("r1")
    park(rig, "ana", rig.claims("ana")["task"])

    rig.hears(updated("r1", revision=2, published="2010"))

    assert (state(rig), parked(rig)) == ("withdrawn", [])
    assert rig.record("r1")["rule"] == "published_after"
    assert_sound(rig.bench, REVIEW, set())


def test_a_retried_parking_is_answered_and_done_once(rig):
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    path, headers = f"/screening/reviews/gardens/tasks/{task}/park", {"Idempotency-Key": "key-of-ana-1"}

    answers = [rig.person("ana").post(path, json={"reason": "later"}, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert len(data_of(rig, "parked")) == 1


def test_a_parked_task_is_in_the_funnel_and_the_gauge(rig):
    rig.discovers("r1")
    park(rig, "ana", rig.claims("ana")["task"])

    (stage, _) = rig.gets("/funnel").json()["stages"]
    assert (stage["entered"], stage["open"], stage["parked"]) == (1, 0, 1)
    with rig.bench.work(readonly=True) as work:
        (gauge,) = rig.bench.service.gauges(work)
    assert gauge.values[REVIEW, "sift", "parked"] == 1


def test_what_is_given_back_unread_never_parks_a_task(rig_of):
    rig = rig_of({**SIFT, "parks_after": 1})
    rig.discovers("r1")

    for _ in range(3):
        lease = rig.claims("ana")["lease"]
        assert rig.asks(f"/leases/{lease}/release?unread=true", None).status_code == 200

    assert rig.record("r1")["stages"][0]["state"] == "open"
    lease = rig.claims("ana")["lease"]
    assert rig.asks(f"/leases/{lease}/release", None).status_code == 200
    assert rig.record("r1")["stages"][0]["state"] == "parked"


def test_a_vote_on_a_parked_task_is_taken_back_and_not_revised_while_others_are_to_come(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]
    rig.claims("ben")
    assert park(rig, "ben", task).status_code == 200

    early = rig.asks(f"/tasks/{task}/revise", {"answer": "unsure"}, "ana")
    assert (early.status_code, early.json()["title"]) == (409, "votes not in")
    assert rig.asks(f"/tasks/{task}/take-back", None, "ana").status_code == 200

    assert rig.record("r1")["stages"][0]["votes_cast"] == 0
    assert_sound(rig.bench, REVIEW, [(task, "ana")])
    assert rig.asks(f"/tasks/{task}/unpark", None, "ben").status_code == 200
    assert_sound(rig.bench, REVIEW, [(task, "ana")])
    assert rig.claims("ana")["task"] == task


def test_a_conflict_that_is_parked_is_hidden_still_from_whoever_may_come_to_decide_it(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    rig.answers("cy", "include", stage="sift")
    rig.answers("ana", "include", stage="sift")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        task = rig.answers(name, answer, stage="sift")["task"]

    def withheld() -> tuple[int, int]:
        shown = rig.gets("/agreement", "cy", "adjudicator").json()[0]
        return shown["n"], shown["withheld"]

    assert withheld() == (1, 1)
    assert park(rig, "lea", task, "lead").status_code == 200
    assert withheld() == (1, 1)


def test_whoever_holds_a_conflict_that_a_lead_parks_may_look_and_decide(rig):
    rig.discovers("r1")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        task = rig.answers(name, answer, stage="sift")["task"]
    lease = rig.claims("dee", "adjudicator", kind="conflict")["lease"]
    assert park(rig, "lea", task, "lead").status_code == 200

    assert [vote["answer"] for vote in rig.looks("dee", lease, "include")["votes"]] == ["include", "unsure"]
    assert rig.votes("dee", lease, "include", "adjudicator", reason="it fits").json()["state"] == "advanced"


def test_a_conflict_that_its_voters_decide_comes_back_to_them(rig_of):
    rig = rig_of({**SIFT, "reconciliation": "consensus"})
    rig.discovers("r1")
    cast = [
        (rig.answers(name, answer, stage="sift")["task"], name)
        for name, answer in (("ana", "include"), ("ben", "unsure"))
    ]
    task = cast[0][0]
    held = rig.claims("ana", kind="conflict")
    assert park(rig, "lea", task, "lead").status_code == 200
    assert_sound(rig.bench, REVIEW, cast)

    assert rig.votes("ana", held["lease"], "include", reason="it fits").status_code == 200
    assert rig.claims("ben", kind="conflict") is None
    assert rig.asks(f"/tasks/{task}/unpark", None, "lea", "lead").status_code == 200
    assert_sound(rig.bench, REVIEW, cast)

    lease = rig.claims("ben", kind="conflict")["lease"]
    assert rig.votes("ben", lease, "include", reason="so be it").json()["state"] == "advanced"
    assert_sound(rig.bench, REVIEW, cast)
