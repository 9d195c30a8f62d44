"""Conflicts: whoever decides one looks first; voters who decide together see each other's votes and agree."""

from __future__ import annotations

from typing import Any

import pytest

from services.screening import domain, jobs
from shared.events.people import MemberJoined, MemberLeft, RoleChanged
from shared.events.screening import ConflictOpened, RecordExcluded, TaskClosed
from tests.unit.services.screening.rig import DEPTH, REASONS, REVIEW, SIFT, ScreeningRig, merged, protocol, published
from tests.unit.services.screening.soundness import assert_sound

TOGETHER = {**SIFT, "reconciliation": "consensus"}
NO = {"reason": "no garden"}


@pytest.fixture
def team(rig_of) -> ScreeningRig:
    """A rig whose voters decide conflicts together."""
    return rig_of(TOGETHER)


def title(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["title"]


def parted_on(rig: ScreeningRig, *records: str, voters: tuple[str, ...] = ("ana", "ben")) -> list[tuple[str, str]]:
    """Has the first of these voters include each record and the others exclude it; answers what was cast."""
    rig.discovers(*records)
    cast = []
    for name in voters:
        for _ in records:
            task = rig.claims(name)
            rig.votes(name, task["lease"], "include" if name == voters[0] else "exclude", **NO)
            cast.append((task["task"], name))
    return cast


def journal(rig: ScreeningRig) -> list[str]:
    """The ids of all events of the review, as a lead reads them."""
    answer = rig.person("lea", "lead").get(f"/screening/reviews/{REVIEW}/events", params={"limit": 100})
    return [entry["event"]["id"] for entry in answer.json()["items"]]


# --- the first look


def test_a_look_says_for_which_reason_and_is_none_of_the_votes_behind_the_decision(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS, "judged_for": "cmocs"})
    rig.discovers("r1")
    rig.answers("ana", "include", judged_for=["c1"])
    rig.answers("ben", "exclude", excluded_for="no-garden", **NO)
    lease = rig.claims("cy", "adjudicator", kind="conflict")["lease"]
    assert title(rig.asks(f"/leases/{lease}/look", {"answer": "exclude"}, "cy", "adjudicator"))[0] == 422
    rig.looks("cy", lease, "exclude", excluded_for="opinion", judged_for=["c1"], **NO)
    out = {"excluded_for": "no-people", "judged_for": ["c2"]}
    rig.votes("cy", lease, "exclude", "adjudicator", reason="it is a robot's", **out)

    (closed,) = rig.bench.emitted(TaskClosed)
    (look,) = closed.judgement.looks
    assert (look.excluded_for, look.judged_for) == ("opinion", ["c1"])
    assert (closed.judgement.excluded_for, closed.judgement.judged_for) == ("no-people", ["c2"])


def test_whoever_decides_a_conflict_sees_the_record_and_the_question_alone_and_the_votes_after_their_own_look(
    either_rig,
):
    rig = either_rig
    parted_on(rig, "r1")

    before = rig.claims("cy", "adjudicator", kind="conflict")
    after = rig.looks("cy", before["lease"], "unsure", reason="hard to say")

    assert (before["record"]["record"], before["question"]) == ("r1", "Could it inform a theory?")
    assert (before["votes"], before["look"]) == ([], None)
    assert [answer["value"] for answer in before["answers"]] == ["include", "unsure", "exclude"]
    assert {vote["person"]: vote["answer"] for vote in after["votes"]} == {"ana": "include", "ben": "exclude"}
    assert (after["look"]["answer"], after["look"]["reason"]) == ("unsure", "hard to say")
    assert rig.gets(f"/leases/{before['lease']}", "cy", "adjudicator").json() == after
    assert rig.claims("cy", "adjudicator", kind="conflict") == after


def test_nobody_decides_a_conflict_before_their_first_look_or_looks_twice(either_rig):
    rig = either_rig
    parted_on(rig, "r1")
    lease = rig.claims("cy", "adjudicator", kind="conflict")["lease"]

    assert title(rig.votes("cy", lease, "include", "adjudicator", reason="it fits")) == (409, "look first")
    rig.looks("cy", lease, "exclude", **NO)
    again = rig.asks(f"/leases/{lease}/look", {"answer": "include"}, "cy", "adjudicator")

    assert title(again) == (409, "already looked")
    assert rig.votes("cy", lease, "include", "adjudicator", reason="it fits").json()["state"] == "advanced"


def test_a_first_look_is_told_at_the_close_as_the_adjudicators_own_and_is_no_vote(either_rig):
    rig = either_rig
    cast = parted_on(rig, "r1")
    held = rig.claims("cy", "adjudicator", kind="conflict")
    rig.looks("cy", held["lease"], "exclude", reason="a balcony")

    decided = rig.votes("cy", held["lease"], "include", "adjudicator", reason="it is a garden after all").json()

    judgement = decided["judgement"]
    assert [(look["person"], look["answer"], look["reason"]) for look in judgement["looks"]] == [
        ("cy", "exclude", "a balcony")
    ]
    assert [vote["person"] for vote in judgement["votes"]] == ["ana", "ben", "cy"]
    (closed,) = rig.bench.emitted(TaskClosed)
    assert [look.answer for look in closed.judgement.looks] == ["exclude"]
    assert rig.record("r1")["stages"][0]["judgement"] == judgement
    assert rig.gets("/agreement").json()[0]["n"] == 1
    assert_sound(rig.bench, REVIEW, [*cast, (held["task"], "cy")])


def test_no_event_tells_of_a_look_before_the_task_is_closed(rig):
    parted_on(rig, "r1")
    before = journal(rig)

    held = rig.claims("cy", "adjudicator", kind="conflict")
    rig.looks("cy", held["lease"], "exclude", reason="SECRET")

    assert journal(rig) == before
    for name, role in (("ana", "reviewer"), ("dee", "adjudicator"), ("lea", "lead")):
        assert "SECRET" not in rig.gets("/records/r1", name, role).text


def test_a_look_lasts_when_the_lease_has_lapsed(either_rig):
    rig = either_rig
    parted_on(rig, "r1")
    rig.looks("cy", rig.claims("cy", "adjudicator", kind="conflict")["lease"], "exclude", **NO)
    rig.bench.clock.advance(hours=2)

    held = rig.claims("cy", "adjudicator", kind="conflict")

    assert (held["look"]["answer"], len(held["votes"])) == ("exclude", 2)
    assert rig.votes("cy", held["lease"], "include", "adjudicator", reason="it fits").status_code == 200


def test_another_adjudicator_looks_for_themselves(either_rig):
    rig = either_rig
    parted_on(rig, "r1")
    first = rig.claims("cy", "adjudicator", kind="conflict")
    rig.looks("cy", first["lease"], "exclude", **NO)
    rig.asks(f"/leases/{first['lease']}/release", None, "cy", "adjudicator")

    second = rig.claims("dee", "adjudicator", kind="conflict")

    assert (second["votes"], second["look"]) == ([], None)
    decided = rig.answers("dee", "include", "adjudicator", "conflict", reason="it fits")
    assert [look["person"] for look in decided["judgement"]["looks"]] == ["cy", "dee"]


@pytest.mark.parametrize(
    ("ballot", "slug"),
    [
        ({"answer": "great"}, "unknown answer"),
        ({"answer": "exclude"}, "missing reason"),
        ({"answer": "include", "fields": {"colour": "red"}}, "unknown field"),
        ({}, "invalid"),
    ],
)
def test_a_look_is_filled_in_like_a_vote(rig, ballot, slug):
    parted_on(rig, "r1")
    lease = rig.claims("cy", "adjudicator", kind="conflict")["lease"]

    assert title(rig.asks(f"/leases/{lease}/look", ballot, "cy", "adjudicator")) == (422, slug)
    assert rig.claims("cy", "adjudicator", kind="conflict")["look"] is None


def test_a_look_is_for_the_conflicts_of_others_alone(rig, rig_of):
    rig.discovers("r1", "r2")
    lease = rig.claims("ana")["lease"]
    assert title(rig.asks(f"/leases/{lease}/look", {"answer": "include"})) == (409, "no first look")
    assert title(rig.asks(f"/leases/{lease}/look", {"answer": "include"}, "ben")) == (403, "not your lease")
    assert rig.asks(f"/leases/{lease}/look", {"answer": "include"}, "rea", "reader").status_code == 403

    team = rig_of(TOGETHER)
    parted_on(team, "r1")
    lease = team.claims("ana", kind="conflict")["lease"]
    assert title(team.asks(f"/leases/{lease}/look", {"answer": "include"})) == (409, "no first look")


def test_a_look_sent_twice_is_one(rig):
    parted_on(rig, "r1")
    lease = rig.claims("cy", "adjudicator", kind="conflict")["lease"]
    path, headers = f"/screening/reviews/{REVIEW}/leases/{lease}/look", {"Idempotency-Key": "look-of-cy"}
    cy = rig.person("cy", "adjudicator")

    first, second = (cy.post(path, json={"answer": "include"}, headers=headers) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json() and len(first.json()["votes"]) == 2


# --- the voters decide


def test_two_voters_decide_their_conflict_once_both_stand_by_one_answer(settings, rig_of):
    rig = rig_of(TOGETHER, settings=settings)
    cast = parted_on(rig, "r1")
    (opened,) = rig.bench.emitted(ConflictOpened)
    assert opened.reconciliation == "consensus"

    held = rig.claims("ana", kind="conflict")
    assert held["decided_by_voters"] is True
    assert {vote["person"]: vote["answer"] for vote in held["votes"]} == {"ana": "include", "ben": "exclude"}
    assert rig.votes("ana", held["lease"], "exclude", reason="ben is right: a balcony").json()["state"] == "conflict"
    assert rig.claims("ana", kind="conflict") is None

    shown = rig.claims("ben", kind="conflict")
    assert [(it["person"], it["answer"], it["reason"]) for it in shown["stands"]] == [
        ("ana", "exclude", "ben is right: a balcony")
    ]
    assert {it["value"]: it["reason_required"] for it in shown["answers"]} == {"include": True, "exclude": False}
    decided = rig.votes("ben", shown["lease"], "exclude").json()

    assert decided["state"] == "excluded"
    judgement = decided["judgement"]
    assert (judgement["decided_by"], judgement["consensus"], judgement["answer"]) == ("agreement", True, "exclude")
    assert [vote["answer"] for vote in judgement["votes"]] == ["include", "exclude"]
    assert [(it["person"], it["answer"]) for it in judgement["stands"]] == [("ana", "exclude"), ("ben", "exclude")]
    (excluded,) = rig.bench.emitted(RecordExcluded)
    assert excluded.reason == "ben is right: a balcony"
    (listed,) = rig.gets("/stages/sift/tasks", state="excluded").json()["items"]
    assert listed["decided_by"] == "consensus"
    assert rig.gets("/agreement").json()[0]["agreed"] == 0
    assert_sound(rig.bench, REVIEW, cast)


def test_voters_propose_in_turn_until_they_agree(team):
    parted_on(team, "r1")

    def says(name: str, answer: str, **rest: str) -> str:
        return team.votes(name, team.claims(name, kind="conflict")["lease"], answer, **rest).json()["state"]

    assert says("ana", "include", reason="it is one") == "conflict"
    assert says("ben", "exclude", reason="it is none") == "conflict"
    assert team.claims("ben", kind="conflict") is None
    assert says("ana", "include", reason="look at page 3") == "conflict"
    assert says("ben", "include") == "advanced"
    (closed,) = team.bench.emitted(TaskClosed)
    assert [(it.person, it.reason) for it in closed.judgement.stands] == [
        ("ana", "look at page 3"), ("ben", "look at page 3"),
    ]  # fmt: skip


def test_all_of_three_voters_must_stand_by_one_answer(rig_of):
    rig = rig_of({**TOGETHER, "votes": 3})
    cast = parted_on(rig, "r1", voters=("ana", "ben", "cy"))

    for name in ("ana", "ben"):
        held = rig.claims(name, kind="conflict")
        assert rig.votes(name, held["lease"], "include", reason="it is one").json()["state"] == "conflict"
    assert [rig.claims(name, kind="conflict") for name in ("ana", "ben")] == [None, None]

    held = rig.claims("cy", kind="conflict")
    assert rig.votes("cy", held["lease"], "include").json()["state"] == "advanced"
    assert_sound(rig.bench, REVIEW, cast)


def test_a_proposal_says_why_and_decides(team):
    parted_on(team, "r1")
    lease = team.claims("ana", kind="conflict")["lease"]

    assert title(team.votes("ana", lease, "exclude")) == (422, "missing reason")
    assert title(team.votes("ana", lease, "unsure", reason="hard")) == (422, "undecided")
    assert title(team.votes("ana", lease, "great", reason="so")) == (422, "unknown answer")
    assert team.claims("ana", kind="conflict")["lease"] == lease


def test_whoever_confirms_takes_over_what_was_filled_in(rig_of):
    rig = rig_of({**DEPTH, "reconciliation": "consensus"})
    rig.discovers("r1")
    rig.answers("ana", "thin", fields={"cmocs": ["c1"]})
    rig.answers("ben", "rich", fields={"cmocs": ["c1", "c2"]})
    held = rig.claims("ana", kind="conflict")
    rig.votes("ana", held["lease"], "rich", reason="it is", fields={"cmocs": ["c2"], "setting": "town"})

    decided = rig.votes("ben", rig.claims("ben", kind="conflict")["lease"], "rich").json()

    assert [it["fields"] for it in decided["judgement"]["stands"]] == [{"cmocs": ["c2"], "setting": "town"}] * 2


def test_what_voters_stand_by_says_for_which_reason_a_record_is_out_and_whoever_confirms_takes_it_over(rig_of):
    rig = rig_of({**TOGETHER, "reasons": REASONS, "judged_for": "cmocs"})
    rig.discovers("r1")
    rig.answers("ana", "include", judged_for=["c1"])
    rig.answers("ben", "exclude", excluded_for="no-garden", reason="none at all")
    held = rig.claims("ana", kind="conflict")
    assert title(rig.votes("ana", held["lease"], "exclude", reason="a robot")) == (422, "missing reason")
    out = {"excluded_for": "no-people", "judged_for": ["c2"]}
    rig.votes("ana", held["lease"], "exclude", reason="a robot", **out)
    (shown,) = (held := rig.claims("ben", kind="conflict"))["stands"]
    assert (shown["excluded_for"], shown["judged_for"]) == ("no-people", ["c2"])

    judgement = rig.votes("ben", held["lease"], "exclude").json()["judgement"]

    assert [(it["excluded_for"], it["judged_for"]) for it in judgement["stands"]] == [("no-people", ["c2"])] * 2
    assert (judgement["excluded_for"], judgement["judged_for"]) == ("no-people", ["c2"])
    (excluded,) = rig.bench.emitted(RecordExcluded)
    assert (excluded.excluded_for, excluded.reason) == ("no-people", "Nobody tends it: a robot")
    assert rig.gets("/funnel").json()["stages"][0]["excluded_for"] == {"no-people": 1}


def test_a_conflict_of_its_voters_is_nobody_elses(team):
    parted_on(team, "r1")

    assert team.claims("cy", kind="conflict") is None
    assert team.claims("dee", "adjudicator", kind="conflict") is None
    assert team.claims("lea", "lead", kind="conflict") is None
    held = team.claims("ana", kind="conflict")
    assert title(team.votes("ben", held["lease"], "include", **NO)) == (403, "not your lease")
    assert team.queue("sift")["conflicts"] == 1


def test_what_voters_stand_by_is_seen_by_voters_alone_and_told_by_no_event(team):
    parted_on(team, "r1")
    before = journal(team)
    held = team.claims("ana", kind="conflict")
    team.votes("ana", held["lease"], "exclude", reason="SECRET")

    assert journal(team) == before
    for name, role in (("rea", "reader"), ("cy", "reviewer"), ("dee", "adjudicator"), ("lea", "lead")):
        for path in ("/records/r1", "/conflicts", "/queue", "/stages/sift/tasks?state=conflict"):
            assert "SECRET" not in team.gets(path, name, role).text
    assert "SECRET" in team.asks("/claims", {"kind": "conflict"}, "ben").text


def test_a_lease_of_a_voter_lapses_or_is_given_back_and_the_conflict_stays_theirs(team):
    cast = parted_on(team, "r1")
    first = team.claims("ana", kind="conflict")
    assert team.claims("ana", kind="conflict")["lease"] == first["lease"]
    assert team.claims("ben", kind="conflict") is not None
    team.bench.clock.advance(hours=2)
    team.bench.runs(jobs.return_lapsed_leases)
    assert_sound(team.bench, REVIEW, cast)

    second = team.claims("ana", kind="conflict")
    assert second["lease"] != first["lease"]
    team.asks(f"/leases/{second['lease']}/release", None)

    assert team.claims("ana", kind="conflict")["task"] == first["task"]
    assert_sound(team.bench, REVIEW, cast)


def test_several_conflicts_of_ones_own_are_claimed_in_queue_order(team):
    parted_on(team, "r1", "r2", "r3")

    taken = team.claims_many("ana", kind="conflict", count=2)

    assert [task["record"]["record"] for task in taken] == ["r1", "r2"]
    assert len(team.claims_many("ana", kind="conflict", count=10)) == 3


def test_a_lease_of_another_voter_ends_when_they_agreed(team):
    cast = parted_on(team, "r1")
    team.votes("ana", team.claims("ana", kind="conflict")["lease"], "include", reason="it is one")
    ben = team.claims("ben", kind="conflict")["lease"]
    team.votes("ben", ben, "exclude", reason="it is none")
    again = team.claims("ana", kind="conflict")["lease"]

    assert team.votes("ana", again, "exclude").json()["state"] == "excluded"
    assert title(team.votes("ana", again, "exclude")) == (409, "already voted")
    assert_sound(team.bench, REVIEW, cast)


def test_a_single_voter_has_nobody_to_agree_with(rig_of):
    rig = rig_of({**TOGETHER, "double_screened": 50})
    names = [f"r{number}" for number in range(20)]
    once = next(name for name in names if domain.votes_needed(_stage(rig), REVIEW, name) == 1)
    rig.discovers(once)
    rig.answers("ana", "unsure")

    assert rig.claims("ana", kind="conflict") is None
    assert rig.answers("dee", "include", "adjudicator", "conflict", reason="it fits")["state"] == "advanced"


def _stage(rig: ScreeningRig) -> Any:
    return protocol({**TOGETHER, "double_screened": 50}).stages[0]


# --- where the voters cannot


def leaves(rig: ScreeningRig, person: str) -> None:
    rig.hears(MemberLeft(review=REVIEW, person=person, role="reviewer"))


def test_a_voter_who_left_need_not_agree(rig_of):
    rig = rig_of({**TOGETHER, "votes": 3})
    cast = parted_on(rig, "r1", voters=("ana", "ben", "cy"))
    for name in ("ana", "ben"):
        rig.votes(name, rig.claims(name, kind="conflict")["lease"], "include", reason="it is one")

    leaves(rig, "cy")

    assert rig.record("r1")["state"] == "included"
    assert_sound(rig.bench, REVIEW, cast)


def test_a_third_person_decides_where_fewer_than_two_voters_are_left(team):
    cast = parted_on(team, "r1")
    held = team.claims("ana", kind="conflict")["lease"]

    leaves(team, "ben")

    assert title(team.votes("ana", held, "include", reason="so")) == (409, "task closed")
    assert team.claims("ana", "adjudicator", kind="conflict") is None
    opened = team.bench.emitted(ConflictOpened)[-1]
    assert (opened.reconciliation, opened.because) == (None, "fewer than two of its voters are left")
    assert_sound(team.bench, REVIEW, cast)
    assert team.answers("dee", "include", "adjudicator", "conflict", reason="it fits")["state"] == "advanced"


def test_a_conflict_of_somebody_who_left_before_it_opened_is_a_third_persons(team):
    team.discovers("r1")
    team.answers("ana", "include")
    leaves(team, "ana")

    team.answers("ben", "exclude", **NO)

    assert team.claims("ben", kind="conflict") is None
    assert team.claims("dee", "adjudicator", kind="conflict") is not None


def test_whoever_comes_back_or_may_vote_again_is_waited_for(team):
    leaves(team, "ana")
    team.hears(MemberJoined(review=REVIEW, person="ana", role="reviewer", invited_by="lea"))
    team.hears(RoleChanged(review=REVIEW, person="ben", role="reader", before="reviewer"))
    team.hears(RoleChanged(review=REVIEW, person="ben", role="lead", before="reader"))
    parted_on(team, "r1")

    assert team.claims("ana", kind="conflict") is not None

    team.hears(RoleChanged(review=REVIEW, person="ben", role="reader", before="lead"))
    assert team.claims("dee", "adjudicator", kind="conflict") is not None


def test_a_lead_gives_a_conflict_to_a_third_person_and_says_why(settings, rig_of):
    rig = rig_of(TOGETHER, settings=settings)
    cast = parted_on(rig, "r1")
    rig.votes("ana", rig.claims("ana", kind="conflict")["lease"], "include", reason="it is one")
    task = rig.gets("/conflicts").json()["items"][0]["task"]
    path = f"/tasks/{task}/adjudication"

    assert rig.asks(path, {"reason": "we go in circles"}, "dee", "adjudicator").status_code == 403
    assert title(rig.asks(path, {}, "lea", "lead")) == (422, "invalid")
    given = rig.asks(path, {"reason": "we go in circles"}, "lea", "lead")

    assert (given.status_code, given.json()["state"]) == (200, "conflict")
    assert rig.bench.emitted(ConflictOpened)[-1].because == "we go in circles"
    assert title(rig.asks(path, {"reason": "again"}, "lea", "lead")) == (409, "not of voters")
    assert rig.asks("/tasks/task_0/adjudication", {"reason": "none"}, "lea", "lead").status_code == 404
    assert_sound(rig.bench, REVIEW, cast)
    held = rig.claims("dee", "adjudicator", kind="conflict")
    assert (held["votes"], held["stands"]) == ([], [])
    shown = rig.looks("dee", held["lease"], "include")
    assert ([it["person"] for it in shown["stands"]], len(shown["votes"])) == (["ana"], 2)
    decided = rig.votes("dee", held["lease"], "exclude", "adjudicator", reason="ben is right").json()
    assert decided["judgement"]["decided_by"] == "adjudication" and "consensus" not in decided["judgement"]
    assert "ben is right" in rig.bench.emitted(RecordExcluded)[-1].reason, (
        "who decides says why, and not who stood by it"
    )
    assert_sound(rig.bench, REVIEW, [*cast, (task, "dee")])


def test_what_a_third_person_decided_is_theirs_too_where_a_merger_brings_it(team):
    cast = parted_on(team, "r1")
    task = team.gets("/conflicts").json()["items"][0]["task"]
    team.asks(f"/tasks/{task}/adjudication", {"reason": "we go in circles"}, "lea", "lead")
    team.answers("dee", "exclude", "adjudicator", "conflict", reason="ben is right")
    team.discovers("r2")

    team.hears(merged("r1", into="r2"))

    assert team.record("r2")["state"] == "excluded"
    assert team.bench.emitted(TaskClosed)[-1].judgement.decided_by == "adjudication"
    assert_sound(team.bench, REVIEW, [*cast, (task, "dee")])


def test_an_amendment_leaves_an_open_conflict_to_its_voters(team):
    parted_on(team, "r1")
    team.hears(published(protocol(SIFT), version=2))

    assert team.claims("ana", kind="conflict") is not None
    assert title(team.asks("/claims", {"kind": "conflict"}, "cy")) == (403, "role needed")
    assert team.claims("dee", "adjudicator", kind="conflict") is None


def test_what_was_excluded_and_is_one_with_what_passed_is_decided_by_its_voters_again(rig_of):
    rig = rig_of(TOGETHER, DEPTH)
    rig.discovers("r1", "r2")
    cast = []
    for name in ("ana", "ben"):
        for answer in ("exclude", "include"):
            task = rig.claims(name, stage="sift")
            rig.votes(name, task["lease"], answer, **NO)
            cast.append((task["task"], name))

    rig.hears(merged("r2", into="r1"))

    assert_sound(rig.bench, REVIEW, cast)
    for name in ("ana", "ben"):
        held = rig.claims(name, kind="conflict")
        assert held["record"]["record"] == "r1" and len(held["elsewhere"][0]["votes"]) == 2
        rig.votes(name, held["lease"], "include", reason="they are one")
    assert rig.record("r1")["stage"] == "depth"


@pytest.mark.parametrize(
    ("mode", "answers", "state"),
    [
        ("include_if_any", ("include", "exclude"), "advanced"),
        ("include_if_any", ("unsure", "exclude"), "conflict"),
        ("exclude_if_all", ("unsure", "exclude"), "advanced"),
        ("exclude_if_all", ("exclude", "exclude"), "excluded"),
    ],
)
def test_a_stage_may_go_by_its_votes_alone(rig_of, mode, answers, state):
    rig = rig_of({**SIFT, "reconciliation": mode})
    rig.discovers("r1")
    rig.answers("ana", answers[0], **NO)

    assert rig.answers("ben", answers[1], **NO)["state"] == state
    if state == "conflict":
        assert rig.answers("dee", "include", "adjudicator", "conflict", reason="it fits")["state"] == "advanced"
