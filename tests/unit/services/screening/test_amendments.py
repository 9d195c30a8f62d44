"""An amendment: what nobody has begun is asked as the newest version says, and what somebody has stays as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.screening import jobs, store
from shared.events.screening import RecordReopened, TaskOpened
from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    REVIEW,
    SIFT,
    ScreeningRig,
    make_bench,
    merged,
    protocol,
    published,
)
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_pools import assigns

ANEW: dict[str, Any] = {**SIFT, "question": "Is it about gardens at all?", "votes": 1, "reasons": REASONS}


def amends(rig: ScreeningRig, *stages: dict[str, Any], version: int = 2, **changes: Any) -> list[TaskOpened]:
    """Has the review amended; what is opened by that."""
    before = len(rig.bench.emitted(TaskOpened))
    rig.hears(published(protocol(*stages, **changes), version=version))
    rig.bench.runs(jobs.apply_amendments)
    return rig.bench.emitted(TaskOpened)[before:]


@pytest.mark.parametrize("batch", [2, 200])
def test_what_nobody_has_begun_is_asked_as_the_newest_version_says(either_rig, monkeypatch, batch):
    monkeypatch.setattr(jobs, "BATCH", batch)
    rig = either_rig
    rig.discovers("r1", "r2", "r3", "r4", "r5")
    rig.answers("ana", "include")  # on r1
    held = rig.claims("ben", stage="sift")
    rig.claims_many("cy", count=2)

    opened = amends(rig, ANEW, DEPTH)

    begun = {held["record"]["record"], "r1", "r2", "r3"}
    assert [event.record for event in opened] == sorted({"r1", "r2", "r3", "r4", "r5"} - begun)
    assert {(event.because, event.votes_needed) for event in opened} == {("amended", 1)}
    (still,) = rig.claims_many("ben", stage="sift", mode="mine")
    assert (still["lease"], still["question"], still["protocol_version"]) == (held["lease"], SIFT["question"], 1)
    shown = rig.claims("dee", mode="fresh")
    assert (shown["record"]["record"], shown["question"], shown["protocol_version"]) == ("r4", ANEW["question"], 2)
    refused = rig.votes("dee", shown["lease"], "exclude", reason="no")
    assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "excluded_for")
    assert_sound(rig.bench, REVIEW, [(rig.record("r1")["stages"][0]["task"], "ana")])


def test_how_often_nothing_came_of_it_is_counted_anew_where_it_is_asked_otherwise(rig):
    rig.discovers("r1")
    for _ in range(2):
        held = rig.claims("ana")
        assert rig.asks(f"/leases/{held['lease']}/release", None).status_code == 200

    amends(rig, {**SIFT, "parks_after": 2}, DEPTH)

    assert_sound(rig.bench, REVIEW, [])
    for state in ("open", "parked"):
        held = rig.claims("ana")
        rig.asks(f"/leases/{held['lease']}/release", None)
        assert rig.record("r1")["stages"][0]["state"] == state


def test_the_job_does_it_once_and_follows_from_the_publication(rig):
    rig.discovers("r1")
    opened = amends(rig, ANEW, DEPTH)
    before = len(rig.bench.journal())

    rig.bench.runs(jobs.apply_amendments)

    assert len(opened) == 1 and len(rig.bench.journal()) == before
    assert rig.bench.journal()[-1].correlationid == "r1"


@pytest.mark.waits
def test_of_what_goes_through_many_records_of_a_review_one_waits_for_the_other(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.hears(published(protocol(ANEW, DEPTH), version=2))
    with ThreadPoolExecutor(1) as pool:
        with rig.bench.work("another") as work:
            store.hold_walks(work, REVIEW)
            store.lock_record(work, REVIEW, "r1")
            job = pool.submit(rig.bench.runs, jobs.apply_amendments)
            with pytest.raises(TimeoutError):
                job.result(0.3)
        job.result()

    assert rig.claims("ana")["question"] == ANEW["question"]


def test_what_is_only_worded_otherwise_elsewhere_is_shown_so_and_told_by_nothing(rig):
    rig.discovers("r1")

    opened = amends(rig, SIFT, DEPTH, criteria={"include": ["Gardens."], "exclude": []})

    shown = rig.claims("ana")
    assert opened == [] and shown["protocol_version"] == 2
    assert shown["criteria"]["include"] == ["Gardens."]


def test_what_waits_at_a_stage_that_is_gone_goes_on_to_the_next(rig):
    rig.discovers("r1", "r2")
    rig.answers("ana", "include")  # on r1

    opened = amends(rig, {**SIFT, "name": "scope"}, DEPTH)

    (sent,) = rig.bench.emitted(RecordReopened)
    assert (sent.record, sent.stage, sent.reason) == ("r2", "scope", "the protocol has no stage 'sift' any more")
    assert [(event.record, event.stage, event.because) for event in opened] == [("r2", "scope", "amended")]
    assert [(row["stage"], row["open"]) for row in rig.gets("/queue").json()] == [
        ("scope", 1),
        ("depth", 0),
        ("sift", 1),
    ]
    assert_sound(rig.bench, REVIEW, [(rig.record("r1")["stages"][0]["task"], "ana")])


def test_nothing_is_included_that_nobody_decided_about(rig):
    rig.discovers("r1")
    for name in ("ana", "ben"):
        rig.answers(name, "include")

    opened = amends(rig, SIFT)  # Without depth, where it waits.

    assert opened == [] and rig.record("r1")["state"] == "screening"
    assert rig.claims("ana")["stage"] == "depth"


def test_a_stage_that_comes_back_asks_as_it_does_then(rig):
    rig.discovers("r1")
    amends(rig, {**SIFT, "name": "scope"}, DEPTH)

    amends(rig, ANEW, DEPTH, version=3)

    shown = rig.claims("ana")
    assert (shown["stage"], shown["question"], shown["protocol_version"]) == ("sift", ANEW["question"], 3)
    assert_sound(rig.bench, REVIEW, [])


def test_what_is_parked_stays_as_it_was_opened(rig):
    rig.discovers("r1")
    task = rig.claims("ana")["task"]
    assert rig.asks(f"/tasks/{task}/park", {"reason": "ask the authors"}).status_code == 200

    assert amends(rig, ANEW, DEPTH) == []
    assert rig.record("r1")["stages"][0]["protocol_version"] == 1


def test_what_is_assigned_to_fewer_than_are_asked_for_now_is_anybodys(tmp_path):
    bench = make_bench(tmp_path)
    rig = ScreeningRig(bench, {**SIFT, "votes": 1}, DEPTH)
    rig.discovers("r1", "r2")
    assigns(rig, "ana", records=["r1"])
    assert rig.claims("ben")["record"]["record"] == "r2"

    amends(rig, SIFT, DEPTH)

    assert {task["record"]["record"] for task in rig.claims_many("ben", count=2)} == {"r1", "r2"}
    assert_sound(bench, REVIEW, [])
    bench.close()


def test_votes_on_what_is_one_with_a_record_count_once_its_stage_has_their_answer(rig):
    rig.discovers("r1", "r2")
    rig.votes("ana", rig.claims("ana")["lease"], "unsure")  # on r1
    without: dict[str, Any] = {**SIFT, "answers": [SIFT["answers"][0], SIFT["answers"][2]]}
    amends(rig, without, DEPTH)
    rig.hears(merged("r1", into="r2"))
    assert rig.record("r2")["stages"][0]["votes_cast"] == 0

    amends(rig, SIFT, DEPTH, version=3)

    assert rig.record("r2")["stages"][0]["votes_cast"] == 1
    assert_sound(rig.bench, REVIEW, [(rig.record("r1")["stages"][0]["task"], "ana")])


def test_a_review_that_is_amended_keeps_no_other_waiting(rig, monkeypatch):
    rig.discovers("r1")
    other = protocol(review="allotments")
    rig.hears(published(other), published(protocol(ANEW, review="allotments"), version=2))

    assert [event.record for event in amends(rig, ANEW, DEPTH)] == ["r1"]
