"""Judged for CMOCs, and asked anew when one of them says something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.screening import domain, jobs, store
from services.screening.commands import theories
from services.screening.domain import Ballot
from shared.events.screening import RecordExcluded, RecordReopened, TaskClosed, TaskOpened
from shared.events.stages import Stage
from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    REVIEW,
    ScreeningRig,
    changed,
    make_bench,
    merged,
    parted,
    protocol,
    published,
)
from tests.unit.services.screening.soundness import assert_sound

FOR_CMOCS: dict[str, Any] = {
    "name": "relevant",
    "question": "Which can it build or test?",
    "votes": 2,
    "answers": [
        {"value": "include", "leads_to": "advance"},
        {"value": "unsure", "leads_to": "adjudicate"},
        {"value": "exclude", "leads_to": "exclude"},
    ],
    "reasons": REASONS,
    "judged_for": "cmocs",
    "reopen_when_theory_changes": True,
}
PLAIN = {**DEPTH, "fields": []}
OUT = {"excluded_for": "no-garden"}
PARTS = {"context": "a plot", "resource": "tools", "reasoning": "pride", "outcome": "fruit", "theory": "tending"}


@pytest.fixture
def rig(rig_of) -> ScreeningRig:
    return rig_of(FOR_CMOCS, PLAIN)


def excluded_for(rig: ScreeningRig, record: str, *cmocs: list[str], names: tuple[str, str] = ("ana", "ben")) -> str:
    """Has two people exclude a record, each for CMOCs of theirs; the task."""
    rig.discovers(record)
    for name, judged_for in zip(names, cmocs or ([], []), strict=True):
        rig.answers(name, "exclude", judged_for=judged_for, **OUT)
    return rig.record(record)["stages"][0]["task"]


def tells(rig: ScreeningRig, *events: Any) -> None:
    rig.hears(*events)
    rig.bench.runs(jobs.reopen_for_theories)


def out(rig: ScreeningRig) -> set[str]:
    return {row["record"] for row in rig.gets("/records", state="excluded").json()["items"]}


def worded(**cmocs: str) -> list[dict[str, str]]:
    """The CMOCs, some with another context."""
    return [{"id": name, **PARTS, "context": cmocs.get(name, "a plot")} for name in sorted({"c1", "c2", *cmocs})]


@pytest.mark.parametrize(
    ("ballot", "slug"),
    [
        (Ballot("include"), "missing_field"),
        (Ballot("include", judged_for=["c9"]), "unknown_cmoc"),
        (Ballot("include", judged_for=["c1", "c1"]), "wrong_kind"),
        (Ballot("exclude", excluded_for="no-garden", judged_for=["c9"]), "unknown_cmoc"),
    ],
)
def test_cmocs_that_are_lacking_or_unknown_are_named(ballot, slug):
    [fault] = domain.faults(Stage.model_validate(FOR_CMOCS), ballot, ["c1", "c2"])

    assert (fault.at, fault.slug) == ("judged_for", slug)


def test_a_stage_that_is_not_judged_for_cmocs_takes_none():
    [fault] = domain.faults(Stage.model_validate(PLAIN), Ballot("rich", judged_for=["c1"]), ["c1"])

    assert (fault.at, fault.slug) == ("judged_for", "unknown_field")


def test_a_decision_is_for_all_the_cmocs_that_its_votes_are_for(rig):
    rig.discovers("r1")
    assert [cmoc["id"] for cmoc in rig.claims("ana")["cmocs"]] == ["c1", "c2"]
    rig.answers("ana", "include", judged_for=["c2"])
    rig.answers("ben", "include", judged_for=["c1", "c2"])

    [closed] = rig.bench.emitted(TaskClosed)
    assert closed.judgement.judged_for == ["c2", "c1"]
    assert [vote.judged_for for vote in closed.judgement.votes] == [["c2"], ["c1", "c2"]]


def test_an_exclusion_is_for_all_where_one_who_excludes_names_none(rig):
    excluded_for(rig, "r1", ["c1"], [])

    [closed] = rig.bench.emitted(TaskClosed)
    assert closed.judgement.judged_for == []


def test_an_adjudicators_cmocs_are_those_of_the_decision(rig):
    rig.discovers("r1")
    rig.answers("ana", "include", judged_for=["c1"])
    rig.answers("ben", "exclude", judged_for=["c2"], **OUT)
    rig.answers("cy", "exclude", "adjudicator", kind="conflict", judged_for=["c2"], reason="so it is", **OUT)

    [closed] = rig.bench.emitted(TaskClosed)
    assert closed.judgement.judged_for == ["c2"]


def test_what_was_excluded_for_a_cmoc_is_asked_anew_when_that_says_something_else(rig):
    judged = (("r1", (["c1"], ["c1"])), ("r2", (["c2"], ["c2"])), ("r3", ([], ["c2"])))
    tasks = [excluded_for(rig, record, *cmocs) for record, cmocs in judged]

    tells(rig, changed("c1"))

    assert out(rig) == {"r2"}
    assert [event.record for event in rig.bench.emitted(RecordReopened)] == ["r1", "r3"]
    first, _ = rig.bench.emitted(RecordReopened)
    assert (first.stage, first.reason) == ("relevant", "c1 is another since: it is other now")
    assert [event.because for event in rig.bench.emitted(TaskOpened)][-2:] == ["theory_changed", "theory_changed"]
    assert_sound(rig.bench, REVIEW, [(task, name) for task in tasks for name in ("ana", "ben")])


def test_people_who_voted_before_are_asked_again_and_what_they_said_is_kept(rig):
    task = excluded_for(rig, "r1", ["c1"], ["c1"])
    tells(rig, changed("c1"))
    rig.bench.clock.advance(minutes=1)
    assert rig.gets("/funnel").json()["stages"][0].get("excluded_for") is None
    assert rig.record("r1", "cy")["stages"][0]["votes"] == []

    for name in ("ana", "ben"):
        rig.answers(name, "include", judged_for=["c1"])

    [stage, _] = rig.record("r1")["stages"]
    assert [vote["answer"] for vote in stage["judgement"]["votes"]] == ["include", "include"]
    assert [vote["answer"] for vote in stage["votes"]] == ["include", "include"]
    assert [vote["answer"] for vote in stage["set_aside"]] == ["exclude", "exclude"]
    assert_sound(rig.bench, REVIEW, [(task, name) for name in ("ana", "ben", "ana", "ben")])


def test_an_event_that_comes_twice_asks_anew_once(rig):
    excluded_for(rig, "r1")
    heard = rig.bench.envelope(changed("c1"))
    rig.bench.hears_envelope(heard)
    rig.bench.runs(jobs.reopen_for_theories)
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", **OUT)

    rig.bench.hears_envelope(heard)
    rig.bench.runs(jobs.reopen_for_theories)

    assert out(rig) == {"r1"}
    assert len(rig.bench.emitted(RecordReopened)) == 1


@pytest.mark.parametrize(
    "heard",
    [
        changed("c1", drill=True),
        changed("c1", "set_aside", None, before="context: a plot"),
        changed("c1", "evidence_withdrawn", None),
        changed("c1", "reinstated", None),
        changed("c1", "contested", "contested"),
        changed("c2"),
    ],
    ids=["drill", "set_aside", "evidence_withdrawn", "evidence_reinstated", "contested", "another"],
)
def test_what_changes_no_words_that_something_was_judged_for_asks_nothing_anew(rig, heard):
    excluded_for(rig, "r1", ["c1"], ["c1"])

    tells(rig, heard)

    assert out(rig) == {"r1"}


def test_a_new_cmoc_asks_anew_about_what_was_excluded_for_all(rig):
    excluded_for(rig, "r1", ["c1"], ["c1"])
    excluded_for(rig, "r2")
    rig.hears(published(protocol(FOR_CMOCS, PLAIN, cmocs=worded(c3="a roof")), version=2))

    words = "context: a roof\nresource: tools\nreasoning: pride\noutcome: fruit"
    tells(rig, changed("c3", "proposed", words))

    assert out(rig) == {"r1"}


def test_what_was_judged_under_the_new_words_stays_out(rig):
    excluded_for(rig, "r1")
    rig.hears(published(protocol(FOR_CMOCS, PLAIN, cmocs=worded(c1="a terrace")), version=2))
    excluded_for(rig, "r2")

    tells(rig, changed("c1", after="context: a terrace"))

    assert out(rig) == {"r2"}
    assert rig.claims("ana", stage="relevant")["protocol_version"] == 2


def test_a_theory_may_change_before_screening_has_heard_of_the_version(rig):
    excluded_for(rig, "r1")
    tells(rig, changed("c1", after="context: a terrace"))

    assert out(rig) == set()


def test_a_stage_that_does_not_say_so_is_not_asked_anew(rig_of):
    rig = rig_of({**FOR_CMOCS, "reopen_when_theory_changes": False}, PLAIN)
    excluded_for(rig, "r1")

    tells(rig, changed("c1"))

    assert out(rig) == {"r1"}


@pytest.fixture
def either_rig(settings, tmp_path) -> Iterator[ScreeningRig]:
    """The same rig on SQLite and on PostgreSQL."""
    made = ScreeningRig(make_bench(tmp_path / "either", **settings), FOR_CMOCS, PLAIN)
    yield made
    made.bench.close()


def test_a_job_that_dies_between_batches_goes_on_where_it_was(either_rig, monkeypatch):
    rig = either_rig
    monkeypatch.setattr(jobs, "BATCH", 2)
    tasks = [excluded_for(rig, f"r{number}") for number in range(5)]
    rig.hears(changed("c1"))
    rig.hears(changed("c2"))

    with rig.bench.work("dies") as work:
        row = store.theory_changes(work)[0]
        assert theories.reopen_some(work, event=row.event, stage=row.stage, limit=2) == 2
    rig.bench.runs(jobs.reopen_for_theories)

    assert out(rig) == set()
    assert len(rig.bench.emitted(RecordReopened)) == 5
    assert_sound(rig.bench, REVIEW, [(task, name) for task in tasks for name in ("ana", "ben")])


def test_what_is_excluded_again_while_the_job_goes_on_is_not_asked_once_more(rig):
    excluded_for(rig, "r1")
    excluded_for(rig, "r2")
    rig.hears(changed("c1"))

    with rig.bench.work("first") as work:
        [row] = store.theory_changes(work)
        theories.reopen_some(work, event=row.event, stage=row.stage, limit=1)
    rig.bench.clock.advance(minutes=1)
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", **OUT)
    rig.bench.runs(jobs.reopen_for_theories)

    assert out(rig) == {"r1"}
    assert [event.record for event in rig.bench.emitted(RecordReopened)] == ["r1", "r2"]


def test_votes_of_before_do_not_come_back_by_a_merger(rig):
    old = excluded_for(rig, "r1")
    rig.hears(merged("r1", into=_waiting(rig, "r2")))
    assert rig.record("r2")["state"] == "excluded"

    tells(rig, changed("c1"))
    assert rig.record("r2")["state"] == "screening"
    assert rig.record("r2")["stages"][0]["votes_cast"] == 0

    rig.discovers("r3")
    rig.hears(merged("r3", into="r2"))
    assert rig.record("r2")["stages"][0]["votes_cast"] == 0
    assert_sound(rig.bench, REVIEW, [(old, "ana"), (old, "ben")])


def test_what_was_merged_when_the_theory_changed_is_asked_anew_once_it_is_parted(rig):
    task = excluded_for(rig, "r1")
    rig.hears(merged("r1", into=_waiting(rig, "r2")))
    tells(rig, changed("c1"))

    rig.hears(parted("r1", "r2"))

    assert rig.record("r1")["state"] == "screening"
    assert rig.record("r1")["stages"][0]["votes_cast"] == 0
    assert [event.record for event in rig.bench.emitted(RecordExcluded)] == ["r1", "r2"]
    assert_sound(rig.bench, REVIEW, [(task, "ana"), (task, "ben")])


def test_a_vote_of_the_moment_in_which_a_task_was_asked_anew_is_no_history(rig):
    task = excluded_for(rig, "r1")
    tells(rig, changed("c1"))
    rig.answers("ana", "exclude", **OUT)
    rig.hears(merged("r1", into=_waiting(rig, "r2")), parted("r1", "r2"))

    assert rig.record("r1")["stages"][0]["votes_cast"] == 1
    assert_sound(rig.bench, REVIEW, [(task, name) for name in ("ana", "ana", "ben")])


def _waiting(rig: ScreeningRig, record: str) -> str:
    rig.discovers(record)
    return record
