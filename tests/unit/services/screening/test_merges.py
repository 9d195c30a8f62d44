"""Merges: votes are neither lost nor doubled, and decisions stand."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import NotYet, Rejected
from shared.events.screening import RecordExcluded, RecordIncluded, TaskClosed
from tests.unit.services.screening.desk import DEPTH, SIFT, Desk, merged, protocol, published, updated

NO = {"reason": "no garden"}


def stage(desk: Desk, record: str, at: int = 0) -> dict[str, Any]:
    return desk.record(record)["stages"][at]


def vote_on(desk: Desk, record: str, name: str, answer: str, **rest: Any) -> dict[str, Any]:
    """Votes on one record's task; everyone's queue begins with the tasks of this record."""
    task = desk.claims(name)
    assert task["record"]["record"] == record
    return desk.votes(name, task["lease"], answer, **rest).json()


def test_a_vote_moves_to_the_surviving_record(either_desk):
    desk = either_desk
    desk.discovers("r1", "r2")
    vote_on(desk, "r1", "ana", "include")

    desk.hears(merged("r1", into="r2"))

    assert (stage(desk, "r1")["state"], stage(desk, "r2")["votes_cast"]) == ("withdrawn", 1)
    assert desk.claims("ana") is None
    decided = vote_on(desk, "r2", "ben", "include")
    assert [vote["person"] for vote in decided["judgement"]["votes"]] == ["ana", "ben"]
    (excluded,) = desk.bench.told(RecordExcluded)
    assert (excluded.record, excluded.rule, excluded.revision) == ("r1", "merged", 2)


def test_a_merge_that_brings_the_last_vote_decides(either_desk):
    desk = either_desk
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    desk.discovers("r2")
    vote_on(desk, "r1", "ben", "exclude", **NO)
    vote_on(desk, "r2", "ben", "include")

    desk.hears(merged("r1", into="r2"))

    # r1 was in conflict; its two votes leave room for ana's only, since ben has voted on r2 himself.
    (closed,) = desk.bench.told(TaskClosed)
    assert (closed.record, closed.judgement.answer) == ("r2", "include")
    assert sorted(vote.person for vote in closed.judgement.votes) == ["ana", "ben"]
    assert desk.record("r2")["stage"] == "depth"
    assert desk.gets("/conflicts").json()["items"] == []


def test_votes_that_disagree_across_the_merged_records_are_a_conflict(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    held = desk.claims("cy")
    desk.discovers("r2")
    assert held["record"]["record"] == "r1"
    vote_on(desk, "r2", "ben", "exclude", **NO)

    desk.hears(merged("r1", into="r2"))

    assert stage(desk, "r2")["state"] == "conflict"
    seen = desk.claims("eve", "adjudicator", kind="conflict")["votes"]
    assert sorted(vote["answer"] for vote in seen) == ["exclude", "include"]


def test_nobody_counts_twice(desk):
    desk.discovers("r1", "r2")
    vote_on(desk, "r1", "ana", "include")
    vote_on(desk, "r2", "ana", "exclude", **NO)

    desk.hears(merged("r1", into="r2"))

    assert stage(desk, "r2")["votes_cast"] == 1
    assert [vote["answer"] for vote in stage(desk, "r2")["votes"]] == ["exclude"]
    assert [vote["answer"] for vote in stage(desk, "r1")["votes"]] == ["include"]
    assert vote_on(desk, "r2", "ben", "include")["state"] == "conflict"


def test_a_vote_displaces_the_newest_lease_and_its_own_persons(either_desk):
    desk = either_desk
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    desk.discovers("r2")
    first = desk.claims("ben")
    desk.asks(f"/leases/{first['lease']}/release", None, "ben")  # r1 goes behind r2
    ben, ana = desk.claims("ben"), desk.claims("ana")
    assert ben["record"]["record"] == ana["record"]["record"] == "r2"

    desk.hears(merged("r1", into="r2"))

    assert desk.votes("ana", ana["lease"], "include").json()["title"] == "task closed"
    assert desk.claims("cy") is None
    assert desk.votes("ben", ben["lease"], "include").json()["state"] == "advanced"


def test_a_decided_survivor_keeps_its_decision(desk):
    desk.discovers("r1", "r2")
    for name in ("ana", "ben"):
        vote_on(desk, "r1", name, "exclude", **NO)
    vote_on(desk, "r2", "ana", "include")

    desk.hears(merged("r2", into="r1"))

    assert desk.record("r1")["state"] == "excluded"
    assert [event.record for event in desk.bench.told(TaskClosed)] == ["r1"]
    assert [vote["answer"] for vote in stage(desk, "r2")["votes"]] == ["include"]
    assert desk.record("r2")["state"] == "merged"


def test_a_survivor_behind_catches_up_stage_after_stage(either_desk):
    desk = either_desk
    desk.discovers("r1")
    for name in ("ana", "ben"):
        vote_on(desk, "r1", name, "include")
    for name in ("ana", "ben"):
        vote_on(desk, "r1", name, "rich", fields={"cmocs": ["c1"]})
    desk.discovers("r2")
    assert desk.record("r1")["state"] == "included"

    desk.hears(merged("r1", into="r2"))

    included = desk.bench.told(RecordIncluded)
    assert [event.record for event in included] == ["r1", "r2"]
    assert [judged.answer for judged in included[1].judgements] == ["include", "rich"]
    assert desk.record("r1")["state"] == "merged"
    assert desk.gets("/funnel").json() | {"stages": None} == {
        "discovered": 2, "merged": 1, "by_rule": {}, "screening": 0, "included": 1, "excluded": 0, "stages": None,
    }  # fmt: skip
    # The two votes were compared once, on r1.
    assert [told["n"] for told in desk.gets("/agreement").json()] == [1, 1]


def test_a_conflict_that_moves_with_a_merge_is_compared_once(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    vote_on(desk, "r1", "ben", "unsure")
    desk.discovers("r2", "r3")

    desk.hears(merged("r1", into="r2"))
    desk.hears(merged("r2", into="r3"))
    desk.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")

    assert desk.record("r3")["state"] == "excluded"
    assert [(told["n"], told["one_vote"]) for told in desk.gets("/agreement").json()] == [(1, 0)]


def test_a_vote_that_was_compared_is_not_compared_again_with_another(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    vote_on(desk, "r1", "ben", "unsure")
    desk.discovers("r2")
    vote_on(desk, "r2", "dee", "exclude", **NO)
    assert [told["one_vote"] for told in desk.gets("/agreement").json()] == [1]

    desk.hears(merged("r1", into="r2"))

    assert stage(desk, "r2")["state"] == "conflict"
    assert [(told["n"], told["one_vote"]) for told in desk.gets("/agreement").json()] == [(1, 0)]


def test_an_adjudicators_decision_moves_with_the_votes_it_was_made_on(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    vote_on(desk, "r1", "ben", "unsure")
    desk.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")
    desk.discovers("r2")

    desk.hears(merged("r1", into="r2"))

    closed = desk.bench.told(TaskClosed)[-1]
    assert (closed.record, closed.judgement.decided_by, closed.judgement.answer) == ("r2", "adjudication", "exclude")
    assert [vote.person for vote in closed.judgement.votes] == ["ana", "ben", "cy"]
    assert desk.record("r2")["state"] == "excluded"


def test_a_decision_made_on_other_votes_does_not_move(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    vote_on(desk, "r1", "ben", "unsure")
    desk.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")
    desk.discovers("r2")
    vote_on(desk, "r2", "dee", "exclude", **NO)

    desk.hears(merged("r1", into="r2"))

    assert stage(desk, "r2")["state"] == "conflict"
    assert desk.claims("cy", "adjudicator", kind="conflict") is not None


def test_an_answer_the_survivors_question_does_not_have_stays_where_it_was_given(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "unsure")
    plain = {**SIFT, "answers": [SIFT["answers"][0], SIFT["answers"][2]]}
    desk.hears(published(protocol(plain, DEPTH), version=2))
    desk.discovers("r2")

    desk.hears(merged("r1", into="r2"))

    assert stage(desk, "r2")["votes_cast"] == 0
    assert desk.claims("ana")["record"]["record"] == "r2"


def test_votes_follow_through_a_chain_of_merges(desk):
    desk.discovers("r1", "r2", "r3")
    vote_on(desk, "r1", "ana", "include")

    desk.hears(merged("r1", into="r2"), merged("r2", into="r3"))

    assert stage(desk, "r3")["votes_cast"] == 1
    assert [merge["record"] for merge in desk.record("r3")["absorbed"]] == ["r1", "r2"]
    assert desk.record("r1")["merge"] | {"at": None} == {
        "record": "r1", "into": "r2", "evidence": ["same doi"], "at": None,
    }  # fmt: skip


def test_a_merge_into_a_record_that_was_merged_goes_on_to_where_that_lives(desk):
    desk.discovers("r1", "r2", "r3")
    vote_on(desk, "r1", "ana", "include")

    desk.hears(merged("r2", into="r3"), merged("r1", into="r2"))

    assert stage(desk, "r3")["votes_cast"] == 1


def test_votes_wait_for_a_survivor_that_the_dates_kept_out_until_it_opens(desk):
    desk.discovers("r1")
    vote_on(desk, "r1", "ana", "include")
    desk.discovers("r2", published="2017")
    desk.hears(merged("r1", into="r2"))
    assert desk.record("r2")["rule"] == "published_after"

    desk.hears(updated("r2", revision=2, published="2018"))

    assert stage(desk, "r2")["votes_cast"] == 1


def test_a_merge_waits_for_its_survivor(desk):
    desk.discovers("r1")

    with pytest.raises(NotYet, match="waits for 'r2'"):
        desk.hears(merged("r1", into="r2"))

    assert desk.record("r1")["state"] == "screening"
    desk.discovers("r2")
    desk.hears(merged("r1", into="r2"))
    assert desk.record("r1")["state"] == "merged"


def test_a_merge_that_cannot_be_is_rejected(desk):
    desk.discovers("r1", "r2", "r3")
    desk.hears(merged("r1", into="r2"))

    for event in (merged("r9", into="r1"), merged("r2", into="r1"), merged("r3", into="r3"), merged("r1", into="r3")):
        with pytest.raises(Rejected):
            desk.hears(event)
    assert desk.record("r2")["state"] == "screening"


def test_what_a_merge_left_behind_is_hidden_until_the_survivor_is_decided(desk):
    desk.discovers("r1", "r2")
    vote_on(desk, "r1", "ana", "include")
    vote_on(desk, "r2", "ana", "exclude", **NO)
    desk.hears(merged("r1", into="r2"))

    assert desk.record("r1", "ben")["stages"][0]["votes"] == []

    vote_on(desk, "r2", "ben", "exclude", **NO)
    assert [vote["answer"] for vote in desk.record("r1", "cy")["stages"][0]["votes"]] == ["include"]
