"""Which records speak, for which study: inclusion, exclusion, merging, and reports joined to one study."""

from __future__ import annotations

import pytest

from services.synthesis.manifest import SERVICE
from shared.errors import Conflict, Forbidden, NotFound, Rejected
from tests.unit.services.synthesis.room import REVIEW, Room, judged


def test_an_included_record_is_a_study_of_its_own_with_its_judgements(room: Room):
    room.includes("r1", judgements=[judged(stage="anything at all")])

    [report] = room.lead.reports(REVIEW)
    assert (report.record, report.state, report.title, report.stands) == ("r1", "included", "Title of r1", True)
    assert report.study.startswith("study_")


def test_a_record_that_no_stage_led_on_is_not_credible(room: Room):
    room.includes("r1", "r2", judgements=[judged(), judged("exclude", stage="trust")])
    room.shows_all_of("c1", "r1", "r2")

    assert room.states()["c1"][0] == "partially_supported"


def test_a_record_that_is_excluded_again_takes_its_evidence_with_it_until_it_is_included_again(room: Room):
    room.includes("r1", "r2")
    room.links("r1")
    room.links("r2")
    before = room.draft()

    room.excludes("r1")
    assert room.support() == [1, 0]
    room.includes("r1")

    assert room.draft().states == before.states
    assert room.draft().fragments_sha256 == before.fragments_sha256
    assert [one for one in room.history() if one.startswith("evidence")] == ["evidence_withdrawn", "evidence_restored"]


def test_a_reopened_record_does_not_stand_while_people_look_at_it(room: Room):
    room.includes("r1")
    room.links("r1")
    room.reopens("r1")

    assert room.states()["c1"] == ("no_evidence", 0, False)
    [link] = room.lead.evidence(REVIEW)
    assert link.why_not == "its report is reopened"


def test_an_older_step_of_screening_changes_nothing(room: Room):
    room.includes("r1", revision=7)
    room.links("r1")

    room.excludes("r1", revision=6)
    room.excludes("r1", revision=7)

    assert room.support() == [1, 0]


def test_what_the_protocols_rule_left_out_is_not_kept(room: Room):
    room.excludes("r1", stage=None)

    assert list(room.lead.reports(REVIEW)) == []


def test_screening_may_be_heard_before_the_protocol(workbench):
    room = Room(workbench(SERVICE))
    room.includes("r1")
    room.notices("r1", "correction")
    room.settles()
    room.adopts()

    room.links("r1")
    assert room.support() == [1, 0]


def test_reports_of_one_study_count_once_and_can_be_parted_again(room: Room):
    room.includes("r1", "r2", "r3")
    for record in ("r1", "r2", "r3"):
        room.links(record)
    assert room.support() == [3, 0]

    joined = room.lead.join_study(REVIEW, "r2", "the same interviews", same_as="r1")

    assert joined.study == next(report.study for report in room.lead.reports(REVIEW) if report.record == "r1")
    assert room.support() == [2, 0]
    assert room.draft().counts.reports == 3
    assert room.history()[-1] == "studies_joined"
    studies = {study.study: study.records for study in room.lead.support(REVIEW).studies}
    assert studies[joined.study] == ["r1", "r2"]

    room.lead.join_study(REVIEW, "r2", "other interviews after all", same_as=None)
    assert room.support() == [3, 0]


def test_only_a_lead_joins_studies_and_only_of_reports_that_are_there(room: Room):
    room.includes("r1", "r2")
    with pytest.raises(Forbidden):
        room.person("ana").join_study(REVIEW, "r1", "why not", same_as="r2")
    with pytest.raises(NotFound):
        room.lead.join_study(REVIEW, "r1", "why not", same_as="none")
    room.merges("r2", "r1")
    with pytest.raises(Conflict, match="merged into 'r1'"):
        room.lead.join_study(REVIEW, "r2", "why not", same_as=None)


def test_the_evidence_of_a_merged_record_moves_to_the_one_that_survives(room: Room):
    room.includes("gone", "stays")
    room.links("gone")
    room.links("stays", "c2")

    room.merges("gone", into="stays")

    assert room.support() == [1, 1]
    assert {one.record for one in room.lead.evidence(REVIEW)} == {"stays"}
    assert "evidence_moved" in room.history()
    moved = room.links("gone", text="coded under its old name")
    assert moved.record == "stays"


def test_what_was_one_study_stays_one_when_a_report_of_it_is_merged_into_another(room: Room):
    room.includes("gone", "sister", "stays")
    for record in ("gone", "sister", "stays"):
        room.links(record)
    room.lead.join_study(REVIEW, "sister", "the same interviews", same_as="gone")
    assert room.support() == [2, 0]

    room.merges("gone", into="stays")

    assert room.support() == [1, 0]


def test_a_survivor_that_screening_has_not_spoken_of_stands_as_the_gone_one_did(room: Room):
    room.includes("gone")
    room.links("gone")
    room.merges("gone", into="stays")

    assert room.support() == [1, 0]
    room.includes("stays", revision=4)
    assert room.support() == [1, 0]
    room.excludes("stays", revision=5)
    assert room.support() == [0, 0]


def test_an_inclusion_heard_after_the_merge_goes_to_the_survivor(room: Room):
    room.merges("gone", into="stays")
    room.includes("gone")

    taken = room.links("gone")

    assert taken.record == "stays"
    assert {report.record: report.state for report in room.lead.reports(REVIEW)} == {
        "gone": "merged",
        "stays": "included",
    }


def test_a_survivor_that_people_excluded_stays_out(room: Room):
    room.excludes("stays")
    room.includes("gone")
    room.links("gone")

    room.merges("gone", into="stays")

    assert room.support() == [0, 0]


def test_merges_of_merges_lead_to_the_last_survivor_and_a_circle_is_refused(room: Room):
    room.includes("a", "c")
    room.links("a")
    room.merges("a", into="b")
    room.merges("b", into="c")

    assert room.links("a", text="again").record == "c"
    assert room.support() == [1, 0]

    with pytest.raises(Rejected, match="into itself"):
        room.merges("c", into="a")
    assert room.support() == [1, 0]


def test_a_suspension_survives_a_merge(room: Room):
    room.includes("gone", "stays")
    room.links("gone", "c1")
    room.links("stays", "c2")
    room.notices("gone", "retraction")
    room.merges("gone", into="stays")

    assert room.states() == {"c1": ("no_evidence", 0, True), "c2": ("no_evidence", 0, True)}
    room.notices("stays", "reinstatement")
    assert room.states() == {
        "c1": ("partially_supported", 1, False),
        "c2": ("partially_supported", 1, False),
    }
