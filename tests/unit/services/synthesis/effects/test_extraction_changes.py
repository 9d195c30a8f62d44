"""What two coders coded, and is then corrected, judged anew, merged, parted or asked of others, counts as it is now."""

from __future__ import annotations

import pytest

from services.synthesis.domain.verifying import verified_with
from services.synthesis.ports.crates import read_crate
from tests.unit.services.synthesis.effects.test_extraction import both_code, decides, state_of, two
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


@pytest.fixture
def two_coders(rig_of) -> SynthesisRig:
    return rig_of(two())


def reworded():
    return protocol(extraction={"coders": 2}, wording={"c1": {"resource": "otherwise"}})


# What people drop though it counted


@pytest.fixture
def dropped(two_coders) -> SynthesisRig:
    """Ana's link counted, and Carol drops it once Ben has corrected what he says of the same place."""
    two_coders.includes("r1")
    both_code(two_coders, {}, None)
    decides(two_coders, "ana", "first")
    assert two_coders.support() == [1, 0]
    two_coders.links("r1", by="ben", stance="refines")
    decides(two_coders, "carol", "neither")
    return two_coders


def test_what_counted_and_is_dropped_leaves_the_draft_and_its_history_says_why(dropped):
    assert [one.stands for one in dropped.lead.evidence(REVIEW)] == [False, False]
    assert dropped.support() == [0, 0]
    told = [one for one in dropped.lead.history(REVIEW, "c1") if one.happened == "evidence_withdrawn"]
    assert [one.why for one in told] == ["we talked about it"]


def test_a_revision_that_is_signed_after_something_was_dropped_is_proved_by_its_matrix(dropped):
    dropped.signs()
    pieces: list[bytes] = []
    dropped.lead.crate(REVIEW, 1, pieces.append)
    crate = read_crate(b"".join(pieces))
    assert verified_with(crate.signed, dropped.bench.platform.ring, crate.matrix).faults == []


def test_nobody_is_asked_whether_what_was_dropped_still_holds(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, None)
    decides(rig, "ana", "first")
    rig.adopts(reworded(), version=2)
    rig.links("r1", by="ben", stance="refines")
    decides(rig, "carol", "neither")
    assert rig.lead.status(REVIEW).links_to_judge == 0
    assert list(rig.lead.evidence(REVIEW, asked=True)) == []


# What is taken back since its CMOC reads otherwise


def test_what_a_judgement_takes_back_is_weighed_as_any_correction(two_coders):
    rig = two_coders
    rig.includes("r1", "r2")
    both_code(rig, {}, {})
    both_code(rig, {}, {}, "r2")
    rig.adopts(reworded(), version=2)
    counting = [one.link for one in rig.lead.evidence(REVIEW) if one.stands]
    rig.lead.judge_links(REVIEW, counting, "withdraw", "does not hold")
    assert (state_of(rig), state_of(rig, "r2")) == ("differing", "differing")
    assert rig.support() == [0, 0]
