"""What each fragment says is told once it counts, so that it is found by its words, and taken back when it does not."""

from __future__ import annotations

import pytest

from services.synthesis import jobs
from shared.events.synthesis import FragmentDescribed
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2")
    return rig


def described(rig: SynthesisRig) -> list[FragmentDescribed]:
    """What is told of fragments, in order."""
    rig.bench.runs(jobs.describe_fragments)
    return rig.bench.emitted(FragmentDescribed)


def test_a_fragment_that_counts_is_told_with_its_words_and_links(rig):
    taken = rig.links("r1", text="leaders share power", stance="bounds")

    [seen] = described(rig)

    assert (seen.fragment, seen.revision, seen.record, seen.study) == (taken.fragment, 1, "r1", taken.study)
    assert (seen.paraphrase, seen.quote, seen.suspended) == ("leaders share power", None, False)
    assert [(one.cmoc, one.element, one.stance) for one in seen.links] == [("c1", "resource", "bounds")]


def test_what_is_told_once_is_not_told_again_until_it_changes(rig):
    rig.links("r1", text="one")
    described(rig)
    assert len(described(rig)) == 1

    rig.links("r1", "c2", text="one")

    assert [(one.revision, len(one.links)) for one in described(rig)] == [(1, 1), (2, 2)]


def test_one_that_is_withdrawn_is_told_without_words(rig):
    taken = rig.links("r1", text="one")
    described(rig)

    rig.person("ana").withdraw(REVIEW, taken.fragment, "misread")

    [_, last] = described(rig)
    assert (last.revision, last.paraphrase, last.locator, last.links) == (2, None, None, [])


def test_one_of_a_retracted_report_says_so_until_it_is_reinstated(rig):
    rig.links("r1", text="one")
    rig.notices("r1", "retraction")
    assert described(rig)[-1].suspended

    rig.notices("r1", "reinstatement")

    last = described(rig)[-1]
    assert (last.suspended, last.paraphrase) == (False, "one")


def test_one_of_an_account_that_was_withdrawn_has_no_words_any_more(rig):
    rig.links("r1", text="what somebody told us")
    described(rig)

    rig.notices("r1", "withdrawal")

    last = described(rig)[-1]
    assert (last.paraphrase, last.links) == (None, [])


def test_one_of_a_report_that_is_out_has_none_either_and_has_them_again_once_it_is_in(rig):
    rig.links("r1", text="one")
    described(rig)

    rig.excludes("r1")
    assert described(rig)[-1].paraphrase is None
    rig.includes("r1")

    assert described(rig)[-1].paraphrase == "one"


def test_one_of_a_record_that_lives_on_in_another_is_told_of_that(rig):
    rig.links("r1", text="one")
    described(rig)

    rig.merges("r1", into="r2")

    assert described(rig)[-1].record == "r2"


def test_a_quote_that_nobody_held_against_a_copy_is_not_told(rig):
    given = {
        "record": "r1", "fragment": {"locator": "p. 1", "quote": "word for word", "paraphrase": "so it says",
                                     "data_type": "author_interpretation"},
        "links": [{"cmoc": "c1", "element": "outcome", "stance": "supports", "inference": "explicit"}],
    }  # fmt: skip
    rig.person("ana").link(REVIEW, {"evidence": [given]})

    [seen] = described(rig)

    assert seen.quote is None
    assert "word for word" not in str([one.data for one in rig.bench.journal()])


def test_nothing_is_told_of_what_one_of_two_coded_before_both_have_finished(rig_of):
    rig = rig_of(protocol(extraction={"coders": 2}))
    rig.includes("r1")
    ana, ben = rig.person("ana"), rig.person("ben")
    ana.claim_extraction(REVIEW)
    rig.links("r1", text="seen by ana alone")
    first = ana.finish_extraction(REVIEW, next(iter(ana.extractions(REVIEW))).extraction)

    assert described(rig) == []
    assert "seen by ana alone" not in str([one.data for one in rig.bench.journal()])

    ben.claim_extraction(REVIEW)
    ben.finish_extraction(REVIEW, first.extraction)
    assert described(rig) == []  # They differ, and nobody has decided.


def test_one_of_a_retracted_report_that_is_then_left_out_is_found_no_more_until_it_is_in_again(rig):
    rig.links("r1", text="one")
    rig.notices("r1", "retraction")
    described(rig)

    rig.excludes("r1")
    assert described(rig)[-1].paraphrase is None
    rig.includes("r1")

    last = described(rig)[-1]
    assert (last.paraphrase, last.suspended) == ("one", True)


def test_one_of_an_account_that_was_withdrawn_once_another_notice_stood_has_no_words_either(rig):
    rig.links("r1", text="what somebody told us")
    rig.notices("r1", "retraction")
    described(rig)

    rig.notices("r1", "withdrawal")

    assert described(rig)[-1].paraphrase is None


def test_those_of_all_reports_of_a_study_are_told_of_the_study_that_it_became_and_was(rig):
    rig.includes("r3")
    rig.lead.join_study(REVIEW, "r3", "the same trial", same_as="r1")
    rig.links("r3", text="of the third")
    [first] = described(rig)

    rig.merges("r1", into="r2")
    now = described(rig)[-1].study
    rig.parts("r1", out_of="r2")

    assert now != first.study
    assert described(rig)[-1].study == first.study
