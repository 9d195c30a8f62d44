"""Whoever leaves a review holds nothing of it any more; what they decided stands, and says by which key."""

from __future__ import annotations

import pytest

from services.screening.manifest import SERVICE
from shared.events.people import MemberLeft
from shared.events.screening import TaskClosed
from tests.unit.services.screening.rig import REVIEW, SIFT, ScreeningRig


@pytest.fixture
def rig(workbench) -> ScreeningRig:
    return ScreeningRig(workbench(SERVICE), SIFT)


def leaves(rig: ScreeningRig, person: str, review: str = REVIEW) -> None:
    rig.hears(MemberLeft(review=review, person=person, role="reviewer"))


def test_what_somebody_holds_who_leaves_goes_to_others_at_once(rig):
    rig.discovers("one", "two")
    rig.answers("ben", "include")
    rig.claims_many("ana", count=2)
    assert rig.queue("sift")["in_hand"] == 2

    leaves(rig, "ana")

    assert rig.queue("sift")["in_hand"] == 0
    assert len(rig.claims_many("cleo", count=2)) == 2


def test_a_conflict_that_somebody_holds_who_leaves_goes_to_another_adjudicator(rig):
    rig.discovers("one")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no")
    assert rig.claims("dora", "adjudicator", kind="conflict") is not None
    assert rig.claims("eve", "adjudicator", kind="conflict") is None

    leaves(rig, "dora")

    assert rig.claims("eve", "adjudicator", kind="conflict") is not None


def test_the_votes_of_somebody_who_left_stand(rig):
    rig.discovers("one")
    rig.answers("ana", "include")

    leaves(rig, "ana")
    rig.answers("ben", "include")

    (closed,) = rig.bench.emitted(TaskClosed)
    assert [vote.person for vote in closed.judgement.votes] == ["ana", "ben"]


def test_a_lease_of_somebody_who_left_votes_no_more(rig):
    rig.discovers("one")
    task = rig.claims("ana")
    leaves(rig, "ana")

    assert rig.votes("ana", task["lease"], "include").status_code == 409


def test_whoever_leaves_another_review_keeps_what_they_hold_here(rig):
    rig.discovers("one")
    rig.claims("ana")

    leaves(rig, "ana", review="other")

    assert rig.queue("sift")["in_hand"] == 1


def test_a_vote_by_a_clients_key_says_by_which_and_one_by_oneself_says_none(rig):
    rig.discovers("one")
    script = rig.bench.person("ana", "reviewer", via="key_1", key="key_1", scopes=frozenset({"screen"}))
    claim = script.post(f"/screening/reviews/{REVIEW}/claims", json={}).json()["tasks"][0]
    cast = script.post(f"/screening/reviews/{REVIEW}/leases/{claim['lease']}/vote", json={"answer": "include"})
    assert cast.status_code == 200, cast.text
    rig.answers("ben", "include")

    (closed,) = rig.bench.emitted(TaskClosed)
    assert [(vote.person, vote.via) for vote in closed.judgement.votes] == [("ana", "key_1"), ("ben", None)]
    assert "via" not in closed.judgement.votes[1].model_dump()
    assert rig.bench.journal()[-1].via is None


def test_two_keys_of_one_person_are_one_voter(rig):
    rig.discovers("one")
    first, second = (rig.bench.person("ana", "reviewer", via=key, key=key) for key in ("key_1", "key_2"))
    claim = first.post(f"/screening/reviews/{REVIEW}/claims", json={}).json()["tasks"][0]
    vote = {"answer": "include"}
    assert first.post(f"/screening/reviews/{REVIEW}/leases/{claim['lease']}/vote", json=vote).status_code == 200

    again = second.post(f"/screening/reviews/{REVIEW}/claims", json={})

    assert again.json()["tasks"] == []
    assert second.post(f"/screening/reviews/{REVIEW}/leases/{claim['lease']}/vote", json=vote).status_code == 409
    assert rig.bench.emitted(TaskClosed) == []
