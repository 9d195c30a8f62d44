"""Notes and tags of one's own: nobody else sees them before they have voted there and the task is closed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.services.screening.rig import REVIEW, SIFT, ScreeningRig, make_bench

TAGS = [
    {"name": "setting", "label": "Where", "kind": "choice", "options": ["town", "country"]},
    {"name": "size", "label": "How many gardens", "kind": "number"},
    {"name": "idea", "label": "An idea"},
]
TAGGED = {**SIFT, "tags": TAGS}


def writes(rig: ScreeningRig, name: str, task: str, what: str, value: Any, role: str = "reviewer") -> Any:
    path = f"/screening/reviews/{REVIEW}/tasks/{task}/{what}"
    return rig.person(name, role).put(path, json={what: value})


def notes_on(rig: ScreeningRig, name: str, task: str, role: str = "reviewer") -> list[tuple[str, str | None]]:
    return [(it["person"], it["note"]) for it in rig.gets(f"/tasks/{task}/notes", name, role).json()]


@pytest.fixture
def tagged_rig(rig_of) -> ScreeningRig:
    return rig_of(TAGGED)


def test_a_note_is_kept_changed_and_taken_away(either_rig):
    rig = either_rig
    rig.discovers("r1")
    task = rig.claims("ana")["task"]

    assert writes(rig, "ana", task, "note", "cites the first trial").json()["note"] == "cites the first trial"
    assert writes(rig, "ana", task, "note", "cites both trials").status_code == 200
    assert notes_on(rig, "ana", task) == [("ana", "cites both trials")]
    assert [it["record"] for it in rig.gets("/notes").json()["items"]] == ["r1"]
    for nothing in (None, " "):
        writes(rig, "ana", task, "note", "again")
        assert writes(rig, "ana", task, "note", nothing).json()["note"] is None
        assert rig.gets("/notes").json()["items"] == notes_on(rig, "ana", task) == []


def test_nobody_sees_anothers_note_before_they_voted_and_the_task_is_closed(tagged_rig):
    rig = tagged_rig
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    writes(rig, "ana", task, "note", "it is clearly out")
    writes(rig, "ana", task, "tags", {"idea": "pride"})

    def seen(name: str, role: str = "reviewer") -> bool:
        return ("ana", "it is clearly out") in notes_on(rig, name, task, role)

    rig.answers("ana", "include")
    assert (seen("ana"), seen("ben"), seen("lea", "lead")) == (True, False, False)
    rig.answers("ben", "unsure")
    assert not seen("ben")
    assert rig.gets("/notes", "ben").json()["items"] == []
    rig.claims("cy", "adjudicator", kind="conflict")
    assert not seen("cy", "adjudicator")
    rig.answers("cy", "include", "adjudicator", kind="conflict", reason="it fits")
    assert (seen("ben"), seen("cy", "adjudicator"), seen("dee"), seen("lea", "lead")) == (True, True, False, False)
    assert not any("clearly out" in str(it) or "pride" in str(it) for it in rig.bench.journal())


def test_tags_are_of_the_stage_and_of_their_kinds(tagged_rig):
    rig = tagged_rig
    rig.discovers("r1")
    held = rig.claims("ana")
    task = held["task"]
    assert [tag["name"] for tag in held["tags"]] == ["setting", "size", "idea"]

    given = {"setting": "town", "size": 12, "idea": "pride"}
    assert writes(rig, "ana", task, "tags", given).json()["tags"] == given
    for wrong, at, slug in [
        ({"colour": "red"}, "tags.colour", "unknown tag"),
        ({"setting": "moon"}, "tags.setting", "wrong kind"),
        ({"setting": 1}, "tags.setting", "wrong kind"),
        ({"size": "many"}, "tags.size", "wrong kind"),
        ({"idea": " "}, "tags.idea", "wrong kind"),
    ]:
        refused = writes(rig, "ana", task, "tags", wrong)
        assert (refused.status_code, refused.json()["title"]) == (422, slug), wrong
        assert [it["at"] for it in refused.json()["errors"]] == [at]
    for wrong in (["town"], {"size": True}, {"size": None}, {"idea": "x" * 5001}):
        assert writes(rig, "ana", task, "tags", wrong).json()["title"] == "invalid"
    assert rig.gets("/notes").json()["items"][0]["tags"] == given
    for written, kept in (("12", 12), ("-4.5", -4.5), ("+3", 3), (3.0, 3)):
        assert writes(rig, "ana", task, "tags", {"size": written}).json()["tags"] == {"size": kept}


def test_ones_own_notes_are_found_by_stage_tag_and_value(settings, tmp_path):
    rig = ScreeningRig(make_bench(tmp_path / "tagged", **settings), TAGGED)
    rig.discovers("r1", "r2", "r3")
    tasks = {it["record"]["record"]: it["task"] for it in rig.claims_many("ana", count=3)}
    writes(rig, "ana", tasks["r1"], "tags", {"setting": "town", "size": 12})
    writes(rig, "ana", tasks["r2"], "tags", {"setting": "country", "size": 4.5})
    writes(rig, "ana", tasks["r3"], "note", "later")
    writes(rig, "ben", tasks["r3"], "tags", {"setting": "town"})

    def found(name: str = "ana", **by: str) -> list[str]:
        return sorted(it["record"] for it in rig.gets("/notes", name, **by).json()["items"])

    assert found() == ["r1", "r2", "r3"] == found(stage="sift")
    assert (found(stage="depth"), found(tag="idea")) == ([], [])
    assert found(tag="setting") == ["r1", "r2"]
    assert (found(tag="setting", value="town"), found("ben", tag="setting", value="town")) == (["r1"], ["r3"])
    assert (found(tag="size", value="12"), found(tag="size", value="4.5")) == (["r1"], ["r2"])
    assert found(tag="a'b\"c", value="town") == []
    rig.bench.close()


def test_a_note_is_of_a_task_of_this_review_and_no_reader_writes_one(rig):
    rig.discovers("r1")
    task = rig.claims("ana")["task"]

    assert writes(rig, "ana", "task_0", "note", "x").json()["title"] == "unknown task"
    assert writes(rig, "ana", "task_0", "tags", {}).status_code == 404
    assert rig.gets("/tasks/task_0/notes").status_code == 404
    assert writes(rig, "rea", task, "note", "x", "reader").status_code == 403
    assert rig.gets("/notes", "rea", "reader").status_code == 403
