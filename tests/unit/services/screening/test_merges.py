"""Merges: votes are neither lost nor doubled, and decisions stand."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import NotYet, Rejected
from shared.events.screening import RecordExcluded, RecordIncluded, RecordReopened, TaskClosed
from tests.unit.services.screening.rig import (
    DEPTH,
    SIFT,
    ScreeningRig,
    merged,
    noticed,
    parted,
    protocol,
    published,
    updated,
)

NO = {"reason": "no garden"}


def stage(rig: ScreeningRig, record: str, at: int = 0) -> dict[str, Any]:
    return rig.record(record)["stages"][at]


def vote_on(rig: ScreeningRig, record: str, name: str, answer: str, **rest: Any) -> dict[str, Any]:
    """Votes on one record's task; everyone's queue begins with the tasks of this record."""
    task = rig.claims(name)
    assert task["record"]["record"] == record
    return rig.votes(name, task["lease"], answer, **rest).json()


def test_a_vote_moves_to_the_surviving_record(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    vote_on(rig, "r1", "ana", "include")

    rig.hears(merged("r1", into="r2"))

    assert (stage(rig, "r1")["state"], stage(rig, "r2")["votes_cast"]) == ("withdrawn", 1)
    assert rig.claims("ana") is None
    decided = vote_on(rig, "r2", "ben", "include")
    assert [vote["person"] for vote in decided["judgement"]["votes"]] == ["ana", "ben"]
    (excluded,) = rig.bench.emitted(RecordExcluded)
    assert (excluded.record, excluded.rule, excluded.revision) == ("r1", "merged", 2)


def test_a_merge_that_brings_the_last_vote_decides(either_rig):
    rig = either_rig
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    rig.discovers("r2")
    vote_on(rig, "r1", "ben", "exclude", **NO)
    vote_on(rig, "r2", "ben", "include")

    rig.hears(merged("r1", into="r2"))

    # r1 was in conflict; its two votes leave room for ana's only, since ben has voted on r2 himself.
    (closed,) = rig.bench.emitted(TaskClosed)
    assert (closed.record, closed.judgement.answer) == ("r2", "include")
    assert sorted(vote.person for vote in closed.judgement.votes) == ["ana", "ben"]
    assert rig.record("r2")["stage"] == "depth"
    assert rig.gets("/conflicts").json()["items"] == []


def test_votes_that_disagree_across_the_merged_records_are_a_conflict(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    held = rig.claims("cy")
    rig.discovers("r2")
    assert held["record"]["record"] == "r1"
    vote_on(rig, "r2", "ben", "exclude", **NO)

    rig.hears(merged("r1", into="r2"))

    assert stage(rig, "r2")["state"] == "conflict"
    held = rig.claims("eve", "adjudicator", kind="conflict")
    seen = rig.looks("eve", held["lease"], "unsure")["votes"]
    assert sorted(vote["answer"] for vote in seen) == ["exclude", "include"]


def test_nobody_counts_twice(rig):
    rig.discovers("r1", "r2")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r2", "ana", "exclude", **NO)

    rig.hears(merged("r1", into="r2"))

    assert stage(rig, "r2")["votes_cast"] == 1
    assert [vote["answer"] for vote in stage(rig, "r2")["votes"]] == ["exclude"]
    assert [vote["answer"] for vote in stage(rig, "r1")["votes"]] == ["include"]
    assert vote_on(rig, "r2", "ben", "include")["state"] == "conflict"


def test_a_vote_displaces_the_newest_lease_and_its_own_persons(either_rig):
    rig = either_rig
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    rig.discovers("r2")
    first = rig.claims("ben")
    rig.asks(f"/leases/{first['lease']}/release", None, "ben")  # r1 goes behind r2
    ben, ana = rig.claims("ben"), rig.claims("ana")
    assert ben["record"]["record"] == ana["record"]["record"] == "r2"

    rig.hears(merged("r1", into="r2"))

    assert rig.votes("ana", ana["lease"], "include").json()["title"] == "task closed"
    assert rig.claims("cy") is None
    assert rig.votes("ben", ben["lease"], "include").json()["state"] == "advanced"


def test_a_decided_survivor_keeps_its_decision(rig):
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "exclude", **NO)
    vote_on(rig, "r2", "ana", "include")

    rig.hears(merged("r2", into="r1"))

    assert rig.record("r1")["state"] == "excluded"
    assert [event.record for event in rig.bench.emitted(TaskClosed)] == ["r1"]
    assert [vote["answer"] for vote in stage(rig, "r2")["votes"]] == ["include"]
    assert rig.record("r2")["state"] == "merged"


def test_what_was_let_in_is_not_silently_out_because_it_is_one_with_what_was_excluded(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "exclude", **NO)
        vote_on(rig, "r2", name, "include")
    for name in ("ana", "ben"):
        vote_on(rig, "r2", name, "rich", fields={"cmocs": ["c1"]})
    assert rig.record("r2")["state"] == "included"

    rig.hears(merged("r2", into="r1"))

    assert (rig.record("r1")["state"], stage(rig, "r1")["state"]) == ("screening", "conflict")
    (reopened,) = rig.bench.emitted(RecordReopened)
    assert (reopened.record, reopened.stage) == ("r1", "sift") and "r2" in reopened.reason
    assert [shown["n"] for shown in rig.gets("/agreement").json() if shown["stage"] == "sift"] == [2]

    held = rig.claims("eve", "adjudicator", kind="conflict")
    assert (held["votes"], held["elsewhere"]) == ([], [])
    shown = rig.looks("eve", held["lease"], "include")
    assert [(vote["person"], vote["answer"]) for vote in shown["votes"]] == [("ana", "exclude"), ("ben", "exclude")]
    (other,) = shown["elsewhere"]
    assert (other["record"], [vote["answer"] for vote in other["votes"]]) == ("r2", ["include", "include"])
    rig.answers("eve", "include", "adjudicator", "conflict", reason="I have read both")

    assert rig.record("r1")["state"] == "included"
    assert [event.record for event in rig.bench.emitted(RecordIncluded)] == ["r2", "r1"]


def test_parted_again_each_is_what_it_was(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "exclude", **NO)
        vote_on(rig, "r2", name, "include")
    rig.hears(merged("r2", into="r1"))
    assert stage(rig, "r1")["state"] == "conflict"

    rig.hears(parted("r2", out_of="r1"))

    assert (rig.record("r1")["state"], rig.record("r2")["stage"]) == ("excluded", "depth")


def test_a_survivor_behind_catches_up_stage_after_stage(either_rig):
    rig = either_rig
    rig.discovers("r1")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "include")
    for name in ("ana", "ben"):
        vote_on(rig, "r1", name, "rich", fields={"cmocs": ["c1"]})
    rig.discovers("r2")
    assert rig.record("r1")["state"] == "included"

    rig.hears(merged("r1", into="r2"))

    included = rig.bench.emitted(RecordIncluded)
    assert [event.record for event in included] == ["r1", "r2"]
    assert [judged.answer for judged in included[1].judgements] == ["include", "rich"]
    assert rig.record("r1")["state"] == "merged"
    assert rig.gets("/funnel").json() | {"stages": None} == {
        "identified": 2, "duplicates": 1,
        "discovered": 2, "merged": 1, "by_rule": {}, "screening": 0, "included": 1, "excluded": 0, "stages": None,
    }  # fmt: skip
    # The two votes were compared once, on r1.
    assert [shown["n"] for shown in rig.gets("/agreement").json()] == [1, 1]


def test_a_conflict_that_moves_with_a_merge_is_compared_once(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r1", "ben", "unsure")
    rig.discovers("r2", "r3")

    rig.hears(merged("r1", into="r2"))
    rig.hears(merged("r2", into="r3"))
    rig.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")

    assert rig.record("r3")["state"] == "excluded"
    assert [(shown["n"], shown["one_vote"]) for shown in rig.gets("/agreement").json()] == [(1, 0)]


def test_a_vote_that_was_compared_is_not_compared_again_with_another(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r1", "ben", "unsure")
    rig.discovers("r2")
    vote_on(rig, "r2", "dee", "exclude", **NO)
    assert [shown["one_vote"] for shown in rig.gets("/agreement").json()] == [1]

    rig.hears(merged("r1", into="r2"))

    assert stage(rig, "r2")["state"] == "conflict"
    assert [(shown["n"], shown["one_vote"]) for shown in rig.gets("/agreement").json()] == [(1, 0)]


def test_an_adjudicators_decision_moves_with_the_votes_it_was_made_on(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r1", "ben", "unsure")
    rig.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")
    rig.discovers("r2")

    rig.hears(merged("r1", into="r2"))

    closed = rig.bench.emitted(TaskClosed)[-1]
    assert (closed.record, closed.judgement.decided_by, closed.judgement.answer) == ("r2", "adjudication", "exclude")
    assert [vote.person for vote in closed.judgement.votes] == ["ana", "ben", "cy"]
    assert rig.record("r2")["state"] == "excluded"


def test_a_decision_made_on_other_votes_does_not_move(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r1", "ben", "unsure")
    rig.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")
    rig.discovers("r2")
    vote_on(rig, "r2", "dee", "exclude", **NO)

    rig.hears(merged("r1", into="r2"))

    assert stage(rig, "r2")["state"] == "conflict"
    assert rig.claims("cy", "adjudicator", kind="conflict") is not None


def test_an_answer_the_survivors_question_does_not_have_stays_where_it_was_given(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "unsure")
    plain = {**SIFT, "answers": [SIFT["answers"][0], SIFT["answers"][2]]}
    rig.hears(published(protocol(plain, DEPTH), version=2))
    rig.discovers("r2")

    rig.hears(merged("r1", into="r2"))

    assert stage(rig, "r2")["votes_cast"] == 0
    assert rig.claims("ana")["record"]["record"] == "r2"


def test_votes_follow_through_a_chain_of_merges(rig):
    rig.discovers("r1", "r2", "r3")
    vote_on(rig, "r1", "ana", "include")

    rig.hears(merged("r1", into="r2"), merged("r2", into="r3"))

    assert stage(rig, "r3")["votes_cast"] == 1
    assert [merge["record"] for merge in rig.record("r3")["absorbed"]] == ["r1", "r2"]
    assert rig.record("r1")["merge"] | {"at": None} == {
        "record": "r1", "into": "r2", "evidence": ["same doi"], "at": None,
    }  # fmt: skip


def test_a_merge_into_a_record_that_was_merged_goes_on_to_where_that_lives(rig):
    rig.discovers("r1", "r2", "r3")
    vote_on(rig, "r1", "ana", "include")

    rig.hears(merged("r2", into="r3"), merged("r1", into="r2"))

    assert stage(rig, "r3")["votes_cast"] == 1


def test_votes_wait_for_a_survivor_that_the_dates_kept_out_until_it_opens(rig):
    rig.discovers("r1")
    vote_on(rig, "r1", "ana", "include")
    rig.discovers("r2", published="2017")
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r2")["rule"] == "published_after"

    rig.hears(updated("r2", revision=2, published="2018"))

    assert stage(rig, "r2")["votes_cast"] == 1


def test_a_merge_waits_for_its_survivor(rig):
    rig.discovers("r1")

    with pytest.raises(NotYet, match="waits for 'r2'"):
        rig.hears(merged("r1", into="r2"))

    assert rig.record("r1")["state"] == "screening"
    rig.discovers("r2")
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r1")["state"] == "merged"


def test_a_merge_that_cannot_be_is_rejected(rig):
    rig.discovers("r1", "r2", "r3")
    rig.hears(merged("r1", into="r2"))

    for event in (merged("r9", into="r1"), merged("r2", into="r1"), merged("r3", into="r3"), merged("r1", into="r3")):
        with pytest.raises(Rejected):
            rig.hears(event)
    assert rig.record("r2")["state"] == "screening"


def test_what_a_merge_left_behind_undecided_is_seen_by_nobody_else_since_it_may_be_parted(rig):
    rig.discovers("r1", "r2")
    vote_on(rig, "r1", "ana", "include")
    vote_on(rig, "r2", "ana", "exclude", **NO)
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r1", "ben")["stages"][0]["votes"] == []

    vote_on(rig, "r2", "ben", "exclude", **NO)
    assert rig.record("r2")["state"] == "excluded"

    assert rig.record("r1", "cy")["stages"][0]["votes"] == []
    assert [vote["answer"] for vote in rig.record("r1", "ana")["stages"][0]["votes"]] == ["include"]
    rig.hears(parted("r1", out_of="r2"))
    vote_on(rig, "r1", "ben", "include")
    assert [vote["answer"] for vote in rig.record("r1", "cy")["stages"][0]["votes"]] == ["include", "include"]


def test_the_notices_of_merged_records_stand_in_the_order_in_which_they_were_told(rig):
    """What was taken back of one record before is not taken back of the other."""
    rig.discovers("r1", "r2")
    for record, kind in (("r1", "retraction"), ("r1", "reinstatement"), ("r2", "retraction")):
        rig.bench.clock.advance(days=1)
        rig.hears(noticed(record, kind))

    rig.hears(merged("r1", into="r2"))

    history = rig.record("r2")
    assert [notice["notice"] for notice in history["notices"]] == [
        "retraction_of_r1", "reinstatement_of_r1", "retraction_of_r2"
    ]  # fmt: skip
    assert [flag["notice"] for flag in history["record"]["flags"]] == ["retraction_of_r2"]
