"""Batches: the same for many records at once, each outcome kept, none of it a vote, all of it undone again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.screening import jobs
from services.screening.commands import batch_steps, batches
from services.screening.store import batches as in_store
from shared.errors import Unavailable
from shared.events.ingest import RecordUpdated, SourceRef
from shared.events.screening import (
    RecordExcluded,
    RecordIncluded,
    RecordReopened,
    TaskClosed,
    TaskOpened,
    TaskParked,
    TaskResumed,
)
from shared.ids import id_of
from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    REVIEW,
    SIFT,
    ScreeningRig,
    discovered,
    merged,
    parted,
    protocol,
    published,
    stated,
)
from tests.unit.services.screening.soundness import assert_sound

MAPPING = {"in": {"answer": "include"}, "out": {"answer": "exclude"}}


def task_of(record: str, stage: str = "sift") -> str:
    return id_of("task", REVIEW, record, stage)


def sound(rig: ScreeningRig, *cast: tuple[str, str]) -> None:
    assert_sound(rig.bench, REVIEW, [(task_of(record), person) for record, person in cast])


def applied(rig: ScreeningRig, imported: str = "import_1", mapping: Any = MAPPING) -> dict[str, Any]:
    return rig.asks_for("imported", imported=imported, mapping=mapping)


def refused(rig: ScreeningRig, status: int = 422, **asked: Any) -> dict[str, Any]:
    body = {"kind": "decide", "stage": "sift", "reason": "as we agreed", **asked}
    answer = rig.asks("/batches", body, "lea", "lead")
    assert answer.status_code == status, answer.text
    assert rig.gets("/batches", "lea", "lead").json()["items"] == []
    return answer.json()


def decisions(rig: ScreeningRig) -> dict[tuple[str, str], tuple[int, int]]:
    rows = rig.gets("/decisions", "lea", "lead").json()
    return {(row["imported"], row["answer"]): (row["stated"], row["applied"]) for row in rows}


# --- what files state


def test_what_files_state_decides_nothing_until_a_lead_applies_it(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    rig.hears(stated("r1", "in"), stated("r2", "out", reason="too old"), stated("r3", "perhaps"))
    assert rig.queue("sift")["open"] == 3

    batch = applied(rig)

    assert (batch["state"], batch["n"], batch["done"], batch["left_alone"]) == ("carried_out", 2, 2, {})
    assert (rig.record("r1")["stage"], rig.record("r2")["state"], rig.queue("sift")["open"]) == ("depth", "excluded", 1)
    assert rig.record("r2")["reason"] == "too old"
    sound(rig)


def test_what_is_applied_says_the_file_the_row_the_mapping_and_both_leads_and_has_no_votes(rig):
    rig.discovers("r1")
    rig.hears(stated("r1", "out", line=7, by="Ana", reason="too old"))

    batch = applied(rig)

    (closed,), (out,) = rig.bench.emitted(TaskClosed), rig.bench.emitted(RecordExcluded)
    judgement = closed.judgement
    assert (judgement.decided_by, judgement.votes, judgement.answer, judgement.outcome) == (
        "agreement", [], "exclude", "exclude",
    )  # fmt: skip
    by = judgement.by_batch
    assert by is not None and by.stated is not None
    assert (by.batch, by.by, by.reason) == (batch["batch"], "lea", "as we agreed")
    assert by.stated.model_dump(exclude={"statement", "imported"}) == {
        "file_sha256": "f" * 64, "line": 7, "mapping_sha256": "a" * 64, "answer": "out", "by": "Ana",
        "brought_by": "lea",
    }  # fmt: skip
    assert closed.batch == out.batch == batch["batch"]
    (listed,) = rig.gets("/stages/sift/tasks", state="excluded").json()["items"]
    assert (listed["decided_by"], listed["votes_cast"]) == ("imported", 0)


def test_what_is_stated_is_counted_by_file_and_answer_and_how_much_of_it_is_applied(rig):
    rig.discovers("r1", "r2", "r3")
    rig.hears(stated("r1", "in"), stated("r2", "out"), stated("r2", "out"), stated("r3", "out", imported="import_2"))
    assert decisions(rig) == {("import_1", "in"): (1, 0), ("import_1", "out"): (1, 0), ("import_2", "out"): (1, 0)}

    batch = applied(rig)
    rig.bench.runs(jobs.fold_counts)
    assert decisions(rig) == {("import_1", "in"): (1, 1), ("import_1", "out"): (1, 1), ("import_2", "out"): (1, 0)}
    assert rig.gets("/decisions", "lea", "lead").json()[0]["file_sha256"] == "f" * 64

    rig.undoes(batch["batch"])
    assert decisions(rig) == {("import_1", "in"): (1, 0), ("import_1", "out"): (1, 0), ("import_2", "out"): (1, 0)}
    sound(rig)


def test_what_anybody_voted_on_is_left_alone_and_named_and_may_be_applied_again_once_they_took_it_back(rig):
    rig.discovers("r1", "r2")
    rig.hears(stated("r1", "out"), stated("r2", "out"))
    voted = rig.answers("ana", "include")["task"]

    first = applied(rig)
    assert (first["done"], first["left_alone"]) == (1, {"voted_on": 1})
    assert rig.outcomes(first["batch"]) == {"r1": "voted_on", "r2": "done"}
    assert rig.record("r1")["stages"][0]["votes_cast"] == 1

    rig.asks(f"/tasks/{voted}/take-back", None, "ana")
    again = applied(rig)
    assert rig.outcomes(again["batch"]) == {"r1": "done", "r2": "decided"}
    (_, closed) = rig.bench.emitted(TaskClosed)
    assert [vote.person for vote in closed.taken_back] == ["ana"]
    sound(rig, ("r1", "ana"))


def test_what_is_not_at_the_stage_kept_out_merged_or_unknown_is_left_alone_and_named(rig):
    rig.discovers("r1", "r2", "r3")
    rig.discovers("old", published="2010")
    for record in ("r1", "r3", "old", "r9"):
        rig.hears(stated(record, "rich", stage="depth"))
    rig.hears(stated("old", "in"), stated("r9", "in", line=3))
    rig.hears(merged("r3", "r2"))

    at_depth = rig.asks_for("imported", "depth", imported="import_1", mapping={"rich": {"answer": "rich"}})
    at_sift = applied(rig)
    named = rig.asks_for("decide", records=["r3", "r1"], answer="include")

    assert rig.outcomes(at_depth["batch"]) == {
        "r1": "not_there", "r2": "not_there", "old": "kept_out", "r9": "unknown_record",
    }  # fmt: skip
    assert rig.outcomes(at_sift["batch"]) == {"old": "kept_out", "r9": "unknown_record"}
    assert rig.outcomes(named["batch"]) == {"r1": "done", "r3": "merged"}
    assert rig.gets("/records/old").json()["rule"] == "published_after"
    sound(rig)


def test_where_a_file_states_different_answers_of_one_record_nothing_is_decided(rig):
    rig.discovers("r1", "r2")
    rig.hears(stated("r1", "in", by="Ana"), stated("r1", "out", by="Ben"))
    rig.hears(stated("r2", "in", by="Ana"), stated("r2", "in", by="Ben"))

    batch = applied(rig)

    assert rig.outcomes(batch["batch"]) == {"r1": "stated_otherwise", "r2": "done"}
    assert decisions(rig)["import_1", "in"] == (3, 1)


def test_a_statement_follows_its_record_through_a_merger_and_back(rig):
    rig.discovers("r1", "r2")
    rig.hears(stated("r2", "out"), merged("r2", "r1"))
    rig.hears(parted_with("r2", out_of="r1", sources=["s_r2"]))
    rig.hears(stated("r1", "in"), merged("r2", "r1"))

    both = applied(rig)
    assert rig.outcomes(both["batch"]) == {"r1": "stated_otherwise"}

    rig.hears(parted_with("r2", out_of="r1", sources=["s_r2"], revision=20))
    apart = applied(rig)
    assert rig.outcomes(apart["batch"]) == {"r1": "done", "r2": "done"}
    assert (rig.record("r1")["stage"], rig.record("r2")["state"]) == ("depth", "excluded")


def test_a_statement_goes_with_its_source_record_where_that_is_parted_or_moves(rig):
    rig.discovers("r1", "r3")
    rig.hears(stated("r1", "out", source_id="s_new"))
    rig.bench.clock.advance(minutes=1)
    rig.hears(parted_with("r2", out_of="r1", sources=["s_new"]))
    assert rig.outcomes(applied(rig)["batch"]) == {"r2": "done"}

    rig.hears(stated("r3", "in", source_id="s_moves", imported="import_2"))
    rig.bench.clock.advance(minutes=1)
    moved = discovered("r1", revision=5).bibliography.model_copy(update={"sources": sources("s_moves")})
    rig.hears(updated_with("r1", moved))
    assert rig.outcomes(applied(rig, "import_2")["batch"]) == {"r1": "done"}
    sound(rig)


def test_a_statement_that_is_heard_after_the_split_which_it_was_told_before_is_of_the_right_record(rig):
    rig.discovers("r1")
    early = rig.bench.envelope(stated("r1", "out", source_id="s_new"))
    rig.bench.clock.advance(minutes=1)
    rig.hears(parted_with("r2", out_of="r1", sources=["s_new"]))

    rig.bench.hears_envelope(early)

    assert rig.outcomes(applied(rig)["batch"]) == {"r2": "done"}
    assert rig.record("r1")["stages"][0]["state"] == "open"


def test_what_is_applied_has_the_reason_that_the_mapping_names_and_is_a_line_of_its_own_in_the_flow(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS}, DEPTH)
    rig.discovers("r1", "r2", "r3")
    rig.hears(stated("r1", "in"), stated("r2", "out"))
    applied(rig, mapping={"in": {"answer": "include"}, "out": {"answer": "exclude", "excluded_for": "no-garden"}})
    rig.answers("ana", "exclude", stage="sift", reason="no", excluded_for="opinion")
    rig.answers("ben", "exclude", stage="sift", reason="no", excluded_for="opinion")

    flow = rig.gets("/flow").json()["stages"][0]

    numbers = {name: flow[name]["n"] for name in ("reached", "passed", "excluded", "passed_before", "excluded_before")}
    assert numbers == {"reached": 3, "passed": 1, "excluded": 2, "passed_before": 1, "excluded_before": 1}
    assert {reason: it["n"] for reason, it in flow["excluded_for"].items()} == {"no-garden": 1, "opinion": 1}
    drawn = rig.gets("/flow.svg").text
    assert "of these decided before (n = 2)" in drawn and "of these decided before (n = 1)" in drawn
    (excluded,) = [row for row in rig.gets("/records", state="excluded").json()["items"] if row["record"] == "r2"]
    assert (excluded["excluded_for"], excluded["reason"]) == ("no-garden", "Not about gardens: as we agreed")
    assert rig.gets("/agreement", "lea", "lead").json()[0]["n"] == 1
    sound(rig, ("r3", "ana"), ("r3", "ben"))


# --- what a lead decides


def test_a_lead_decides_many_records_that_nobody_voted_on(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    held = rig.claims("ana")

    batch = rig.asks_for("decide", records=["r1", "r2"], answer="exclude")

    assert (batch["done"], batch["asked"]) == (2, {"answer": "exclude"})
    assert [listed["decided_by"] for listed in rig.gets("/stages/sift/tasks", state="excluded").json()["items"]] == [
        "lead", "lead",
    ]  # fmt: skip
    late = rig.votes("ana", held["lease"], "include")
    assert (late.status_code, late.json()["type"].rpartition(":")[2]) == (409, "task_closed")
    (first, second) = rig.bench.emitted(TaskClosed)
    assert first.judgement.by_batch == second.judgement.by_batch
    assert first.judgement.by_batch is not None and first.judgement.by_batch.stated is None
    assert [envelope.actor for envelope in rig.bench.journal() if envelope.type == TaskClosed.type] == ["lea", "lea"]
    assert rig.gets("/flow").json()["stages"][0]["excluded_before"]["n"] == 0
    sound(rig)


@pytest.mark.waits
def test_a_batch_that_is_undone_in_the_moment_in_which_it_is_through_is_undone(either_rig):
    rig = either_rig
    rig.discovers("r1")
    body = {"kind": "decide", "stage": "sift", "reason": "x", "records": ["r1"], "answer": "include"}
    batch = rig.asks("/batches", body, "lea", "lead").json()["batch"]
    with ThreadPoolExecutor(1) as pool:
        with rig.bench.work("job") as work:
            batches.carry_on(work, batch, 200)
            work.session.flush()
            undone = pool.submit(rig.asks, f"/batches/{batch}/undo", {"reason": "x"}, "lea", "lead")
            with pytest.raises(TimeoutError):
                undone.result(0.5)
        assert undone.result().status_code == 202

    shown = rig.carried_out(batch)
    assert (shown["state"], shown["taken_back"]) == ("undone", 1)
    sound(rig)


def test_a_decision_at_the_last_stage_includes_and_synthesis_is_told_all_of_it(rig_of):
    rig = rig_of(SIFT)
    rig.discovers("r1")

    rig.asks_for("decide", records=["r1"], answer="include")

    (included,) = rig.bench.emitted(RecordIncluded)
    assert [judgement.by_batch is not None for judgement in included.judgements] == [True]
    assert rig.record("r1")["state"] == "included"
    sound(rig)


@pytest.mark.parametrize(
    ("where", "fit"),
    [
        ({}, ["r1", "r2", "r4"]),
        ({"source": "scopus"}, ["r2"]),
        ({"published_before": "2019-06-01"}, ["r4"]),
        ({"published_after": "2019-05-31"}, ["r2"]),
        ({"published_after": "2019-06-01"}, []),
        ({"stated": "out"}, ["r1"]),
        ({"state": "excluded"}, ["r3"]),
    ],
)
def test_the_records_of_a_batch_are_those_that_fit(either_rig, where, fit):
    rig = either_rig
    rig.hears(discovered("r1", published="2019"), discovered("r4", published="2019-05"))
    rig.hears(discovered("r2", published="2019-06", sources=[{"source": "scopus", "id": "1", "run": "run_1"}]))
    rig.hears(discovered("r3", published=None), stated("r1", "out"))
    rig.asks_for("decide", records=["r3"], answer="exclude")

    asked = {"kind": "decide", "stage": "sift", "reason": "so", "where": where, "answer": "include"}
    batch = rig.asks("/batches", asked, "lea", "lead").json()["batch"]

    rows = rig.gets(f"/batches/{batch}/records", "lea", "lead").json()["items"]
    assert sorted(row["record"] for row in rows) == fit


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ({"records": ["r1"]}, "answer"),
        ({"records": ["r1"], "answer": "unsure"}, "answer"),
        ({"records": ["r1"], "answer": "perhaps"}, "answer"),
        ({"records": ["r1"], "answer": "exclude", "excluded_for": "mood"}, "excluded_for"),
        ({"records": ["r1"], "answer": "exclude", "until": "2030-01-01"}, "until"),
        ({"answer": "exclude"}, "records"),
        ({"answer": "exclude", "records": ["r1"], "where": {}}, "records"),
        ({"kind": "park", "records": ["r1"], "until": "2020-01-01"}, "until"),
        ({"kind": "park", "records": ["r1"], "answer": "include"}, "answer"),
        ({"kind": "imported", "imported": "import_1", "mapping": {"out": {"answer": "unsure"}}}, "mapping.out.answer"),
        ({"kind": "imported", "imported": "import_1"}, "mapping"),
        ({"kind": "imported", "imported": "import_9", "mapping": MAPPING}, "imported"),
        ({"records": []}, "body.records"),
    ],
)
def test_what_is_wrong_with_a_batch_is_named_and_nothing_is_kept(rig, asked, at):
    rig.discovers("r1")

    problem = refused(rig, **asked)

    assert at in [error["at"] for error in problem["errors"]]
    assert rig.queue("sift")["open"] == 1


def test_a_mapping_of_nothing_that_the_file_states_is_refused_with_what_it_states(rig):
    rig.discovers("r1", "r2")
    rig.hears(stated("r1", "out"), stated("r2", "maybe"))

    problem = refused(rig, kind="imported", imported="import_1", mapping={"Out": {"answer": "exclude"}})

    (error,) = problem["errors"]
    assert (error["at"], error["slug"]) == ("mapping", "nothing_stated") and "it states: maybe, out" in error["why"]
    assert applied(rig)["n"] == 1, "one that names more than the file states is of use with the next file"


def test_more_records_than_a_batch_may_have_are_refused(either_rig, monkeypatch):
    rig = either_rig
    for module in (batches, in_store):
        monkeypatch.setattr(module, "MOST_IN_BATCH", 2)
    rig.discovers("r1", "r2", "r3")

    assert refused(rig, 409, where={}, answer="exclude")["type"].endswith("too_many_records")


def test_a_stage_or_batch_that_there_is_not_is_not_found(rig):
    assert refused(rig, 404, stage="nowhere", records=["r1"], answer="include")["type"].endswith("unknown_stage")
    assert rig.gets("/batches/batch_none", "lea", "lead").status_code == 404
    assert rig.asks("/batches/batch_none/undo", {"reason": "so"}, "lea", "lead").status_code == 404


def test_a_batch_that_is_asked_for_twice_under_one_key_is_one(rig):
    rig.discovers("r1")
    body = {"kind": "decide", "stage": "sift", "reason": "so", "records": ["r1"], "answer": "exclude"}
    lead, path = rig.person("lea", "lead"), f"/screening/reviews/{REVIEW}/batches"

    first, second = (lead.post(path, json=body, headers={"Idempotency-Key": "key-of-lea-1"}) for _ in range(2))

    assert first.json() == second.json()
    assert len(rig.gets("/batches", "lea", "lead").json()["items"]) == 1


def test_what_was_opened_under_another_form_is_left_alone(rig):
    """The answer is one of the newest version, and not of the one that the task was opened with."""
    rig.discovers("r1")
    answers = [*SIFT["answers"], {"value": "rubbish", "leads_to": "exclude"}]
    amend(rig, {**SIFT, "answers": answers}, DEPTH)
    rig.discovers("r2")

    batch = rig.asks_for("decide", records=["r1", "r2"], answer="rubbish")

    assert rig.outcomes(batch["batch"]) == {"r1": "asked_otherwise", "r2": "done"}


# --- parking, bringing back, opening again


def test_many_are_parked_and_brought_back_and_both_are_undone(rig):
    rig.discovers("r1", "r2", "r3")
    rig.answers("ana", "include")

    parked = rig.asks_for("park", where={}, until="2020-03-01")
    assert (parked["done"], rig.queue("sift")["parked"], rig.claims("ben")) == (3, 3, None)
    assert {event.batch for event in rig.bench.emitted(TaskParked)} == {parked["batch"]}

    back = rig.asks_for("bring_back", records=["r1", "r2"])
    again = rig.asks_for("bring_back", records=["r1", "r2"])
    assert (rig.queue("sift")["parked"], again["left_alone"]) == (1, {"not_parked": 2})

    rig.claims("ben", records=["r1"])
    undone = rig.undoes(back["batch"])
    assert rig.outcomes(undone["batch"], "undone") == {"r1": "went_on", "r2": "done"}
    assert [row["parking"]["until"] for row in rig.gets("/parked", "lea", "lead").json()["items"]] == ["2020-03-01"] * 2

    rig.undoes(parked["batch"])
    assert rig.outcomes(parked["batch"], "undone") == {"r1": "went_on", "r2": "went_on", "r3": "done"}
    assert {event.batch for event in rig.bench.emitted(TaskResumed)} == {back["batch"], parked["batch"]}
    sound(rig, ("r1", "ana"))


@pytest.mark.parametrize("votes", ["anew", "stand"])
def test_many_are_opened_again_and_decided_as_they_were_when_that_is_undone(rig, votes):
    rig.discovers("r1", "r2", "r3", "r4")
    for name in ("ana", "ben"):
        for answer in ("exclude", "include", "unsure"):
            rig.answers(name, answer, stage="sift", reason="so")
    rig.answers("cy", "include", "adjudicator", "conflict", reason="it fits")
    rig.asks_for("decide", records=["r4"], answer="exclude")
    before = {record: rig.record(record) for record in ("r1", "r2", "r3", "r4")}
    agreement = rig.gets("/agreement", "lea", "lead").json()
    cast = [*((record, name) for record in ("r1", "r2", "r3") for name in ("ana", "ben")), ("r3", "cy")]

    batch = rig.asks_for("reopen", where={}, votes=votes)
    assert batch["done"] == 4
    assert {rig.record(record)["stage"] for record in before} == {"sift"}
    assert {event.batch for event in rig.bench.emitted(RecordReopened)} == {batch["batch"]}
    sound(rig, *cast)

    undone = rig.undoes(batch["batch"])

    assert (undone["state"], undone["taken_back"], undone["not_taken_back"]) == ("undone", 4, {})
    for record, was in before.items():
        now = rig.record(record)
        assert (now["state"], now["stage"], now["reason"]) == (was["state"], was["stage"], was["reason"])
        assert now["stages"][0]["judgement"] == was["stages"][0]["judgement"]
    assert rig.gets("/agreement", "lea", "lead").json() == agreement
    sound(rig, *cast)


def test_what_was_voted_on_since_it_was_opened_again_stays_open(rig):
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        for _ in range(2):
            rig.answers(name, "exclude", stage="sift", reason="so")
    batch = rig.asks_for("reopen", where={"state": "excluded"})
    rig.claims("cy", records=["r1"])
    rig.answers("cy", "include")

    rig.undoes(batch["batch"])

    assert rig.outcomes(batch["batch"], "undone") == {"r1": "went_on", "r2": "done"}
    assert (rig.record("r1")["state"], rig.record("r2")["state"]) == ("screening", "excluded")


# --- undoing


def test_a_batch_is_undone_as_if_it_had_never_been(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    rig.hears(stated("r1", "in"), stated("r2", "out"))
    flow, order = rig.gets("/flow").json(), [task["record"] for task in rig.gets("/stages/sift/tasks").json()["items"]]
    batch = applied(rig)

    undone = rig.undoes(batch["batch"])

    assert (undone["state"], undone["taken_back"], undone["undone_by"]) == ("undone", 2, "lea")
    assert undone["undo_reason"] == "the wrong file"
    assert rig.gets("/flow").json() == flow
    assert [task["record"] for task in rig.gets("/stages/sift/tasks").json()["items"]] == order
    assert [event.reason for event in rig.bench.emitted(RecordReopened)] == ["the wrong file"] * 2
    assert [event.because for event in rig.bench.emitted(TaskOpened)][-2:] == ["batch_undone"] * 2
    assert rig.asks(f"/batches/{batch['batch']}/undo", {"reason": "so"}, "lea", "lead").status_code == 409
    sound(rig)


def test_each_step_is_the_doing_of_the_lead_who_asked_for_it_or_undid_it(rig):
    rig.discovers("r1")
    batch = rig.asks_for("decide", records=["r1"], answer="exclude")["batch"]
    rig.asks(f"/batches/{batch}/undo", {"reason": "so"}, "moe", "lead")

    assert rig.carried_out(batch)["undone_by"] == "moe"

    by = {envelope.type: envelope.actor for envelope in rig.bench.journal()}
    assert (by[RecordExcluded.type], by[RecordReopened.type]) == ("lea", "moe")


def test_what_went_on_meanwhile_is_left_alone_and_named(rig):
    rig.discovers("r1", "r2", "r3", "r4", "r5")
    batch = rig.asks_for("decide", records=["r1", "r2", "r3", "r4"], answer="include")
    rig.claims("ana", stage="depth", records=["r1"])
    rig.answers("ana", "rich", stage="depth", fields={"cmocs": ["c1"]})
    rig.asks("/records/r2/reopen", {"stage": "sift", "reason": "misread"}, "lea", "lead")
    rig.hears(merged("r3", "r5"))

    undone = rig.undoes(batch["batch"])

    assert (undone["taken_back"], undone["not_taken_back"]) == (1, {"went_on": 2, "merged": 1})
    assert rig.outcomes(batch["batch"], "undone") == {
        "r1": "went_on", "r2": "went_on", "r3": "merged", "r4": "done",
    }  # fmt: skip
    assert rig.record("r1")["stage"] == "depth"
    assert_sound(rig.bench, REVIEW, [(task_of("r1", "depth"), "ana")])


def test_what_is_undone_and_kept_out_by_the_dates_by_then_stays_out(rig):
    rig.discovers("r1", published="2018-05")
    batch = rig.asks_for("decide", records=["r1"], answer="exclude")
    amend(rig, SIFT, DEPTH, published_after="2018-12-31")
    rig.bench.runs(jobs.apply_amendments)

    rig.undoes(batch["batch"])

    assert (rig.record("r1")["state"], rig.record("r1")["rule"]) == ("excluded", "published_after")
    sound(rig)


def test_a_batch_that_is_undone_before_it_is_through_goes_no_further(rig, monkeypatch):
    rig.discovers("r1", "r2", "r3")
    monkeypatch.setattr(jobs, "BATCH", 1)
    asked = {"kind": "decide", "stage": "sift", "reason": "so", "where": {}, "answer": "exclude"}
    batch = rig.asks("/batches", asked, "lea", "lead").json()["batch"]
    with rig.bench.work("lea") as work:
        batches.carry_on(work, batch, 1)

    undone = rig.undoes(batch)

    assert (undone["n"], undone["done"], undone["taken_back"]) == (3, 1, 1)
    assert rig.queue("sift")["open"] == 3
    assert rig.outcomes(batch) == {"r1": "done"}


def test_a_kill_between_two_transactions_neither_loses_nor_doubles(rig, monkeypatch):
    rig.discovers(*(f"r{number}" for number in range(5)))
    monkeypatch.setattr(jobs, "BATCH", 2)
    decide, done = batch_steps.Carrying.one, []

    def dies(*given: Any) -> Any:
        done.append(1)
        if len(done) == 4:
            raise Unavailable("the machine is gone")
        return decide(*given)

    monkeypatch.setattr(batch_steps.Carrying, "one", dies)
    asked = {"kind": "decide", "stage": "sift", "reason": "so", "where": {}, "answer": "exclude"}
    batch = rig.asks("/batches", asked, "lea", "lead").json()["batch"]
    with pytest.raises(ExceptionGroup, match="the machine is gone"):
        rig.bench.runs(jobs.carry_out_batches)
    halfway = rig.gets(f"/batches/{batch}", "lea", "lead").json()
    assert (halfway["state"], halfway["done"]) == ("requested", 2)

    through = rig.carried_out(batch)

    assert (through["state"], through["done"], through["n"]) == ("carried_out", 5, 5)
    assert Counter(event.record for event in rig.bench.emitted(TaskClosed)) == Counter(f"r{n}" for n in range(5))
    sound(rig)


def test_a_lead_may_open_again_what_was_decided_without_a_vote(rig):
    rig.discovers("r1")
    rig.hears(stated("r1", "out"))
    applied(rig)

    rig.asks("/records/r1/reopen", {"stage": "sift", "reason": "misread", "votes": "stand"}, "lea", "lead")

    assert (rig.record("r1")["state"], decisions(rig)["import_1", "out"]) == ("screening", (1, 0))
    rig.answers("ana", "include")
    sound(rig, ("r1", "ana"))


def test_votes_on_what_is_one_with_it_count_once_a_batch_is_undone(rig):
    rig.discovers("r1", "r2")
    rig.claims("ana", records=["r2"])
    rig.answers("ana", "include")
    batch = rig.asks_for("decide", records=["r1"], answer="exclude")
    rig.hears(merged("r2", "r1"))

    rig.undoes(batch["batch"])

    assert rig.record("r1")["stages"][0]["votes_cast"] == 1
    sound(rig, ("r2", "ana"))


# --- who sees it


@pytest.mark.parametrize("role", ["reader", "reviewer", "adjudicator"])
def test_nobody_but_leads_sees_a_batch_or_what_files_state(rig, role):
    rig.discovers("r1")
    rig.hears(stated("r1", "out"))
    batch = applied(rig)["batch"]

    for path in ("/decisions", "/batches", f"/batches/{batch}", f"/batches/{batch}/records"):
        assert rig.gets(path, "rob", role).status_code == 403
    for path in ("/batches", f"/batches/{batch}/undo"):
        assert rig.asks(path, {"reason": "so"}, "rob", role).status_code == 403


def test_what_a_batch_decided_is_hidden_again_from_those_who_judge_anew(rig):
    rig.discovers("r1")
    rig.hears(stated("r1", "out", by="Dora", reason="too old"))
    batch = applied(rig)["batch"]
    assert "too old" in rig.gets("/events", "rob", "reader").text

    rig.undoes(batch)

    seen = rig.gets("/events", "rob", "reader").text
    history = rig.gets("/records/r1", "rob", "reader").text
    for text in (seen, history):
        assert not any(word in text for word in ("too old", "Dora", '"by_batch"'))
    assert "too old" in rig.gets("/events", "lea", "lead").text


def test_no_event_tells_of_a_batch_before_it_decides(rig):
    rig.discovers("r1")
    rig.hears(stated("r1", "out"))
    before = len(rig.bench.journal())
    asked = {"kind": "imported", "stage": "sift", "reason": "so", "imported": "import_1", "mapping": MAPPING}

    rig.asks("/batches", asked, "lea", "lead")

    assert len(rig.bench.journal()) == before


# --- in a few words


def sources(*ids: str) -> list[Any]:
    return [SourceRef(source="import:scopus", id=it, run="run_1") for it in ids]


def parted_with(record: str, out_of: str, sources: list[str], revision: int = 10) -> Any:
    about = [{"source": "import:scopus", "id": it, "run": "run_1"} for it in sources]
    return parted(record, out_of, revision, sources=about)


def updated_with(record: str, bibliography: Any) -> Any:
    return RecordUpdated(
        review=REVIEW, record=record, revision=6, run="run_2", bibliography=bibliography, changed=["sources"]
    )  # fmt: skip


def amend(rig: ScreeningRig, *stages: Any, **changes: Any) -> None:
    rig.hears(published(protocol(*stages, **changes), 2))
