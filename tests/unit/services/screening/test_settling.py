"""Conflicts settled many at once: by the first looks that their adjudicator gave, and only where the forms agree."""

from __future__ import annotations

from typing import Any

import pytest

from services.screening.domain import Ballot, differing
from shared.events.screening import RecordAdvanced, TaskClosed, TaskOpened
from shared.events.stages import Stage
from tests.unit.services.screening.rig import DEPTH, REASONS, REVIEW, SIFT, ScreeningRig, merged
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_conflicts import NO, TOGETHER, parted_on
from tests.unit.services.screening.test_old_names import ANA, BEN, comes_from_before, decided, says

#: A stage with a form of its own.
FORM: dict[str, Any] = {
    **SIFT,
    "reasons": REASONS,
    "judged_for": "cmocs",
    "fields": [
        {"name": "people", "label": "How many people", "kind": "number"},
        {"name": "designs", "label": "Designs", "kind": "choices", "options": ["survey", "interviews"]},
        {"name": "note", "label": "A note"},
    ],
}


def looked_at(rig: ScreeningRig, name: str = "cy", role: str = "adjudicator", **asked: Any) -> list[dict[str, Any]]:
    answer = rig.gets("/conflicts/looked-at", name, role, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def looks_and_gives_back(rig: ScreeningRig, name: str, record: str, answer: str, **rest: Any) -> str:
    """Gives a first look at a record's conflict and puts it back; the task."""
    held = rig.claims(name, "adjudicator", kind="conflict", records=[record])
    rig.looks(name, held["lease"], answer, **rest)
    assert rig.asks(f"/leases/{held['lease']}/release", None, name, "adjudicator").status_code == 200
    return held["task"]


def settles(rig: ScreeningRig, *tasks: str, name: str = "cy", role: str = "adjudicator", **asked: Any) -> Any:
    return rig.asks("/conflicts/settle", {"resolution": "as we read it", "tasks": [*tasks], **asked}, name, role)


def outcome(answer: Any) -> list[str]:
    """What became of each, in order."""
    assert answer.status_code == 200, answer.text
    return [it["refused"]["slug"] if it["refused"] else it["state"] for it in answer.json()["conflicts"]]


def filled(rig: ScreeningRig, record: str, ana: dict[str, Any], ben: dict[str, Any]) -> None:
    """Has ana include a record and ben exclude it, with forms of these."""
    rig.discovers(record)
    rig.answers("ana", "include", **({"judged_for": ["c1"]} | ana))
    rig.answers("ben", "exclude", **({"judged_for": ["c1"], "excluded_for": "opinion"} | NO | ben))


def test_those_looked_at_and_put_back_are_settled_each_by_its_look_and_leave_the_list(either_rig):
    rig = either_rig
    cast = parted_on(rig, "r1", "r2", "r3")
    first = looks_and_gives_back(rig, "cy", "r1", "include")
    second = looks_and_gives_back(rig, "cy", "r2", "exclude", **NO)

    listed = looked_at(rig)
    assert [(it["task"], it["record"], it["look"]["answer"]) for it in listed] == [
        (first, "r1", "include"),
        (second, "r2", "exclude"),
    ]
    assert all(it["forms_agree"] and it["refused"] is None and it["differs"] == [] for it in listed)
    assert {vote["person"]: vote["answer"] for vote in listed[0]["votes"]} == {"ana": "include", "ben": "exclude"}

    answer = settles(rig, second, first)

    assert outcome(answer) == ["excluded", "advanced"] and answer.json()["settled"] == 2
    assert [it["record"] for it in answer.json()["conflicts"]] == ["r2", "r1"]
    assert looked_at(rig) == [] and rig.queue("sift")["conflicts"] == 1
    assert_sound(rig.bench, REVIEW, [*cast, (first, "cy"), (second, "cy")])


def test_nothing_tells_it_from_a_single_decision_but_that_its_reason_is_the_resolution(rig_of):
    def emitted(rig: ScreeningRig) -> list[dict[str, Any]]:
        events = [it for kind in (TaskClosed, RecordAdvanced, TaskOpened) for it in rig.bench.emitted(kind)]
        shown = [event.model_dump(mode="json") for event in events]
        for it in shown:
            for vote in it.get("judgement", {}).get("votes", []) + it.get("judgement", {}).get("looks", []):
                vote.pop("cast_at")
        return shown

    alone, together = rig_of(), rig_of()
    for rig in (alone, together):
        parted_on(rig, "r1", "r2")
    tasks = [looks_and_gives_back(together, "cy", record, "include") for record in ("r1", "r2")]
    settles(together, *tasks)
    for record in ("r1", "r2"):
        looks_and_gives_back(alone, "cy", record, "include")
        lease = alone.claims("cy", "adjudicator", kind="conflict", records=[record])["lease"]
        alone.votes("cy", lease, "include", "adjudicator", reason="as we read it")

    assert emitted(alone) == emitted(together)
    (closed, _) = together.bench.emitted(TaskClosed)
    deciding = closed.judgement.votes[-1]
    assert (deciding.person, deciding.answer, deciding.reason) == ("cy", "include", "as we read it")
    assert [look.answer for look in closed.judgement.looks] == ["include"]
    assert together.gets("/agreement", "lea", "lead").json() == alone.gets("/agreement", "lea", "lead").json()
    assert together.gets("/funnel").json() == alone.gets("/funnel").json()
    assert together.gets("/flow").json() == alone.gets("/flow").json()


def test_the_decision_takes_over_what_the_forms_say_alike_and_the_looks_own_reason(rig_of):
    rig = rig_of(FORM)
    said = {"fields": {"people": 12, "designs": ["survey", "interviews"], "note": ""}}
    filled(rig, "r1", said, {"fields": {"people": 12.0, "designs": ["interviews", "survey"]}})
    task = looks_and_gives_back(rig, "cy", "r1", "exclude", excluded_for="no-people", judged_for=["c2"], **NO)

    assert outcome(settles(rig, task)) == ["excluded"]

    (closed,) = rig.bench.emitted(TaskClosed)
    deciding = closed.judgement.votes[-1]
    assert (deciding.fields, deciding.judged_for) == ({"people": 12, "designs": ["survey", "interviews"]}, ["c1"])
    assert (deciding.excluded_for, closed.judgement.excluded_for) == ("no-people", "no-people")
    assert rig.record("r1")["excluded_for"] == "no-people"


@pytest.mark.parametrize(
    ("ana", "ben", "differs"),
    [
        ({"fields": {"people": 12}}, {"fields": {"people": 40}}, ["fields.people"]),
        ({"fields": {"people": 0}}, {}, ["fields.people"]),
        ({"fields": {"designs": ["survey"]}}, {"fields": {"designs": ["survey", "interviews"]}}, ["fields.designs"]),
        ({"fields": {"note": "a"}, "judged_for": ["c1", "c2"]}, {}, ["fields.note", "judged_for"]),
        ({"fields": {"note": ""}, "judged_for": ["c1", "c2"]}, {"judged_for": ["c2", "c1"]}, []),
    ],
)
def test_forms_that_differ_are_named_and_never_settled_with_others(rig_of, ana, ben, differs):
    rig = rig_of(FORM)
    filled(rig, "r1", ana, ben)
    task = looks_and_gives_back(rig, "cy", "r1", "include", judged_for=["c1"])

    (listed,) = looked_at(rig)
    assert (listed["forms_agree"], listed["differs"]) == (not differs, differs)
    assert (listed["refused"] or {}).get("slug") == ("forms_differ" if differs else None)
    assert outcome(settles(rig, task)) == ["forms_differ" if differs else "advanced"]
    assert rig.queue("sift")["conflicts"] == bool(differs)


def test_those_who_exclude_name_one_reason_or_their_forms_differ():
    stage = Stage.model_validate({**FORM, "votes": 3})
    out = [Ballot("exclude", excluded_for=reason) for reason in ("opinion", "no-people")]

    assert differing(stage, [Ballot("include"), out[0]]) == []
    assert differing(stage, [Ballot("include"), *out]) == ["excluded_for"]
    assert differing(stage, [Ballot("include"), out[0], Ballot("exclude", excluded_for="opinion")]) == []


def test_one_that_cannot_be_settled_says_why_and_keeps_no_other(rig):
    parted_on(rig, "r1", "r2", "r3", "r4", "r5", "r6")
    good = looks_and_gives_back(rig, "cy", "r1", "include")
    unsure = looks_and_gives_back(rig, "cy", "r2", "unsure")
    taken = looks_and_gives_back(rig, "cy", "r3", "include")
    assert rig.claims("dee", "adjudicator", kind="conflict", records=["r3"]) is not None
    decided = looks_and_gives_back(rig, "cy", "r4", "include")
    lease = rig.claims("dee", "adjudicator", kind="conflict", records=["r4"])["lease"]
    rig.looks("dee", lease, "exclude", **NO)
    rig.votes("dee", lease, "exclude", "adjudicator", **NO)
    parked = looks_and_gives_back(rig, "cy", "r5", "include")
    rig.asks(f"/tasks/{parked}/park", {"reason": "later"}, "lea", "lead")
    unseen = rig.record("r6")["stages"][0]["task"]

    assert [it["record"] for it in looked_at(rig)] == ["r1", "r2"]
    answer = settles(rig, unsure, taken, decided, "task_nobody_knows", parked, unseen, good)

    assert outcome(answer) == [
        "undecided", "held_by_another", "task_closed", "unknown_task", "task_parked", "look_first", "advanced",
    ]  # fmt: skip
    assert answer.json()["settled"] == 1
    assert all(it["settled"] or it["refused"]["why"] for it in answer.json()["conflicts"])
    assert rig.queue("sift")["conflicts"] == 3


def test_whoever_holds_one_that_they_looked_at_settles_it_and_their_lease_ends(either_rig):
    rig = either_rig
    cast = parted_on(rig, "r1", "r2")
    held = rig.claims("cy", "adjudicator", kind="conflict")
    rig.looks("cy", held["lease"], "include")
    assert looked_at(rig)[0]["lease"] == held["lease"]

    assert outcome(settles(rig, held["task"])) == ["advanced"]

    again = rig.votes("cy", held["lease"], "include", "adjudicator", reason="so")
    assert again.json()["title"] == "already voted"
    assert_sound(rig.bench, REVIEW, [*cast, (held["task"], "cy")])


def test_to_look_at_one_and_put_it_back_does_not_have_it_parked_and_to_put_it_back_again_does(rig):
    parted_on(rig, "r1")
    for name in ("cy", "dee", "eve", "fay"):
        looks_and_gives_back(rig, name, "r1", "include")
    assert (rig.queue("sift")["conflicts"], rig.queue("sift")["parked"]) == (1, 0)

    rig.bench.clock.advance(minutes=1)
    for name in ("cy", "dee", "eve"):
        lease = rig.claims(name, "adjudicator", kind="conflict")["lease"]
        rig.asks(f"/leases/{lease}/release", None, name, "adjudicator")

    assert (rig.queue("sift")["conflicts"], rig.queue("sift")["parked"]) == (0, 1)
    assert looked_at(rig) == []


def test_a_vote_that_came_after_the_look_has_it_decided_by_itself(either_rig):
    rig = either_rig
    decided(rig, ("Ana", "include"), ("ana", "exclude"))
    comes_from_before(rig)
    rig.bench.clock.advance(minutes=1)
    task = looks_and_gives_back(rig, "cy", "one", "include")
    for name in ("Ana", "ana"):  # Both are one person's: a vote is gone, and somebody else's comes.
        says(rig, name, ANA)
    assert looked_at(rig) == []
    rig.bench.clock.advance(minutes=1)
    rig.answers(BEN, "exclude", reason="no")

    (listed,) = looked_at(rig)

    assert listed["forms_agree"] and listed["refused"]["slug"] == "votes_changed"
    assert outcome(settles(rig, task)) == ["votes_changed"]
    assert rig.answers("cy", "include", "adjudicator", "conflict", reason="yes")["state"] == "advanced"


def test_a_vote_that_a_merger_brought_has_it_decided_by_itself(rig):
    rig.discovers("r1", "r2")
    rig.claims_many("ben", count=1, records=["r2"])
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", **NO)
    rig.hears(merged("r2", into="r1"))
    task = looks_and_gives_back(rig, "cy", "r1", "include")

    assert [it["refused"]["slug"] for it in looked_at(rig)] == ["votes_changed"]
    assert outcome(settles(rig, task)) == ["votes_changed"]


def test_voters_decide_theirs_together_and_nobody_settles_those(rig_of):
    rig = rig_of(TOGETHER)
    parted_on(rig, "r1")
    task = rig.record("r1")["stages"][0]["task"]

    for name, role in (("ana", "reviewer"), ("cy", "adjudicator"), ("lea", "lead")):
        assert outcome(settles(rig, task, name=name, role=role)) == ["decided_by_voters"]
        assert looked_at(rig, name, role) == []


def test_who_voted_settles_none_of_their_own_and_who_adjudicates_no_more_none_at_all(rig):
    parted_on(rig, "r1")
    task = looks_and_gives_back(rig, "cy", "r1", "include")

    assert outcome(settles(rig, task, name="ana")) == ["own_vote"]
    assert outcome(settles(rig, task, role="reviewer")) == ["role_needed"]
    assert looked_at(rig, role="reviewer") == []
    assert rig.gets("/conflicts/looked-at", "rea", "reader").status_code == 403
    assert settles(rig, task, name="rea", role="reader").status_code == 403


def test_a_stage_that_leads_decide_is_settled_by_a_lead_alone(rig_of):
    rig = rig_of(DEPTH | {"adjudicators": "lead"})
    rig.discovers("r1")
    said = {"fields": {"cmocs": ["c1"]}}
    rig.answers("ana", "thin", **said)
    rig.answers("ben", "rich", **said)
    held = rig.claims("lea", "lead", kind="conflict")
    rig.looks("lea", held["lease"], "rich", "lead", **said)
    rig.asks(f"/leases/{held['lease']}/release", None, "lea", "lead")

    assert looked_at(rig, "lea") == [] and outcome(settles(rig, held["task"], name="lea")) == ["role_needed"]
    assert outcome(settles(rig, held["task"], name="lea", role="lead")) == ["advanced"]


def test_one_opened_again_whose_votes_stand_waits_for_whoever_looked_at_it(rig):
    parted_on(rig, "r1")
    task = looks_and_gives_back(rig, "cy", "r1", "include")
    settles(rig, task)
    rig.asks("/records/r1/reopen", {"stage": "sift", "reason": "misread", "votes": "stand"}, "lea", "lead")

    assert [it["task"] for it in looked_at(rig)] == [task]
    assert outcome(settles(rig, task)) == ["advanced"]

    rig.asks("/records/r1/reopen", {"stage": "sift", "reason": "misread"}, "lea", "lead")
    assert looked_at(rig) == [] and outcome(settles(rig, task)) == ["task_closed"]


def test_votes_on_what_was_merged_into_its_record_are_held_against_it_too(rig_of):
    rig = rig_of(FORM)
    filled(rig, "r1", {"fields": {"people": 12}}, {"fields": {"people": 12}})
    filled(rig, "r2", {"fields": {"people": 40}}, {"fields": {"people": 40}})
    rig.hears(merged("r2", into="r1"))
    task = looks_and_gives_back(rig, "cy", "r1", "include", judged_for=["c1"])

    (listed,) = looked_at(rig)

    assert [it["record"] for it in listed["elsewhere"]] == ["r2"] and listed["differs"] == ["fields.people"]
    assert outcome(settles(rig, task)) == ["forms_differ"]


def test_sent_twice_under_a_key_it_is_done_once(rig):
    parted_on(rig, "r1")
    task = looks_and_gives_back(rig, "cy", "r1", "include")
    path, headers = f"/screening/reviews/{REVIEW}/conflicts/settle", {"Idempotency-Key": "settled-by-cy"}
    body = {"resolution": "so", "tasks": [task]}

    first, second = (rig.person("cy", "adjudicator").post(path, json=body, headers=headers) for _ in range(2))

    assert first.json() == second.json() and first.json()["settled"] == 1
    assert len(rig.bench.emitted(TaskClosed)) == 1
    assert outcome(settles(rig, task)) == ["task_closed"]


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ({"resolution": "  "}, "resolution"),
        ({"resolution": "x" * 5001}, "resolution"),
        ({"tasks": []}, "tasks"),
        ({"tasks": [f"task_{n}" for n in range(101)]}, "tasks"),
        ({"tasks": ["task_1", "task_2", "task_1"]}, "tasks[2]"),
        ({"tasks": "task_1"}, "tasks"),
        ({"answer": "include"}, "answer"),
    ],
)
def test_what_is_wrong_with_a_request_is_named_and_nothing_is_settled(rig, asked, at):
    parted_on(rig, "r1")
    task = looks_and_gives_back(rig, "cy", "r1", "include")

    answer = settles(rig, **({"tasks": [task]} | asked))

    assert answer.status_code == 422 and at in [
        error["at"].removeprefix("body.") for error in answer.json()["errors"]
    ], answer.text
    assert rig.queue("sift")["conflicts"] == 1


def test_they_are_listed_page_by_page(rig):
    parted_on(rig, "r1", "r2", "r3")
    for record in ("r1", "r2", "r3"):
        looks_and_gives_back(rig, "cy", record, "include")

    first = rig.gets("/conflicts/looked-at", "cy", "adjudicator", limit=2).json()
    second = rig.gets("/conflicts/looked-at", "cy", "adjudicator", limit=2, cursor=first["next"]).json()

    assert [it["record"] for it in first["items"] + second["items"]] == ["r1", "r2", "r3"]
    assert second["next"] is None


def test_nobody_learns_of_a_conflict_by_settling_or_by_the_list_before_their_own_look(either_rig):
    rig = either_rig
    parted_on(rig, "r1", "r2")
    task, other = (rig.record(record)["stages"][0]["task"] for record in ("r1", "r2"))
    looks_and_gives_back(rig, "cy", "r1", "include", reason="SECRET")

    for name, role in (("dee", "adjudicator"), ("lea", "lead")):
        assert looked_at(rig, name, role) == []
        refused = settles(rig, task, other, name=name, role=role)
        assert outcome(refused) == ["look_first", "look_first"]
        assert "ana" not in refused.text and "garden" not in refused.text and "SECRET" not in refused.text
    # What cy sees of the one tells nothing of the other, and nothing once somebody else has it in hand.
    assert [it["task"] for it in looked_at(rig)] == [task]
    assert rig.claims("dee", "adjudicator", kind="conflict", records=["r1"]) is not None
    assert looked_at(rig) == []
    assert outcome(settles(rig, task)) == ["held_by_another"]
