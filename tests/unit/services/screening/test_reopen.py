"""A lead has a decided record decided again: people vote anew, or the votes stand and an adjudicator decides."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.screening import (
    ConflictOpened,
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
)
from tests.unit.services.screening.rig import (
    DEPTH,
    REVIEW,
    SIFT,
    ScreeningRig,
    merged,
    parted,
    protocol,
    published,
)
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_undo import refused, take_back
from tests.unit.services.screening.test_views import events_seen

NO = {"reason": "no garden"}
PLAIN = {**DEPTH, "fields": []}


def reopen(
    rig: ScreeningRig, record: str, stage: str = "sift", name: str = "lea", role: str = "lead", **more: Any
) -> Any:
    return rig.asks(f"/records/{record}/reopen", {"stage": stage, "reason": "misread", **more}, name, role)


def at_stage(rig: ScreeningRig, stage: str, name: str) -> dict[str, Any]:
    """What somebody sees of r1's time at a stage."""
    return next(seen for seen in rig.record("r1", name)["stages"] if seen["stage"] == stage)


def both(rig: ScreeningRig, answer: str, stage: str = "sift") -> str:
    """Ana and ben agree on the next record; the task."""
    rig.answers("ana", answer, stage=stage, **NO)
    return rig.answers("ben", answer, stage=stage, **NO)["task"]


def test_an_excluded_record_is_decided_anew_by_new_votes(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = both(rig, "exclude")

    answer = reopen(rig, "r1")

    assert answer.status_code == 200
    assert [answer.json()[name] for name in ("record", "state", "stage", "reason")] == ["r1", "screening", "sift", None]
    (reopened,) = rig.bench.emitted(RecordReopened)
    assert (reopened.stage, reopened.reason) == ("sift", "misread")
    assert rig.bench.emitted(TaskOpened)[-1].because == "reopened"
    (stage,) = rig.record("r1")["stages"]
    assert (stage["state"], stage["votes_cast"], stage["judgement"]) == ("open", 0, None)
    assert rig.gets("/agreement", "lea", "lead").json()[0]["n"] == 0
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben")])

    assert both(rig, "include") == task
    assert (rig.record("r1")["state"], rig.record("r1")["stage"]) == ("screening", "depth")
    closed = rig.bench.emitted(TaskClosed)[-1]
    assert [vote.answer for vote in closed.judgement.votes] == ["include", "include"]
    seen = rig.record("r1", "cleo")["stages"][0]
    assert [vote["answer"] for vote in seen["set_aside"]] == ["exclude", "exclude"]
    assert [vote["answer"] for vote in seen["votes"]] == ["include", "include"]
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben")] * 2)


def test_the_votes_stand_and_an_adjudicator_decides_whatever_they_say(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = both(rig, "exclude")

    assert reopen(rig, "r1", votes="stand").status_code == 200

    assert len(rig.bench.emitted(ConflictOpened)) == 1
    lease = rig.claims("dee", "adjudicator", kind="conflict")["lease"]
    conflict = rig.looks("dee", lease, "unsure")
    assert [vote["answer"] for vote in conflict["votes"]] == ["exclude", "exclude"]
    assert rig.claims("ana", "adjudicator", kind="conflict") is None, "who voted on it decides no conflict about it"
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben")})

    rig.votes("dee", conflict["lease"], "include", "adjudicator", reason="it is a garden")
    assert (rig.record("r1")["state"], rig.record("r1")["stage"]) == ("screening", "depth")
    assert rig.gets("/agreement", "lea", "lead").json()[0]["n"] == 1
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben"), (task, "dee")})


def test_where_voters_decide_conflicts_an_adjudicator_decides_nevertheless_what_is_opened_for_one(rig_of):
    rig = rig_of({**SIFT, "reconciliation": "consensus"})
    rig.discovers("r1")
    task = both(rig, "exclude")

    reopen(rig, "r1", votes="stand")

    assert rig.claims("ana", kind="conflict") is None
    rig.answers("dee", "include", "adjudicator", "conflict", reason="it is a garden")
    assert rig.record("r1")["state"] == "included"
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben"), (task, "dee")})


@pytest.mark.parametrize("votes", ["anew", "stand"])
def test_what_voters_stood_by_counts_no_more_once_it_is_opened_again(rig_of, votes):
    rig = rig_of({**SIFT, "reconciliation": "consensus"})
    rig.discovers("r1")
    rig.answers("ana", "include")
    task = rig.answers("ben", "exclude", **NO)["task"]
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", kind="conflict", **NO)
    cast = [(task, "ana"), (task, "ben")]

    reopen(rig, "r1", votes=votes)
    if votes == "anew":
        rig.answers("ana", "include")
        rig.answers("ben", "exclude", **NO)
        assert rig.claims("ana", kind="conflict")["stands"] == []
        rig.answers("ana", "include", kind="conflict", reason="it is one")
        rig.answers("ben", "include", kind="conflict")
        assert [it.answer for it in rig.bench.emitted(TaskClosed)[-1].judgement.stands] == ["include", "include"]
        assert_sound(rig.bench, REVIEW, cast * 2)
    else:
        rig.answers("dee", "include", "adjudicator", "conflict", reason="it is one")
        assert rig.bench.emitted(TaskClosed)[-1].judgement.stands == []
        assert_sound(rig.bench, REVIEW, [*cast, (task, "dee")])


def test_who_decided_before_looks_again_where_people_voted_anew(rig):
    rig.discovers("r1")
    for _ in range(2):
        rig.answers("ana", "include")
        rig.answers("ben", "exclude", **NO)
        held = rig.claims("dee", "adjudicator", kind="conflict")
        assert (held["votes"], held["look"]) == ([], None)
        rig.looks("dee", held["lease"], "exclude", **NO)
        rig.votes("dee", held["lease"], "exclude", "adjudicator", **NO)
        assert len(rig.bench.emitted(TaskClosed)[-1].judgement.looks) == 1
        reopen(rig, "r1")


def test_an_adjudicated_record_is_decided_again_by_whoever_may(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    task = rig.answers("ben", "unsure")["task"]
    rig.answers("dee", "exclude", "adjudicator", "conflict", **NO)

    reopen(rig, "r1", votes="stand")
    rig.answers("dee", "include", "adjudicator", "conflict", reason="I misread it")

    assert rig.record("r1")["stage"] == "depth"
    closed = rig.bench.emitted(TaskClosed)[-1]
    assert [(vote.person, vote.answer) for vote in closed.judgement.votes] == [
        ("ana", "include"), ("ben", "unsure"), ("dee", "include"),
    ]  # fmt: skip
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben"), (task, "dee"), (task, "dee")])


def test_an_included_record_goes_back_to_a_stage_and_what_it_passed_later_stands(rig_of):
    rig = rig_of(SIFT, PLAIN)
    rig.discovers("r1")
    first, second = both(rig, "include"), both(rig, "rich", "depth")
    assert rig.record("r1")["state"] == "included"

    reopen(rig, "r1", "sift")

    assert (rig.record("r1")["state"], rig.record("r1")["stage"]) == ("screening", "sift")
    both(rig, "include")
    included = rig.bench.emitted(RecordIncluded)
    assert len(included) == 2
    assert sorted(judgement.stage for judgement in included[-1].judgements) == ["depth", "sift"]
    assert_sound(rig.bench, REVIEW, [(first, "ana"), (first, "ben")] * 2 + [(second, "ana"), (second, "ben")])


def test_a_record_that_was_sent_on_goes_back_and_comes_by_again(rig_of):
    """Who holds the later task may vote on it no more; a vote cast there counts when the record comes by again."""
    rig = rig_of(SIFT, PLAIN)
    rig.discovers("r1")
    both(rig, "include")
    later = rig.answers("ana", "rich", stage="depth")["task"]
    lease = rig.claims("ben", stage="depth")["lease"]

    reopen(rig, "r1", "sift")

    assert refused(rig.votes("ben", lease, "rich")) == (409, "task closed")
    assert refused(take_back(rig, "ana", later)) == (409, "task withdrawn")
    assert at_stage(rig, "depth", "ben")["votes"] == []

    both(rig, "include")
    assert at_stage(rig, "depth", "ben")["votes_cast"] == 1
    assert rig.answers("ben", "rich", stage="depth")["state"] == "advanced"
    assert rig.record("r1")["state"] == "included"


def test_a_record_is_asked_about_as_the_newest_protocol_asks(rig):
    rig.discovers("r1")
    both(rig, "exclude")
    rig.hears(published(protocol({**SIFT, "votes": 3, "question": "Is it a garden?"}, DEPTH), version=2))

    reopen(rig, "r1")

    asked = rig.claims("ana")
    assert (asked["question"], asked["votes_needed"], asked["protocol_version"]) == ("Is it a garden?", 3, 2)


def test_a_stage_that_the_protocol_dropped_asks_as_it_did(rig):
    rig.discovers("r1")
    both(rig, "exclude")
    rig.hears(published(protocol({**SIFT, "name": "other"}, DEPTH), version=2))

    assert reopen(rig, "r1").status_code == 200

    asked = rig.claims("ana", stage="sift")
    assert (asked["stage"], asked["protocol_version"]) == ("sift", 1)


WRONG = [
    ({"record": "nothing"}, (404, "unknown record")),
    ({"stage": "polish"}, (422, "unknown stage")),
    ({"stage": "depth"}, (422, "stage not reached")),
    ({"record": "waits"}, (409, "nothing to reopen")),
    ({"record": "gone"}, (409, "merged")),
    ({"record": "old"}, (422, "stage not reached")),
    ({"name": "dee", "role": "adjudicator"}, (403, "role needed")),
]


@pytest.mark.parametrize(("asked", "why"), WRONG, ids=lambda given: str(given))
def test_what_cannot_be_opened_again_is_refused_and_nothing_is_changed(rig, asked, why):
    rig.discovers("r1")
    both(rig, "exclude")
    rig.discovers("waits", "gone")
    rig.discovers("old", published="2010")
    rig.hears(merged("gone", into="r1"))
    before = len(rig.bench.all_emitted())

    answer = reopen(rig, **{"record": "r1", **asked})

    assert refused(answer) == why, answer.text
    assert why[1] != "merged" or "'r1'" in answer.json()["detail"]
    assert len(rig.bench.all_emitted()) == before
    assert rig.record("r1")["state"] == "excluded"


def test_a_reason_must_be_given_and_is(rig):
    rig.discovers("r1")
    both(rig, "exclude")

    for reason in ("", "   ", None):
        assert reopen(rig, "r1", reason=reason).status_code == 422
    assert reopen(rig, "r1", votes="void").status_code == 422
    assert rig.record("r1")["state"] == "excluded"


def test_a_second_request_opens_nothing_more(rig):
    rig.discovers("r1")
    both(rig, "exclude")
    path, body = f"/screening/reviews/{REVIEW}/records/r1/reopen", {"stage": "sift", "reason": "misread"}
    lea = rig.person("lea", "lead")

    answers = [lea.post(path, json=body, headers={"Idempotency-Key": "key-of-lea-1"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200] and answers[0].text == answers[1].text
    assert len(rig.bench.emitted(RecordReopened)) == 1
    assert refused(reopen(rig, "r1")) == (409, "nothing to reopen")


def test_who_votes_anew_sees_nothing_of_the_votes_of_before_but_their_own(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "exclude", reason="SECRET of before")["task"]
    take_back(rig, "ana", task)
    rig.answers("ana", "exclude", reason="SECRET")
    rig.answers("ben", "exclude", reason="SECRET")
    assert rig.asks(f"/tasks/{task}/revise", {"answer": "exclude", "reason": "SECRET now"}, "ben").status_code == 200
    assert str(events_seen(rig, "cy", "reviewer")).count("SECRET") == 5
    reopen(rig, "r1")

    assert "SECRET" not in rig.gets("/records/r1", "cy").text
    assert "SECRET" not in str(events_seen(rig, "cy", "reviewer"))
    assert str(events_seen(rig, "lea", "lead")).count("SECRET") == 5
    closed = [event for event in events_seen(rig, "cy", "reviewer") if event["type"] == "screening.task.closed"]
    assert [event["data"]["judgement"]["votes"] for event in closed] == [[]]
    own = rig.record("r1", "ana")["stages"][0]
    assert [(vote["person"], vote["reason"]) for vote in own["set_aside"]] == [("ana", "SECRET")]


def test_votes_of_a_stage_that_its_record_went_back_from_are_hidden_until_it_is_decided(rig_of):
    rig = rig_of(SIFT, PLAIN)
    rig.discovers("r1")
    for name in ("ana", "ben"):
        rig.answers(name, "include")
    rig.answers("ana", "rich")  # at depth, which waits for another vote
    reopen(rig, "r1")
    for name in ("cy", "dee"):
        rig.answers(name, "exclude", **NO)

    assert rig.record("r1")["state"] == "excluded"
    assert votes_seen(rig, "cy", "depth") == votes_seen(rig, "lea", "depth") == []
    assert votes_seen(rig, "ana", "depth") == ["rich"]

    reopen(rig, "r1")
    for name in ("cy", "dee"):
        rig.answers(name, "include")
    assert votes_seen(rig, "cy", "depth") == []
    assert rig.answers("cy", "moderate", stage="depth")["state"] == "advanced"
    assert votes_seen(rig, "cy", "depth") == ["rich", "moderate"]


def votes_seen(rig: ScreeningRig, name: str, stage: str) -> list[str]:
    (shown,) = [it for it in rig.record("r1", name)["stages"] if it["stage"] == stage]
    return [vote["answer"] for vote in shown["votes"]]


def test_a_vote_that_is_cast_anew_may_be_taken_back_and_one_that_stood_may_not(rig_of):
    rig = rig_of({**SIFT, "votes": 3})
    rig.discovers("r1")
    for name in ("ana", "ben", "cy"):
        task = rig.answers(name, "exclude", **NO)["task"]
    reopen(rig, "r1")
    rig.answers("ana", "include")

    assert take_back(rig, "ana", task).status_code == 200

    for name in ("ana", "ben", "cy"):
        rig.answers(name, "include")
    reopen(rig, "r1", votes="stand")
    assert refused(take_back(rig, "ana", task)) == (409, "votes are in")


def test_votes_of_before_on_what_is_one_with_a_record_do_not_count_when_people_are_asked_anew(either_rig):
    rig = either_rig
    rig.discovers("r1")
    first = both(rig, "exclude")
    rig.discovers("r2")
    second = rig.answers("cy", "include")["task"]
    rig.hears(merged("r2", into="r1"))
    rig.bench.clock.advance(minutes=1)

    reopen(rig, "r1")

    assert rig.record("r1")["stages"][0]["votes_cast"] == 0
    rig.discovers("r3")
    rig.hears(merged("r3", into="r1"))
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0
    assert_sound(rig.bench, REVIEW, [(first, "ana"), (first, "ben"), (second, "cy")])


def test_what_is_parted_again_keeps_what_it_was_decided_before_the_other_was_opened_again(either_rig):
    rig = either_rig
    rig.discovers("r1")
    first = both(rig, "exclude")
    rig.discovers("r2")
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r2")["state"] == "excluded"

    reopen(rig, "r2")
    assert_sound(rig.bench, REVIEW, [(first, "ana"), (first, "ben")])
    rig.hears(parted("r1", out_of="r2"))

    assert (rig.record("r1")["state"], rig.record("r2")["state"]) == ("excluded", "screening")
    assert [vote["person"] for vote in rig.record("r1")["stages"][0]["votes"]] == ["ana", "ben"]
    assert_sound(rig.bench, REVIEW, [(first, "ana"), (first, "ben")])


def test_a_record_that_waits_for_an_adjudicator_still_does_when_another_is_parted_from_it(rig):
    rig.discovers("r1")
    both(rig, "exclude")
    rig.discovers("r2")
    rig.hears(merged("r2", into="r1"))
    reopen(rig, "r1", votes="stand")

    rig.hears(parted("r2", out_of="r1"))

    assert [task["record"] for task in rig.gets("/conflicts").json()["items"]] == ["r1"]
    assert [event.record for event in rig.bench.emitted(RecordExcluded) if event.rule is None] == ["r1"]


def test_a_record_that_waits_for_an_adjudicator_still_does_when_it_comes_by_again(rig_of):
    rig = rig_of(SIFT, {**PLAIN, "adjudicators": "adjudicator"})
    rig.discovers("r1")
    both(rig, "include")
    both(rig, "thin", "depth")
    reopen(rig, "r1", "depth", votes="stand")

    reopen(rig, "r1", "sift")
    assert rig.claims("dee", "adjudicator", kind="conflict") is None
    both(rig, "include")

    assert rig.claims("dee", "adjudicator", kind="conflict")["stage"] == "depth"


def test_what_an_adjudicator_decided_against_agreeing_votes_stands_when_it_comes_by_again(rig_of):
    rig = rig_of(SIFT, {**PLAIN, "adjudicators": "adjudicator"})
    rig.discovers("r1")
    first, later = both(rig, "include"), both(rig, "rich", "depth")
    reopen(rig, "r1", "depth", votes="stand")
    rig.answers("dee", "thin", "adjudicator", "conflict", reason="it is a balcony")
    assert rig.record("r1")["state"] == "excluded"

    reopen(rig, "r1", "sift")
    both(rig, "include")

    assert rig.record("r1")["state"] == "excluded"
    cast = [(first, "ana"), (first, "ben")] * 2 + [(later, name) for name in ("ana", "ben", "dee")]
    assert_sound(rig.bench, REVIEW, cast)

    reopen(rig, "r1", "depth", votes="stand")
    assert_sound(rig.bench, REVIEW, cast)


def test_it_stands_when_its_votes_move_to_what_is_one_with_it(rig_of):
    rig = rig_of(SIFT, {**PLAIN, "adjudicators": "adjudicator"})
    rig.discovers("r1", "r2")
    first = [rig.answers(name, "include")["task"] for name in ("ana", "ben")]
    reopen(rig, "r1", "sift", votes="stand")
    decided = rig.answers("dee", "exclude", "adjudicator", "conflict", reason="it is a balcony")
    assert rig.record("r1")["state"] == "excluded" and set(first) == {decided["task"]}

    rig.hears(merged("r1", into="r2"))

    assert rig.record("r2")["state"] == "excluded"
    assert_sound(rig.bench, REVIEW, [(decided["task"], name) for name in ("ana", "ben", "dee")])
