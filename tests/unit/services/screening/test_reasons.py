"""What a stage asks beside its answers: the reasons that it excludes for, numbers, criteria, full texts."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from services.screening import domain, jobs
from services.screening.domain import Ballot
from services.screening.models import OldNameRow
from shared.events.ingest import TextNotRetrieved, TextRetrieved, TextSought, TextWithdrawn
from shared.events.people import NameMapped
from shared.events.screening import RecordExcluded, TaskClosed
from shared.events.stages import Stage
from tests.unit.services.screening.rig import DEPTH, REASONS, SIFT, ScreeningRig, merged, parted, protocol, published
from tests.unit.services.screening.soundness import assert_sound

WITH_REASONS = {**SIFT, "reasons": REASONS}
THREE = {**WITH_REASONS, "votes": 3}
SAID = {"reason": "so it is"}


@pytest.fixture
def rig(rig_of) -> ScreeningRig:
    return rig_of(WITH_REASONS, DEPTH)


def excludes(rig: ScreeningRig, name: str, excluded_for: str, **rest: Any) -> dict[str, Any]:
    return rig.answers(name, "exclude", excluded_for=excluded_for, **{**SAID, **rest})


def counted(rig: ScreeningRig, stage: int = 0) -> dict[str, int]:
    return rig.gets("/funnel").json()["stages"][stage].get("excluded_for", {})


def excluded(rig: ScreeningRig) -> RecordExcluded:
    return rig.bench.emitted(RecordExcluded)[-1]


@pytest.mark.parametrize(
    ("stage", "ballot", "slug", "why"),
    [
        (WITH_REASONS, Ballot("exclude", "no"), "missing_reason", "give one of: no-garden, no-people, opinion"),
        (WITH_REASONS, Ballot("exclude", "no", excluded_for="no_garden"), "unknown_reason", "has no reason 'no_garden"),
        (WITH_REASONS, Ballot("include", excluded_for="no-garden"), "needless_reason", "'include' does not exclude"),
        (WITH_REASONS, Ballot("unsure", excluded_for="no-garden"), "needless_reason", "'unsure' does not exclude"),
        (SIFT, Ballot("exclude", "no", excluded_for="no-garden"), "unknown_reason", "it has none"),
    ],
)
def test_a_reason_that_is_lacking_or_not_the_stages_is_named(stage, ballot, slug, why):
    [fault] = domain.faults(Stage.model_validate(stage), ballot, [])

    assert (fault.at, fault.slug) == ("excluded_for", slug)
    assert why in fault.why


def test_a_ballot_that_names_no_reason_is_refused_and_nothing_changed(rig):
    rig.discovers("r1")
    task = rig.claims("ana")

    refused = rig.votes("ana", task["lease"], "exclude", **SAID)

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:living:problem:missing_reason")
    assert refused.json()["errors"][0]["at"] == "excluded_for"
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0
    assert excludes(rig, "ana", "no-garden")["state"] == "open"


def test_the_task_in_hand_has_the_stages_reasons(rig):
    rig.discovers("r1")

    assert rig.claims("ana")["reasons"] == [
        {"value": "no-garden", "label": "Not about gardens", "help": "Parks and farms are none."},
        {"value": "no-people", "label": "Nobody tends it"},
        {"value": "opinion", "label": "No study"},
    ]


def test_whoever_is_out_is_so_for_a_reason_and_the_funnel_counts_by_it(rig):
    rig.discovers("r1")
    excludes(rig, "ana", "no-people", reason="a robot")
    excludes(rig, "ben", "no-people", reason="machines")

    heard = excluded(rig)
    assert (heard.excluded_for, heard.reason) == ("no-people", "Nobody tends it: a robot; machines")
    assert rig.record("r1")["excluded_for"] == "no-people"
    assert counted(rig) == {"no-people": 1}
    [closed] = rig.bench.emitted(TaskClosed)
    assert [vote.excluded_for for vote in closed.judgement.votes] == ["no-people", "no-people"]


def test_of_reasons_that_differ_as_often_the_first_of_the_protocol_stands_and_all_are_kept(rig):
    rig.discovers("r1")
    excludes(rig, "ana", "opinion")
    excludes(rig, "ben", "no-people")

    [closed] = rig.bench.emitted(TaskClosed)
    assert closed.judgement.excluded_for == "no-people"
    assert [vote.excluded_for for vote in closed.judgement.votes] == ["opinion", "no-people"]
    assert counted(rig) == {"no-people": 1}


def test_the_reason_that_most_name_stands(rig_of):
    rig = rig_of(THREE, DEPTH)
    rig.discovers("r1")
    for name, reason in (("ana", "no-garden"), ("ben", "opinion"), ("cy", "opinion")):
        excludes(rig, name, reason)

    assert excluded(rig).excluded_for == "opinion"


def test_whoever_decides_a_conflict_says_for_which_reason(rig):
    rig.discovers("r1")
    excludes(rig, "ana", "opinion")
    rig.answers("ben", "include")

    excludes(rig, "cy", "no-garden", role="adjudicator", kind="conflict")

    assert excluded(rig).excluded_for == "no-garden"
    assert counted(rig) == {"no-garden": 1}


def test_a_stage_without_reasons_is_as_before(rig_of):
    rig = rig_of()
    rig.discovers("r1")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", **SAID)

    assert excluded(rig).model_dump(mode="json") == {
        "review": "gardens", "record": "r1", "revision": 3, "stage": "sift", "rule": None, "reason": "so it is",
    }  # fmt: skip
    assert counted(rig) == {}


def test_a_merger_and_what_parts_it_again_count_a_reason_where_it_stands(rig):
    rig.discovers("r1", "r2")
    for name, reason in (("ana", "opinion"), ("ben", "no-people")):
        excludes(rig, name, reason)
    cast = [(rig.record("r1")["stages"][0]["task"], name) for name in ("ana", "ben")]

    rig.hears(merged("r1", into="r2"))
    assert (rig.record("r2")["excluded_for"], counted(rig)) == ("no-people", {"no-people": 1})
    assert_sound(rig.bench, "gardens", cast)

    rig.hears(parted("r1", "r2"))
    assert (rig.record("r1")["excluded_for"], rig.record("r2").get("excluded_for")) == ("no-people", None)
    assert counted(rig) == {"no-people": 1}
    assert excluded(rig).excluded_for == "no-people"
    assert_sound(rig.bench, "gardens", cast)


def test_a_dispute_takes_the_reason_out_of_the_counts_until_somebody_decides(rig):
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        excludes(rig, name, "opinion")
    for name in ("cy", "dee"):
        rig.answers(name, "include")

    rig.hears(merged("r2", into="r1"))
    assert (rig.record("r1")["state"], counted(rig)) == ("screening", {})

    excludes(rig, "eve", "no-garden", role="adjudicator", kind="conflict")
    assert counted(rig) == {"no-garden": 1}


def test_votes_of_one_person_under_two_names_take_the_reason_out_of_the_counts(rig):
    rig.discovers("r1")
    excludes(rig, "Ana", "opinion")
    excludes(rig, "ana", "opinion")
    with rig.bench.work("upgrade") as work:
        work.add(OldNameRow(review="gardens", name="Ana", acts=1))
    assert counted(rig) == {"opinion": 1}

    rig.hears(NameMapped(review="gardens", name="Ana", person="ana"))
    rig.bench.runs(jobs.replace_old_names)

    assert (rig.record("r1")["state"], counted(rig)) == ("screening", {})


def test_an_amendment_that_gives_a_stage_reasons_leaves_what_is_open_as_it_was(rig_of):
    rig = rig_of()
    rig.discovers("r1")
    task = rig.claims("ana")
    rig.hears(published(protocol(WITH_REASONS, DEPTH), version=2))

    assert rig.votes("ana", task["lease"], "exclude", **SAID).status_code == 200
    assert rig.answers("ben", "exclude", **SAID)["state"] == "excluded"
    assert counted(rig) == {}

    rig.discovers("r2")
    assert rig.votes("ana", rig.claims("ana")["lease"], "exclude", **SAID).status_code == 422


NUMBER = {"name": "plots", "label": "Plots", "kind": "number", "least": 0, "most": 10}
COUNTS = {**SIFT, "fields": [NUMBER, {**NUMBER, "name": "share", "required": True}]}


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        ("3", "wrong_kind"), (True, "wrong_kind"), ([3], "wrong_kind"), (float("nan"), "wrong_kind"),
        (-1, "out_of_bounds"), (10.5, "out_of_bounds"),
    ],
)  # fmt: skip
def test_what_is_no_number_within_its_bounds_is_refused_by_name(value, slug):
    given = Ballot("include", fields={"plots": value, "share": 1})

    [fault] = domain.faults(Stage.model_validate(COUNTS), given, [])

    assert (fault.at, fault.slug) == ("fields.plots", slug)


def test_a_number_is_kept_as_it_was_given_and_a_nought_is_one(rig_of):
    rig = rig_of(COUNTS, DEPTH)
    rig.discovers("r1")
    task = rig.claims("ana")
    lacking = rig.votes("ana", task["lease"], "include", fields={"plots": 3})
    assert (lacking.status_code, lacking.json()["errors"][0]["at"]) == (422, "fields.share")

    assert rig.votes("ana", task["lease"], "include", fields={"plots": 2.5, "share": 0}).status_code == 200

    assert rig.record("r1")["stages"][0]["votes"][0]["fields"] == {"plots": 2.5, "share": 0}


@pytest.mark.parametrize("value", [10**16, -(10**16), 1e300])
def test_a_number_that_no_event_can_carry_is_refused(rig_of, value):
    rig = rig_of({**SIFT, "fields": [{"name": "plots", "label": "Plots", "kind": "number"}]}, DEPTH)
    rig.discovers("r1")

    refused = rig.votes("ana", rig.claims("ana")["lease"], "include", fields={"plots": value})

    bound = "1000000000000000 or less" if value > 0 else "-1000000000000000 or more"
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"at": "body.fields.plots", "why": f"must be {bound}"}]


def test_criteria_and_words_come_with_every_task(rig_of):
    criteria = {"include": ["It is about gardens."], "exclude": ["It is about farms."]}
    rig = rig_of(criteria=criteria, highlights={"include": ["garden*"]})
    rig.discovers("r1")

    task = rig.claims("ana")

    assert task["criteria"] == criteria
    assert task["highlights"] == {"include": ["garden*"], "exclude": []}


TEXT = {"text": "text_1", "sha256": "a" * 64}


@pytest.mark.parametrize(
    ("heard", "state"),
    [
        ([], None),
        ([TextSought], "sought"),
        ([TextSought, TextRetrieved], "retrieved"),
        ([TextSought, TextNotRetrieved], "not_retrieved"),
        ([TextRetrieved, partial(TextWithdrawn, left=1)], "retrieved"),
        ([TextRetrieved, partial(TextWithdrawn, left=0)], "sought"),
    ],
)
def test_a_task_at_a_stage_that_needs_the_full_text_says_whether_it_is_here(rig_of, heard, state):
    rig = rig_of(SIFT, {**DEPTH, "needs": "full_text"})
    rig.discovers("r1")
    assert rig.claims("ana")["full_text"] is None
    for name in ("ana", "ben"):
        rig.answers(name, "include")
    about = {
        TextSought: {}, TextNotRetrieved: {"reason": "no library has it"},
        TextRetrieved: {**TEXT, "size": 1, "kind": "pdf", "text_version": "published", "source": "person",
                        "licence_class": "unknown", "readers": "members"},
    }  # fmt: skip
    for event in heard:
        withdrawn = {**TEXT, "reason": "the wrong one"}
        rig.hears(event(review="gardens", record="r1", **about.get(event, withdrawn)))

    assert rig.claims("ana")["full_text"] == {"state": state, "at": "/ingest/reviews/gardens/records/r1/texts"}


def test_a_text_of_a_record_that_screening_never_met_holds_nothing_up(rig):
    rig.hears(TextSought(review="gardens", record="nobody"))

    assert rig.gets("/funnel").json()["discovered"] == 0
