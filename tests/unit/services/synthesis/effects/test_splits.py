"""Splits: what was coded on a report before it was merged speaks for it again, what was coded since does not."""

from __future__ import annotations

from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig


def states(rig: SynthesisRig) -> dict[str, str]:
    return {report.record: report.state for report in rig.lead.reports(REVIEW)}


def where(rig: SynthesisRig) -> set[tuple[str, str]]:
    return {(one.record, one.cmoc) for one in rig.lead.evidence(REVIEW)}


def test_evidence_returns_and_what_was_coded_since_stays(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("gone")
    rig.merges("gone", into="stays")
    rig.links("stays", "c2", text="coded since")

    rig.parts("gone", out_of="stays")

    assert where(rig) == {("gone", "c1"), ("stays", "c2")}
    assert states(rig) == {"gone": "included", "stays": "included"}
    assert rig.support() == [1, 1]
    assert rig.history().count("evidence_moved") == 2
    assert rig.links("gone", text="again").record == "gone"


def test_studies_that_were_united_are_two_again(rig: SynthesisRig):
    rig.includes("gone", "sister", "stays")
    for record in ("gone", "sister", "stays"):
        rig.links(record)
    rig.lead.join_study(REVIEW, "sister", "the same interviews", same_as="gone")
    rig.merges("gone", into="stays")
    assert rig.support() == [1, 0]

    rig.parts("gone", out_of="stays")

    assert rig.support() == [2, 0]
    studies = {report.record: report.study for report in rig.lead.reports(REVIEW)}
    assert studies["gone"] == studies["sister"] != studies["stays"]


def test_what_screening_says_of_it_before_the_split_is_heard_counts(rig: SynthesisRig):
    rig.reopens("gone")
    rig.includes("stays")
    rig.merges("gone", into="stays")
    rig.includes("gone")

    rig.parts("gone", out_of="stays")

    assert states(rig) == {"gone": "included", "stays": "included"}


def test_a_report_that_was_excluded_is_so_again(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("gone")
    rig.excludes("gone")
    rig.merges("gone", into="stays")
    assert rig.support() == [1, 0]

    rig.parts("gone", out_of="stays")

    assert rig.support() == [0, 0]
    assert where(rig) == {("gone", "c1")}


def test_a_suspension_goes_with_the_notice_to_the_report_that_it_is_about(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("gone", "c1")
    rig.links("stays", "c2")
    rig.notices("gone", "retraction")
    rig.merges("gone", into="stays")
    assert rig.support() == [0, 0]
    rig.bench.clock.advance(minutes=1)

    rig.parts("gone", out_of="stays")
    rig.notices("gone", "retraction")

    assert rig.support() == [0, 1]
    assert rig.states()["c1"][2]
    assert not rig.states()["c2"][2]
    rig.notices("gone", "reinstatement")
    assert rig.support() == [1, 1]


def test_a_notice_heard_late_of_the_other_does_not_bring_it_back(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("stays", "c2")
    rig.notices("gone", "retraction")
    rig.merges("gone", into="stays")
    late = rig.notice_of("stays", "retraction", notice="retraction-of-gone")
    rig.bench.clock.advance(minutes=1)
    rig.parts("gone", out_of="stays")
    rig.notices("gone", "retraction")

    rig.bench.hears_envelope(late)

    assert rig.support() == [0, 1]


def test_a_survivor_that_another_notice_suspends_stays_suspended(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("stays", "c2")
    rig.notices("gone", "retraction")
    rig.notices("stays", "withdrawal")
    rig.merges("gone", into="stays")
    rig.bench.clock.advance(minutes=1)

    rig.parts("gone", out_of="stays")
    rig.notices("gone", "retraction")

    assert rig.support() == [0, 0]


def test_a_split_and_a_merger_again_and_each_heard_twice(rig: SynthesisRig):
    rig.includes("gone", "stays")
    rig.links("gone")
    for _ in range(2):
        for _ in range(2):
            rig.merges("gone", into="stays")
        assert where(rig) == {("stays", "c1")}
        for _ in range(2):
            rig.parts("gone", out_of="stays")
        assert where(rig) == {("gone", "c1")}

    assert rig.support() == [1, 0]


def test_what_was_merged_into_it_comes_with_it(rig: SynthesisRig):
    rig.includes("first", "gone", "stays")
    rig.links("first")
    rig.merges("first", into="gone")
    rig.merges("gone", into="stays")

    rig.parts("gone", out_of="stays", brings=["first"])

    assert where(rig) == {("gone", "c1")}
    assert states(rig) == {"first": "merged", "gone": "included", "stays": "included"}


def test_a_new_record_has_no_report_until_screening_includes_it(rig: SynthesisRig):
    rig.includes("stays")
    rig.links("stays")

    rig.parts("new", out_of="stays")

    assert states(rig) == {"stays": "included"}
    assert rig.support() == [1, 0]
