"""Which records speak, for which study: inclusion, exclusion, merging, and reports joined to one study."""

from __future__ import annotations

import pytest

from services.synthesis.manifest import SERVICE
from shared.errors import Conflict, Forbidden, NotFound, Rejected
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, judged


def test_an_included_record_is_a_study_of_its_own_with_its_judgements(rig: SynthesisRig):
    rig.includes("r1", judgements=[judged(stage="anything at all")])

    [report] = rig.lead.reports(REVIEW)
    assert (report.record, report.state, report.title, report.stands) == ("r1", "included", "Title of r1", True)
    assert report.study.startswith("study_")


def test_a_record_that_no_stage_led_on_is_not_credible(rig: SynthesisRig):
    rig.includes("r1", "r2", judgements=[judged(), judged("exclude", stage="trust")])
    rig.shows_all_of("c1", "r1", "r2")

    assert rig.states()["c1"][0] == "partially_supported"


def test_a_record_that_is_excluded_again_takes_its_evidence_with_it_until_it_is_included_again(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.links("r1")
    rig.links("r2")
    before = rig.draft()

    rig.excludes("r1")
    assert rig.support() == [1, 0]
    rig.includes("r1")

    assert rig.draft().states == before.states
    assert rig.draft().fragments_sha256 == before.fragments_sha256
    assert [one for one in rig.history() if one.startswith("evidence")] == ["evidence_withdrawn", "evidence_restored"]


def test_a_reopened_record_does_not_stand_while_people_look_at_it(rig: SynthesisRig):
    rig.includes("r1")
    rig.links("r1")
    rig.reopens("r1")

    assert rig.states()["c1"] == ("no_evidence", 0, False)
    [link] = rig.lead.evidence(REVIEW)
    assert link.why_not == "its report is reopened"


def test_what_a_reopened_record_comes_to_is_what_the_draft_says(rig: SynthesisRig):
    """Excluded after it was opened again it stays out, and is told once; included again it says what it said."""
    rig.includes("r1", "r2")
    rig.links("r1")
    rig.links("r2")
    before = rig.draft()

    rig.reopens("r1")
    rig.reopens("r2")
    assert rig.support() == [0, 0]
    rig.excludes("r1")
    rig.includes("r2")

    assert rig.support() == [1, 0]
    assert [link.why_not for link in rig.lead.evidence(REVIEW)] == ["its report is excluded", None]
    assert [report.record for report in rig.lead.reports(REVIEW) if report.state == "included"] == ["r2"]
    happened = [one for one in rig.history() if one.startswith("evidence")]
    assert happened == ["evidence_withdrawn", "evidence_withdrawn", "evidence_restored"]

    rig.reopens("r1")
    rig.includes("r1")
    assert rig.draft().fragments_sha256 == before.fragments_sha256


def test_an_older_step_of_screening_changes_nothing(rig: SynthesisRig):
    rig.includes("r1", revision=7)
    rig.links("r1")

    rig.excludes("r1", revision=6)
    rig.excludes("r1", revision=7)

    assert rig.support() == [1, 0]


def test_what_the_protocols_rule_left_out_is_not_kept(rig: SynthesisRig):
    rig.excludes("r1", stage=None)

    assert list(rig.lead.reports(REVIEW)) == []


def test_screening_may_be_heard_before_the_protocol(workbench):
    rig = SynthesisRig(workbench(SERVICE))
    rig.includes("r1")
    rig.notices("r1", "correction")
    rig.settles()
    rig.adopts()

    rig.links("r1")
    assert rig.support() == [1, 0]


def test_reports_of_one_study_count_once_and_can_be_parted_again(rig: SynthesisRig):
    rig.includes("r1", "r2", "r3")
    for record in ("r1", "r2", "r3"):
        rig.links(record)
    assert rig.support() == [3, 0]

    joined = rig.lead.join_study(REVIEW, "r2", "the same interviews", same_as="r1")

    assert joined.study == next(report.study for report in rig.lead.reports(REVIEW) if report.record == "r1")
    assert rig.support() == [2, 0]
    assert rig.draft().counts.reports == 3
    assert rig.history()[-1] == "studies_joined"
    studies = {study.study: study.records for study in rig.lead.support(REVIEW).studies}
    assert studies[joined.study] == ["r1", "r2"]

    rig.lead.join_study(REVIEW, "r2", "other interviews after all", same_as=None)
    assert rig.support() == [3, 0]


def test_only_a_lead_joins_studies_and_only_of_reports_that_are_there(rig: SynthesisRig):
    rig.includes("r1", "r2")
    with pytest.raises(Forbidden):
        rig.person("ana").join_study(REVIEW, "r1", "why not", same_as="r2")
    with pytest.raises(NotFound):
        rig.lead.join_study(REVIEW, "r1", "why not", same_as="none")
    rig.merges("r2", "r1")
    with pytest.raises(Conflict, match="merged into 'r1'"):
        rig.lead.join_study(REVIEW, "r2", "why not", same_as=None)


def test_the_evidence_of_a_merged_record_moves_to_the_one_that_survives(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("gone")
    rig.links("stays", "c2")

    rig.merges("gone", into="stays")

    assert rig.support() == [1, 1]
    assert {one.record for one in rig.lead.evidence(REVIEW)} == {"stays"}
    assert "evidence_moved" in rig.history()
    moved = rig.links("gone", text="coded under its old name")
    assert moved.record == "stays"


def test_what_was_one_study_stays_one_when_a_report_of_it_is_merged_into_another(rig: SynthesisRig):
    rig.includes("gone", "sister", "stays")
    for record in ("gone", "sister", "stays"):
        rig.links(record)
    rig.lead.join_study(REVIEW, "sister", "the same interviews", same_as="gone")
    assert rig.support() == [2, 0]

    rig.merges("gone", into="stays")

    assert rig.support() == [1, 0]


def test_a_survivor_that_screening_has_not_spoken_of_stands_as_the_gone_one_did(rig: SynthesisRig):
    rig.includes("gone")
    rig.links("gone")
    rig.merges("gone", into="stays")

    assert rig.support() == [1, 0]
    rig.includes("stays", revision=4)
    assert rig.support() == [1, 0]
    rig.excludes("stays", revision=5)
    assert rig.support() == [0, 0]


def test_an_inclusion_heard_after_the_merge_goes_to_the_survivor(rig: SynthesisRig):
    rig.merges("gone", into="stays")
    rig.includes("gone")

    taken = rig.links("gone")

    assert taken.record == "stays"
    assert {report.record: report.state for report in rig.lead.reports(REVIEW)} == {
        "gone": "merged",
        "stays": "included",
    }


def test_a_survivor_that_people_excluded_stays_out(rig: SynthesisRig):
    rig.excludes("stays")
    rig.includes("gone")
    rig.links("gone")

    rig.merges("gone", into="stays")

    assert rig.support() == [0, 0]


def test_merges_of_merges_lead_to_the_last_survivor_and_a_circle_is_refused(rig: SynthesisRig):
    rig.includes("a", "c")
    rig.links("a")
    rig.merges("a", into="b")
    rig.merges("b", into="c")

    assert rig.links("a", text="again").record == "c"
    assert rig.support() == [1, 0]

    with pytest.raises(Rejected, match="into itself"):
        rig.merges("c", into="a")
    assert rig.support() == [1, 0]


def test_a_suspension_survives_a_merge(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("gone", "c1")
    rig.links("stays", "c2")
    rig.notices("gone", "retraction")
    rig.merges("gone", into="stays")

    assert rig.states() == {"c1": ("no_evidence", 0, True), "c2": ("no_evidence", 0, True)}
    rig.notices("stays", "reinstatement")
    assert rig.states() == {
        "c1": ("partially_supported", 1, False),
        "c2": ("partially_supported", 1, False),
    }
