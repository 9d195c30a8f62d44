"""A revision after seeing: kept beside the vote, counted nowhere, told once the task is closed."""

from __future__ import annotations

from typing import Any

from shared.events.screening import TaskClosed, VoteRevised
from tests.unit.services.screening.rig import DEPTH, REASONS, REVIEW, SIFT, ScreeningRig, merged
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_undo import refused
from tests.unit.services.screening.test_views import events_seen

NO = {"reason": "no garden"}


def revise(rig: ScreeningRig, name: str, task: str, answer: str, role: str = "reviewer", **rest: Any) -> Any:
    return rig.asks(f"/tasks/{task}/revise", {"answer": answer, **rest}, name, role)


def revised_seen_by(rig: ScreeningRig, name: str, role: str = "reviewer") -> list[tuple[str, str]]:
    stage = rig.gets("/records/r1", name, role).json()["stages"][0]
    return [(vote["person"], vote["answer"]) for vote in stage["revised"]]


def both(rig: ScreeningRig, ana: str, ben: str) -> str:
    """Ana and ben vote on r1; the task."""
    rig.discovers("r1")
    rig.answers("ana", ana, **NO)
    return rig.answers("ben", ben, **NO)["task"]


def test_a_revision_of_a_closed_task_is_told_at_once_and_changes_nothing(either_rig):
    rig = either_rig
    task = both(rig, "include", "include")
    counted = rig.gets("/agreement", "lea", "lead").json(), rig.gets("/funnel").json()

    answer = revise(rig, "ana", task, "exclude", reason="it is a balcony")

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["judgement"]) == ("advanced", None)
    (event,) = rig.bench.emitted(VoteRevised)
    assert (event.record, event.task, event.stage) == ("r1", task, "sift")
    assert (event.vote.person, event.vote.answer, event.vote.reason) == ("ana", "exclude", "it is a balcony")
    assert (rig.gets("/agreement", "lea", "lead").json(), rig.gets("/funnel").json()) == counted
    assert revised_seen_by(rig, "cleo", "reader") == [("ana", "exclude")]
    assert [vote["answer"] for vote in rig.record("r1")["stages"][0]["votes"]] == ["include", "include"]
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben")})


def test_a_revision_while_a_conflict_waits_is_told_and_shown_once_it_is_decided(rig):
    task = both(rig, "include", "unsure")

    assert revise(rig, "ana", task, "exclude", reason="SECRET").status_code == 200

    lease = rig.claims("dee", "adjudicator", kind="conflict")["lease"]
    conflict = rig.looks("dee", lease, "unsure")
    shown = [str(conflict), str(events_seen(rig, "lea", "lead")), rig.gets("/records/r1", "ben").text]
    shown += [rig.gets("/records/r1", "dee", "adjudicator").text, rig.gets("/conflicts", "dee", "adjudicator").text]
    assert not [text for text in shown if "SECRET" in text]
    assert revised_seen_by(rig, "ana") == [("ana", "exclude")]
    assert rig.bench.emitted(VoteRevised) == []

    rig.votes("dee", conflict["lease"], "include", "adjudicator", reason="it fits")

    (closed,), (event,) = rig.bench.emitted(TaskClosed), rig.bench.emitted(VoteRevised)
    assert [vote.answer for vote in closed.judgement.votes] == ["include", "unsure", "include"]
    assert (event.vote.person, event.vote.reason) == ("ana", "SECRET")
    assert event.revision == closed.revision + 1
    assert revised_seen_by(rig, "cleo", "reader") == [("ana", "exclude")]
    assert_sound(rig.bench, REVIEW, {(task, "ana"), (task, "ben"), (task, "dee")})


def test_several_revisions_are_kept_and_none_that_says_what_was_said(rig):
    task = both(rig, "include", "include")

    assert refused(revise(rig, "ana", task, "include", **NO)) == (409, "nothing revised")
    assert revise(rig, "ana", task, "unsure").status_code == 200
    assert refused(revise(rig, "ana", task, "unsure")) == (409, "nothing revised")
    assert revise(rig, "ben", task, "unsure").status_code == 200
    assert revise(rig, "ana", task, "exclude", **NO).status_code == 200

    assert revised_seen_by(rig, "cleo", "reader") == [("ana", "unsure"), ("ben", "unsure"), ("ana", "exclude")]
    assert [event.vote.answer for event in rig.bench.emitted(VoteRevised)] == ["unsure", "unsure", "exclude"]


def test_nobody_revises_before_all_votes_are_in_or_without_a_vote(rig):
    rig.discovers("r1")
    task = rig.answers("ana", "include")["task"]

    assert refused(revise(rig, "ana", task, "exclude", **NO)) == (409, "votes not in")
    rig.answers("ben", "unsure")
    rig.answers("dee", "include", "adjudicator", "conflict", reason="it fits")
    for name, role in (("cy", "reviewer"), ("dee", "adjudicator"), ("lea", "lead")):
        assert refused(revise(rig, name, task, "exclude", role, **NO)) == (404, "no vote")
    assert refused(revise(rig, "ana", "task_of_nothing", "exclude")) == (404, "unknown task")
    assert refused(revise(rig, "cleo", task, "exclude", "reader"))[0] == 403
    assert rig.bench.emitted(VoteRevised) == []


def test_a_revision_is_held_against_the_stages_form(rig_of):
    rig = rig_of(DEPTH)
    rig.discovers("r1")
    for name in ("ana", "ben"):
        task = rig.answers(name, "rich", fields={"cmocs": ["c1"]})["task"]

    wrong = revise(rig, "ana", task, "thick", fields={"setting": "space"})

    assert wrong.status_code == 422
    assert [error["at"] for error in wrong.json()["errors"]] == ["answer", "fields.cmocs", "fields.setting"]
    assert revise(rig, "ana", task, "rich", fields={"cmocs": ["c1", "c2"]}).status_code == 200
    form = rig.gets(f"/tasks/{task}", "cleo", "reader").json()
    assert [field["name"] for field in form["fields"]] == ["cmocs", "setting", "designs", "note"]
    assert [cmoc["id"] for cmoc in form["cmocs"]] == ["c1", "c2"]


def test_the_form_of_a_task_says_what_a_ballot_names(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS, "judged_for": "cmocs"})
    rig.discovers("r1")
    task = rig.claims("ana")["task"]

    form = rig.gets(f"/tasks/{task}").json()

    assert ([reason["value"] for reason in form["reasons"]], form["judged_for"]) == (
        [reason["value"] for reason in REASONS], "cmocs",
    )  # fmt: skip
    assert [cmoc["id"] for cmoc in form["cmocs"]] == ["c1", "c2"]


def test_of_a_record_that_is_one_with_another_nothing_is_revised(rig):
    task = both(rig, "include", "unsure")
    rig.discovers("r2")
    rig.hears(merged("r1", into="r2"))

    gone = revise(rig, "ana", task, "exclude", **NO)

    assert refused(gone) == (409, "merged") and "'r2'" in gone.json()["detail"]


def test_a_revision_sent_twice_under_one_key_is_kept_once(rig):
    task = both(rig, "include", "include")
    path, headers = f"/screening/reviews/{REVIEW}/tasks/{task}/revise", {"Idempotency-Key": "key-of-ana-1"}

    answers = [rig.person("ana").post(path, json={"answer": "unsure"}, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(rig.bench.emitted(VoteRevised)) == 1


def test_a_revision_says_for_which_reason_and_for_which_cmocs(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS, "judged_for": "cmocs"})
    rig.discovers("r1")
    out = {"excluded_for": "no-garden", "judged_for": ["c1"], **NO}
    rig.answers("ana", "exclude", **out)
    task = rig.answers("ben", "exclude", **out)["task"]

    assert refused(revise(rig, "ana", task, "exclude", **NO)) == (422, "missing reason")
    assert refused(revise(rig, "ana", task, "exclude", **out)) == (409, "nothing revised")
    assert revise(rig, "ana", task, "exclude", **{**out, "excluded_for": "no-people"}).status_code == 200

    (event,) = rig.bench.emitted(VoteRevised)
    assert (event.vote.excluded_for, event.vote.judged_for) == ("no-people", ["c1"])
    assert rig.record("r1")["excluded_for"] == "no-garden"
