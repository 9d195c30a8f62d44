"""What two coders coded, and is then corrected, judged anew, merged, parted or asked of others, counts as it is now."""

from __future__ import annotations

import pytest

from services.synthesis import jobs
from services.synthesis.commands import extraction
from services.synthesis.domain.verifying import verified_with
from services.synthesis.ports.crates import read_crate
from shared.errors import Conflict
from shared.events.synthesis import ExtractionOpened
from tests.unit.services.synthesis.effects.test_extraction import (
    both_code,
    claims,
    decides,
    extraction_of,
    finishes,
    state_of,
    two,
)
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
    said = [one for one in dropped.lead.history(REVIEW, "c1") if one.happened == "evidence_withdrawn"]
    assert [one.why for one in said] == ["we talked about it"]


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


# Reports that go and come back


def test_what_its_coders_finished_comes_back_with_the_report_that_it_went_with(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, None)
    one = extraction_of(rig, "r1")
    rig.includes("r2")
    rig.merges("r1", into="r2")
    assert rig.lead.extraction(REVIEW, one).state == "differing"
    rig.excludes("r2")
    rig.includes("r2")
    assert sorted(it.state for it in rig.lead.extractions(REVIEW)) == ["differing", "open"]
    assert rig.lead.extraction(REVIEW, one).state == "differing"


def test_what_its_coders_finished_comes_back_where_its_report_is_one_with_an_included_one(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, None)
    one = extraction_of(rig, "r1")
    rig.includes("r2")
    rig.excludes("r1")
    rig.merges("r1", into="r2")
    assert rig.lead.extraction(REVIEW, one).state == "differing"


@pytest.mark.parametrize("how", ["reopened", "merged into"])
def test_of_a_report_that_was_coded_before_two_were_asked_nobody_is_asked(rig, how):
    rig.includes("r1")
    rig.links("r1")
    rig.adopts(two(), version=2)
    rig.bench.runs(jobs.open_extractions)
    if how == "reopened":
        rig.reopens("r1")
        rig.includes("r1")
    else:
        rig.merges("r9", into="r1")
    assert list(rig.lead.extractions(REVIEW)) == []
    assert rig.support() == [1, 0]


def test_what_counts_from_before_goes_on_counting_while_its_coder_is_asked(rig):
    rig.includes("r1")
    rig.links("r1", text="same words", by="ana")
    rig.adopts(two(), version=2)
    rig.includes("r2")
    assert claims(rig, "ana") == "r2"
    rig.merges("r2", into="r1")
    rig.links("r1", text="same words", by="ana")
    with pytest.raises(Conflict, match="count already"):
        rig.links("r1", "c2", text="same words", by="ana")
    rig.links("r1", "c2", text="other words", by="ana")
    assert rig.support() == [1, 0]


# Records that are parted


def test_what_was_coded_on_the_other_record_is_not_weighed_with_this_one(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.merges("r1", into="r2")
    rig.links("r2", by="ana")
    finishes(rig, "ana", "r2")
    rig.parts("r1", out_of="r2")
    rig.links("r1", by="ben")
    finishes(rig, "ben", "r1")
    assert state_of(rig, "r2") == "open"
    assert rig.support() == [0, 0]


def test_a_correction_that_was_made_while_two_were_one_is_coded_anew_where_it_stayed(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {})
    rig.includes("r2")
    rig.merges("r1", into="r2")
    rig.links("r2", "c2", by="ana")
    rig.parts("r1", out_of="r2")
    assert state_of(rig, "r1") == "done"
    rig.excludes("r1")
    for by in ("ana", "ben"):
        assert claims(rig, by) == "r2"
        rig.links("r2", "c2", by=by)
    finishes(rig, "ana", "r2")
    finishes(rig, "ben", "r2")
    assert rig.support() == [0, 1]


def test_what_differed_while_two_were_one_is_asked_anew_of_the_one_that_nobody_was_asked_for(two_coders):
    rig = two_coders
    rig.includes("r1")
    for by in ("ana", "ben"):
        claims(rig, by)
    rig.merges("r1", into="r2")
    rig.links("r2", by="ana"), rig.links("r2", by="ben", stance="refines")
    finishes(rig, "ana", "r2"), finishes(rig, "ben", "r2")
    assert state_of(rig, "r2") == "differing"
    rig.parts("r1", out_of="r2")

    assert {it.record: it.state for it in rig.lead.extractions(REVIEW)} == {"r1": "done", "r2": "open"}
    both_code(rig, {}, {}, "r2")
    assert rig.support() == [1, 0]


def test_what_comes_back_to_life_where_two_are_parted_is_weighed_once(two_coders, monkeypatch):
    rig = two_coders
    rig.includes("r1", "r2")
    both_code(rig, {}, {})
    rig.excludes("r2")
    rig.merges("r1", into="r2")
    weighed: list[str] = []
    real = extraction.settle
    monkeypatch.setattr(extraction, "settle", lambda work, row, *of: weighed.append(row.id) or real(work, row, *of))
    rig.parts("r1", out_of="r2")

    assert state_of(rig, "r1") == "done"
    assert len(weighed) == len(set(weighed))


def test_what_was_dropped_and_is_coded_anew_elsewhere_nobody_sees_before_both_have_finished_there(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {})
    rig.includes("r2")
    rig.merges("r1", into="r2")
    taken = rig.links("r2", "c2", by="ana")
    moved = next(it.extraction for it in rig.lead.extractions(REVIEW) if it.state == "differing")
    [side] = [it for it in rig.lead.differences(REVIEW, moved).differences if not it.decided]
    rig.lead.reconcile(REVIEW, moved, side.difference, "neither", "not this")
    rig.parts("r1", out_of="r2")
    assert claims(rig, "ana") == "r2"
    assert rig.links("r2", "c2", by="ana").links[0].link == taken.links[0].link

    def seen(by: str) -> set[str]:
        sides = rig.person(by).differences(REVIEW, moved).differences
        return {it.link for side in sides for it in (side.first, side.second) if it is not None}

    assert taken.links[0].link in seen("ana")
    assert taken.links[0].link not in seen("ben") | seen("dora")


# What was decided once


def test_what_was_kept_and_is_taken_back_and_coded_otherwise_is_weighed_again(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, None)
    decides(rig, "ben", "first")
    [one] = [it for it in rig.lead.evidence(REVIEW) if it.stands]
    rig.bench.clock.advance(minutes=1)
    rig.person("ana").withdraw(REVIEW, one.fragment, "misread")
    rig.links("r1", by="ana", inference="inferred")
    assert state_of(rig) == "differing"
    assert rig.support() == [0, 0]


# From one coder to two


def test_what_nobody_has_begun_is_asked_of_two_once_the_protocol_asks_for_two(rig_of):
    rig = rig_of(protocol(extraction={"coders": 1}))
    rig.includes("r1", "r2", "r3")
    assert claims(rig, "ana") == "r1"
    rig.links("r2")
    rig.adopts(two(), version=2)
    rig.bench.runs(jobs.open_extractions)
    rig.bench.runs(jobs.open_extractions)
    assert {it.record: it.coders for it in rig.lead.extractions(REVIEW)} == {"r1": 1, "r2": 1, "r3": 2}
    assert [event.coders for event in rig.bench.emitted(ExtractionOpened)] == [1, 1, 1, 2]

    finishes(rig, "ana")
    rig.person("ben").claim_extraction(REVIEW)
    finishes(rig, "ben", "r2")
    assert (claims(rig, "ana"), claims(rig, "ben")) == ("r3", "r3")
    rig.links("r3", by="ana")
    assert rig.support() == [1, 0]


# What is said of a report while two code it


@pytest.mark.parametrize("when", ["while they code", "before they code", "after they finished"])
def test_a_concern_flags_what_was_coded_before_it_whenever_that_counts(two_coders, when):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    if when == "before they code":
        rig.notices("r1", "expression_of_concern")
        rig.bench.clock.advance(minutes=1)
    rig.links("r1", by="ana"), rig.links("r1", by="ben")
    if when == "while they code":
        rig.bench.clock.advance(minutes=1)
        rig.notices("r1", "expression_of_concern")
    finishes(rig, "ana"), finishes(rig, "ben")
    if when == "after they finished":
        rig.notices("r1", "expression_of_concern")
    assert rig.states()["c1"] == ("partially_supported", 1, when != "before they code")


def test_what_was_retracted_and_reinstated_while_two_code_it_asks_for_nothing(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.links("r1", by="ana"), rig.links("r1", by="ben")
    rig.notices("r1", "retraction")
    rig.notices("r1", "reinstatement")
    finishes(rig, "ana"), finishes(rig, "ben")
    assert rig.states()["c1"] == ("partially_supported", 1, False)
    assert list(rig.lead.rejudgements(REVIEW)) == []
