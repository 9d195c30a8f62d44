"""What anybody reads of a public review: what was signed, and what was noticed since about what it rests on; and the
course of a review, of which its readers are told."""

from __future__ import annotations

from datetime import date

import pytest

from services.synthesis import jobs
from services.synthesis.domain.verifying import Signed, verify
from shared.errors import Conflict, Forbidden
from shared.events.people import HandoverAccepted
from shared.events.synthesis import CourseChanged, ReviewOverdue
from shared.keys.published import read_keys
from shared.tokens import PUBLIC
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

AT = f"/synthesis/reviews/{REVIEW}"


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    """A revision of the first day on one report, one of the eleventh on two, and a draft with a third."""
    for day, record in ((0, "r1"), (10, "r2"), (10, "r3")):
        rig.bench.clock.advance(days=day)
        rig.includes(record)
        rig.links(record, text=f"a quotation of {record}")
        if record != "r3":
            rig.signs(f"with {record}")
    rig.settles()
    return rig


def test_anybody_reads_what_is_published_and_nothing_that_is_drafted(rig: SynthesisRig):
    anybody = rig.bench.person(f"{PUBLIC}:{REVIEW}", PUBLIC, (REVIEW,), scopes=frozenset({"records"}))
    read = ["/standing", "/revisions", "/revisions/2", "/revisions/2/studies", "/revisions/2/verify",
            "/revisions/2/provenance", "/revisions/2/export", "/diff?before=1&after=2"]  # fmt: skip

    answers = [anybody.get(AT + path) for path in read]

    assert {answer.status_code for answer in answers} == {200}
    assert not any("quotation" in answer.text or "r3" in answer.text for answer in answers)
    for path in ("", "/draft", "/evidence", "/support", "/reports", "/cmocs", "/rejudgements", "/triggers"):
        assert anybody.get(AT + path).status_code == 403, path


def test_anybody_gets_the_keys_by_which_it_is_checked_and_nobody_without_a_token(rig: SynthesisRig):
    anybody = rig.bench.person(f"{PUBLIC}:{REVIEW}", PUBLIC, (REVIEW,), scopes=frozenset({"records"}))
    ring, signed = rig.bench.platform.ring.current(), rig.lead.export(REVIEW, 2)

    keys = read_keys(anybody.get("/signing-keys").content)

    assert [key.kid for key in keys.keys] == [key.kid for key in ring.keys] and keys.newest("revisions")
    assert verify(Signed(signed.document, signed.sha256, signed.signature), keys).holds
    assert anybody.get("/signing-key.pem").text == signed.public_key
    for path in ("/signing-keys", "/signing-key.pem"):
        assert rig.bench.anybody().get(path).status_code == 401


def test_the_revision_in_force_is_the_last_that_was_signed_by_the_end_of_a_day(rig: SynthesisRig):
    first = rig.lead.revision(REVIEW, 1).content.signed_at.date()
    second = rig.lead.revision(REVIEW, 2).content.signed_at.date()
    assert (second - first).days == 10

    def in_force(on: date | None) -> int | None:
        found = rig.lead.standing(REVIEW, on=on).in_force
        return found.number if found else None

    assert in_force(None) == in_force(second) == in_force(date(2999, 1, 1)) == 2
    assert in_force(first) == in_force(second.replace(day=second.day - 1)) == 1
    assert in_force(date(1999, 1, 1)) is None
    assert rig.lead.standing(REVIEW, on=date(1999, 1, 1)).newest.number == 2


def test_revisions_are_listed_from_either_end(rig: SynthesisRig):
    assert [one.number for one in rig.lead.revisions(REVIEW)] == [1, 2]
    assert [one.number for one in rig.lead.revisions(REVIEW, newest_first=True)] == [2, 1]


def test_a_revision_names_the_reports_that_it_rests_on_and_those_that_were_retracted_since(rig: SynthesisRig):
    rig.notices("r1", "correction")
    rig.notices("r2", "retraction")
    rig.notices("r1", "retraction", notice="an-exercise", drill=True)

    cited = {report.record: report for report in rig.lead.studies(REVIEW, 2).reports}

    assert {record: (it.struck, [n.kind for n in it.notices], it.cmocs) for record, it in cited.items()} == {
        "r1": (False, ["correction"], ["c1"]),
        "r2": (True, ["retraction"], ["c1"]),
    }
    assert [report.record for report in rig.lead.studies(REVIEW, 1).reports] == ["r1"]
    rig.notices("r2", "reinstatement")
    assert not any(report.struck for report in rig.lead.studies(REVIEW, 2).reports)


def test_what_a_revision_came_from_names_only_what_is_in_it_and_all_of_that(rig: SynthesisRig):
    content = rig.lead.revision(REVIEW, 2).content

    said = rig.lead.provenance(REVIEW, 2)

    named = {*said.entity, *said.activity, *said.agent}
    pointed = {
        name
        for of in (said.wasGeneratedBy, said.used, said.wasAssociatedWith, said.wasAttributedTo, said.wasDerivedFrom)
        for one in of.values()
        for key, name in one.items()
        if key not in ("prov:time", "prov:type")
    }
    assert pointed == named
    assert {f"living:study-{study}" for cmoc in content.cmocs for study in cmoc.studies} <= named
    assert said.wasDerivedFrom["_:revises"]["prov:usedEntity"] == f"living:revision-{content.preceding}"
    assert "_:revises" not in rig.lead.provenance(REVIEW, 1).wasDerivedFrom


def test_a_report_that_was_merged_is_named_as_the_one_it_is_now(rig: SynthesisRig):
    rig.includes("r9")
    rig.merges("r1", "r9")

    assert [report.record for report in rig.lead.studies(REVIEW, 1).reports] == ["r9"]


def test_a_review_that_rests_is_never_late_and_says_why_and_once_it_goes_on_it_is(rig_of):
    rig = rig_of(protocol(publish_every_days=30))
    said = rig.lead.set_course(REVIEW, "paused", "No funds until spring.")
    assert (said.state, said.why) == ("paused", "No funds until spring.") and said.since

    rig.bench.clock.advance(days=40)
    rig.bench.runs(jobs.watch_cadence)
    assert rig.bench.emitted(ReviewOverdue) == [] and rig.lead.status(REVIEW).state == "paused"

    assert rig.lead.set_course(REVIEW, "living", "We have funds.").why is None
    rig.bench.runs(jobs.watch_cadence)
    assert len(rig.bench.emitted(ReviewOverdue)) == 1 and rig.lead.status(REVIEW).state == "overdue"
    assert [(it.before, it.course) for it in rig.bench.emitted(CourseChanged)] == [
        ("living", "paused"), ("paused", "living"),
    ]  # fmt: skip


def test_a_review_that_is_retired_publishes_no_more_until_it_goes_on(rig: SynthesisRig):
    rig.lead.set_course(REVIEW, "retired", "It has ended.")
    with pytest.raises(Conflict) as refused:
        rig.signs()
    assert refused.value.slug == "retired" and rig.lead.status(REVIEW).revisions == 2

    rig.lead.set_course(REVIEW, "living", "It goes on.")
    assert rig.signs().content.number == 3


def test_what_became_of_a_review_is_kept_step_by_step_also_that_it_was_handed_over(rig: SynthesisRig):
    rig.lead.set_course(REVIEW, "paused", "No funds.")
    rig.hears_of(HandoverAccepted(review=REVIEW, handover="handover_1", before="dora", to="ana", why="I leave."))
    rig.lead.set_course(REVIEW, "living", "We have funds.")

    steps = list(rig.person("rita").course_steps(REVIEW))

    assert [(it.what, it.by, it.to, it.why) for it in steps] == [
        ("living", "dora", None, "We have funds."), ("handed_over", "dora", "ana", "I leave."),
        ("paused", "dora", None, "No funds."),
    ]  # fmt: skip


def test_the_same_course_said_twice_is_said_once_and_nobody_but_a_lead_says_it(rig: SynthesisRig):
    for _ in range(2):
        rig.lead.set_course(REVIEW, "paused", "so")

    assert len(rig.bench.emitted(CourseChanged)) == 1
    for name in ("rita", "ana", "carol"):
        with pytest.raises(Forbidden):
            rig.person(name).set_course(REVIEW, "living", "so")
