"""Retractions suspend, reinstatements restore exactly, drills stay drills, and all of it stays visible."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Forbidden, NotFound
from shared.events.synthesis import (
    RejudgementClosed,
    RejudgementOpened,
    RevisionDrafted,
    RevisionPublished,
    TheoryChanged,
)
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    """C1 rests on r1 and r2, c2 on r1."""
    rig.includes("r1", "r2")
    rig.links("r1", "c1")
    rig.links("r2", "c1")
    rig.links("r1", "c2")
    rig.settles()
    return rig


@pytest.mark.parametrize("kind", ["retraction", "withdrawal", "replacement"])
def test_a_retracted_report_speaks_no_longer_and_every_cmoc_it_spoke_to_is_flagged(rig: SynthesisRig, kind):
    rig.notices("r1", kind)

    assert rig.states() == {"c1": ("partially_supported", 1, True), "c2": ("no_evidence", 0, True)}
    assert {event.cmoc for event in rig.bench.emitted(RejudgementOpened)} == {"c1", "c2"}
    assert {one.cmoc for one in rig.lead.rejudgements(REVIEW, "open")} == {"c1", "c2"}
    assert len(list(rig.lead.evidence(REVIEW))) == 3
    [trigger] = [one for one in rig.lead.triggers(REVIEW) if one.rule == "report_noticed"]
    assert trigger.subject == f"{kind}-of-r1"
    assert rig.draft().change_class == "MAJOR"  # Nothing is published yet.


@pytest.mark.parametrize("kind", ["correction", "expression_of_concern", "partial_retraction"])
def test_a_notice_that_strikes_only_a_part_flags_and_leaves_the_numbers(rig: SynthesisRig, kind):
    before = rig.draft()
    rig.notices("r1", kind)

    assert rig.states() == {"c1": ("partially_supported", 2, True), "c2": ("partially_supported", 1, True)}
    assert rig.draft().fragments_sha256 == before.fragments_sha256


def test_a_retraction_after_publication_is_at_least_a_patch(rig: SynthesisRig):
    rig.signs()
    rig.notices("r2", "retraction")

    assert rig.draft().change_class == "PATCH"
    assert {change.what for change in rig.draft().changes} == {"support", "links withdrawn", "flagged"}


def test_a_reinstatement_restores_exactly_what_was_there_and_ends_what_the_retraction_opened(rig: SynthesisRig):
    before = rig.draft()
    rig.notices("r1", "retraction")
    rig.settles()
    rig.notices("r1", "reinstatement")
    after = rig.draft()

    assert (after.states, after.fragments_sha256, after.draft) == (before.states, before.fragments_sha256, before.draft)
    assert {event.how for event in rig.bench.emitted(RejudgementClosed)} == {
        "no longer needed: the report was reinstated"
    }
    assert list(rig.lead.rejudgements(REVIEW, "open")) == []
    assert len(list(rig.lead.rejudgements(REVIEW, "closed"))) == 2


def test_the_revision_names_the_reports_of_which_something_was_said_since_the_one_before(rig: SynthesisRig):
    rig.signs()
    rig.notices("r1", "retraction")
    rig.notices("r2", "correction", drill=True)
    rig.signs()
    rig.signs()

    first, second, third = rig.bench.emitted(RevisionPublished)
    assert (first.noticed, third.noticed) == ([], [])
    assert [(it.record, it.title, it.kind, it.drill) for it in second.noticed] == [
        ("r1", "Title of r1", "retraction", False), ("r2", "Title of r2", "correction", True),
    ]  # fmt: skip


def test_more_reports_than_an_event_names_are_counted_and_an_exercise_takes_nobodys_place(
    rig: SynthesisRig, monkeypatch
):
    monkeypatch.setattr("services.synthesis.commands.revisions._MOST_NOTICED", 2)
    rig.signs()
    for record, drill in (("r1", True), ("r2", True), ("r2", False), ("r1", False)):
        rig.notices(record, "correction", notice=f"{record} {drill}", drill=drill)
    rig.signs()
    rig.notices("r1", "retraction")
    rig.signs()

    _, second, third = rig.bench.emitted(RevisionPublished)
    assert [(it.record, it.drill) for it in second.noticed] == [("r2", False), ("r1", False)]
    assert (second.noticed_more, third.noticed_more) == (2, 0)


def test_both_stay_in_the_history(rig: SynthesisRig):
    rig.notices("r1", "retraction")
    rig.settles()
    rig.notices("r1", "reinstatement")
    rig.settles()

    assert rig.history("c2") == [
        "proposed", "partially_supported", "evidence_withdrawn", "no_evidence", "reinstated", "partially_supported",
    ]  # fmt: skip
    [report] = [one for one in rig.lead.reports(REVIEW) if one.record == "r1"]
    assert [notice.kind for notice in report.notices] == ["retraction", "reinstatement"]
    assert report.stands


def test_a_flag_from_a_correction_outlives_a_retraction_and_its_end(rig: SynthesisRig):
    rig.notices("r1", "correction")
    before = rig.draft()
    rig.notices("r1", "retraction")
    rig.settles()
    rig.notices("r1", "reinstatement")

    assert rig.draft().states == before.states
    assert all(flagged for _, _, flagged in rig.states().values())


def test_a_drill_is_labelled_everywhere_it_goes(rig: SynthesisRig):
    rig.signs()
    rig.notices("r1", "retraction", drill=True)

    assert rig.draft().drill
    assert all(event.drill for event in rig.bench.emitted(RejudgementOpened))
    assert {event.happened for event in rig.bench.emitted(TheoryChanged) if event.drill} == {
        "evidence_withdrawn",
        "no_evidence",
    }
    assert all(one.drill for one in rig.lead.rejudgements(REVIEW))
    assert all(one.drill for one in rig.lead.triggers(REVIEW) if one.rule == "report_noticed")
    assert rig.signs().content.drill

    rig.notices("r1", "reinstatement", drill=True)

    assert rig.signs().content.drill, "the revision after a drill takes back what the drill did"
    assert not rig.signs().content.drill
    assert all(event.drill for event in rig.bench.emitted(RejudgementClosed))


def test_what_really_happens_while_a_drill_is_on_makes_a_real_revision_in_which_the_drills_part_is_marked(rig):
    rig.signs()
    rig.notices("r1", "retraction", notice="drill", drill=True)
    rig.links("r2", "c1", text="found during the drill")

    draft = rig.draft()
    assert (draft.drill, draft.drill_in_part) == (False, True)
    signed = rig.signs().content
    assert (signed.drill, signed.drills) == (False, ["drill"])

    rig.notices("r1", "reinstatement", notice="over", drill=True)
    rig.notices("r2", "retraction", notice="real")
    rig.notices("r2", "reinstatement", notice="back")
    assert not rig.signs().content.drill
    assert not rig.signs().content.drill

    assert [(it.drill, it.drilled) for it in rig.bench.emitted(RevisionPublished)] == [
        (False, []), (False, ["c1", "c2"]), (False, ["c1", "c2"]), (False, []),
    ]  # fmt: skip


def test_a_drill_of_which_people_judge_what_it_asks_for_is_wholly_one_still(rig: SynthesisRig):
    rig.signs()
    rig.notices("r1", "correction", drill=True)
    rig.signs()
    for one in rig.lead.rejudgements(REVIEW, "open"):
        rig.person("carol").close_rejudgement(REVIEW, one.rejudgement, "judged in the exercise")

    draft = rig.draft()
    assert (draft.drill, draft.drill_in_part) == (True, False)
    rig.signs()
    rig.signs()

    assert [(it.drill, it.drilled) for it in rig.bench.emitted(RevisionPublished)] == [
        (False, []), (True, []), (True, []), (False, []),
    ]  # fmt: skip


def test_the_end_of_a_drill_does_not_bring_back_what_was_retracted_in_earnest(rig: SynthesisRig):
    rig.notices("r1", "retraction", notice="drill", drill=True)
    rig.notices("r1", "retraction", notice="real")
    rig.notices("r1", "reinstatement", notice="end of drill", drill=True)

    assert rig.support() == [1, 0]
    assert {(one.notice, one.drill) for one in rig.lead.rejudgements(REVIEW, "open")} == {("real", False)}
    rig.notices("r1", "reinstatement", notice="really back")
    assert rig.support() == [2, 1]


def test_a_second_retraction_from_another_source_changes_nothing_more(rig: SynthesisRig):
    rig.notices("r1", "retraction", notice="from crossref")
    seen = len(rig.bench.emitted(TheoryChanged))
    rig.notices("r1", "retraction", notice="from pubmed")

    assert len(rig.bench.emitted(TheoryChanged)) == seen
    assert len(list(rig.lead.rejudgements(REVIEW))) == 2


def test_the_same_notice_told_twice_by_its_producer_is_one(rig: SynthesisRig):
    rig.notices("r1", "retraction")
    seen = rig.bench.journal()
    rig.notices("r1", "retraction")

    assert rig.bench.journal() == seen


def test_a_notice_that_came_before_the_inclusion_is_remembered_and_applied(rig: SynthesisRig):
    rig.notices("r3", "retraction")
    rig.includes("r3")

    taken = rig.links("r3", "c1")

    assert not taken.stands
    assert rig.support() == [2, 1]
    rig.notices("r3", "reinstatement")
    assert rig.support() == [3, 1]


def test_a_notice_heard_while_the_record_was_out_is_applied_when_it_is_included_again(rig: SynthesisRig):
    rig.excludes("r1")
    rig.notices("r1", "retraction")
    assert list(rig.lead.rejudgements(REVIEW)) == []

    rig.includes("r1")

    assert rig.states() == {"c1": ("partially_supported", 1, True), "c2": ("no_evidence", 0, True)}


def test_evidence_coded_while_its_report_is_suspended_counts_when_it_is_reinstated(rig: SynthesisRig):
    rig.notices("r2", "retraction")
    assert not rig.links("r2", "c2").stands
    assert rig.support() == [1, 1]

    rig.notices("r2", "reinstatement")
    assert rig.support() == [2, 2]


def test_a_person_closes_a_rejudgement_with_a_reason_and_the_flag_goes(rig: SynthesisRig):
    rig.notices("r1", "correction")
    [first, second] = rig.lead.rejudgements(REVIEW, "open")

    closed = rig.person("carol").close_rejudgement(REVIEW, first.rejudgement, "the corrected table is not ours")

    assert (closed.state, closed.closed_by, closed.how) == ("closed", "carol", "the corrected table is not ours")
    assert [flagged for cmoc, (_, _, flagged) in rig.states().items() if cmoc == first.cmoc] == [False]
    with pytest.raises(Conflict, match="closed by carol"):
        rig.person("carol").close_rejudgement(REVIEW, first.rejudgement, "again")
    with pytest.raises(Forbidden):
        rig.person("ana").close_rejudgement(REVIEW, second.rejudgement, "me too")
    with pytest.raises(NotFound):
        rig.person("carol").close_rejudgement(REVIEW, "rejudge_none", "why")


def test_a_reinstatement_leaves_what_a_person_judged(rig: SynthesisRig):
    rig.notices("r1", "retraction")
    [first, _] = rig.lead.rejudgements(REVIEW, "open")
    rig.person("carol").close_rejudgement(REVIEW, first.rejudgement, "stands without it")
    rig.notices("r1", "reinstatement")

    how = {one.rejudgement: one.closed_by for one in rig.lead.rejudgements(REVIEW, "closed")}
    assert how[first.rejudgement] == "carol" and len(how) == 2


def test_what_a_notice_leads_to_follows_from_it(rig: SynthesisRig):
    rig.notices("r1", "retraction")

    opened = [one for one in rig.bench.journal() if one.type == RejudgementOpened.type]
    assert {one.correlationid for one in opened} == {"r1"}
    assert len({one.causationid for one in opened}) == 1
    [cause] = {one.causationid for one in opened}
    rig.settles()
    answer = rig.bench.person("dora", "lead").get(f"/synthesis/reviews/{REVIEW}/events", params={"cause": cause})
    assert [entry["event"]["type"] for entry in answer.json()["items"]] == [RevisionDrafted.type]
