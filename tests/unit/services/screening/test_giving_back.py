"""Giving back: what one person skips waits for the others where it was, and a lead frees what anybody holds."""

from __future__ import annotations

from typing import Any

from services.screening import jobs
from tests.unit.services.screening.rig import REVIEW, ScreeningRig
from tests.unit.services.screening.soundness import assert_sound


def skip(rig: ScreeningRig, name: str, lease: str) -> Any:
    return rig.asks(f"/leases/{lease}/skip", None, name)


def free(rig: ScreeningRig, lease: str, name: str = "lea", role: str = "lead", reason: str = "on leave") -> Any:
    return rig.asks(f"/leases/{lease}/free", {"reason": reason}, name, role)


def record_of(task: dict[str, Any] | None) -> str | None:
    return None if task is None else task["record"]["record"]


def test_what_one_skips_comes_after_the_others_and_to_others_in_its_turn(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")

    assert skip(rig, "ana", rig.claims("ana")["lease"]).json()["ended"] == "released"

    assert record_of(rig.claims("ben")) == "r1"
    assert [record_of(rig.claims("ana")), rig.answers("ana", "include")["record"]] == ["r2", "r2"]
    assert rig.answers("ana", "include")["record"] == "r3"
    assert record_of(rig.claims("ana")) == "r1"
    assert_sound(rig.bench, REVIEW, {(rig.record(f"r{n}")["stages"][0]["task"], "ana") for n in (2, 3)})


def test_whoever_still_has_something_in_hand_is_not_given_what_they_skipped(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    first, second = rig.claims_many("ana", count=2)
    skip(rig, "ana", first["lease"])

    assert [record_of(task) for task in rig.claims_many("ana", count=5)] == ["r2"]
    rig.votes("ana", second["lease"], "include")
    assert [record_of(task) for task in rig.claims_many("ana", count=5)] == ["r1"]


def test_what_somebody_else_began_is_skipped_too(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    rig.answers("ben", "include")
    skip(rig, "ana", rig.claims("ana")["lease"])

    assert record_of(rig.claims("ana")) == "r2"


def test_a_conflict_is_skipped_for_another(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        for _ in range(2):
            rig.answers(name, answer)
    conflict = rig.claims("cy", "adjudicator", kind="conflict")

    assert rig.asks(f"/leases/{conflict['lease']}/skip", None, "cy", "adjudicator").status_code == 200
    assert record_of(rig.claims("cy", "adjudicator", kind="conflict")) == "r2"
    assert record_of(rig.claims("dee", "adjudicator", kind="conflict")) == "r1"


def test_what_is_skipped_at_one_stage_stays_so_while_another_is_asked_for(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    skip(rig, "ana", rig.claims("ana")["lease"])

    assert rig.claims("ana", stage="depth") is None
    assert record_of(rig.claims("ana", stage="sift")) == "r2"


def test_skips_count_as_releases_and_park_in_the_end(either_rig):
    rig = either_rig
    rig.discovers("r1")

    for name in ("ana", "ben", "ana"):
        skip(rig, name, rig.claims(name)["lease"])

    assert rig.claims("cy") is None
    (parked,) = rig.gets("/parked", "lea", "lead").json()["items"]
    assert [it["how"] for it in parked["returns"]] == ["skipped"] * 3
    assert_sound(rig.bench, REVIEW, set())


def test_anothers_lease_is_not_skipped(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    assert skip(rig, "ben", lease).json()["title"] == "not your lease"
    assert skip(rig, "ana", "lease_0").status_code == 404
    skip(rig, "ana", lease)
    assert skip(rig, "ana", lease).json()["title"] == "lease released"


def test_a_lead_frees_what_somebody_holds_and_they_are_told_so(either_rig):
    rig = either_rig
    rig.discovers("r1")
    held = [rig.claims(name) for name in ("ana", "ben")]
    assert rig.claims("cy") is None

    assert free(rig, held[0]["lease"]).json()["ended"] == "freed"

    assert rig.votes("ana", held[0]["lease"], "include").json()["title"] == "lease freed"
    assert rig.claims("cy")["task"] == held[0]["task"]
    again = free(rig, held[0]["lease"])
    assert (again.status_code, again.json()["title"]) == (409, "lease ended")
    assert_sound(rig.bench, REVIEW, set())


def test_what_a_lead_frees_does_not_count_against_the_task(rig):
    rig.discovers("r1")

    for _ in range(4):
        assert free(rig, rig.claims("ana")["lease"]).status_code == 200

    assert rig.record("r1")["stages"][0]["state"] == "open"
    park = rig.asks(f"/tasks/{rig.claims('ana')['task']}/park", {"reason": "later"})
    assert park.status_code == 200
    (seen,) = rig.gets("/parked", "lea", "lead").json()["items"]
    assert {(it["how"], it["reason"], it["freed_by"]) for it in seen["returns"]} == {("freed", "on leave", "lea")}


def test_only_leads_free_and_list_what_people_hold(rig):
    rig.discovers("r1", "r2")
    lease = rig.claims("ana")["lease"]

    for role in ("reviewer", "adjudicator"):
        assert free(rig, lease, "ben", role).status_code == 403
        assert rig.gets("/leases", "ben", role).status_code == 403
    assert free(rig, lease, reason=" ").status_code == 422
    assert free(rig, "lease_0").status_code == 404


def test_what_people_hold_is_listed_page_by_page(rig):
    rig.discovers("r1", "r2", "r3")
    rig.claims_many("ana", count=3)
    rig.claims("ben")

    page = rig.gets("/leases", "lea", "lead", limit=3).json()
    rest = rig.gets("/leases", "lea", "lead", limit=3, cursor=page["next"]).json()

    assert [(it["person"], it["record"]) for it in page["items"]] == [("ana", f"r{n}") for n in (1, 2, 3)]
    assert [(it["person"], it["record"]) for it in rest["items"]] == [("ben", "r1")]
    assert [it["record"] for it in rig.gets("/leases", "lea", "lead", held_by="ben").json()["items"]] == ["r1"]


def test_a_retried_skip_or_freeing_is_answered_and_done_once(rig):
    rig.discovers("r1", "r2")
    lease = rig.claims("ana")["lease"]

    for name, role, what, body in (("ana", "reviewer", "skip", None), ("lea", "lead", "free", {"reason": "away"})):
        path = f"/screening/reviews/{REVIEW}/leases/{lease}/{what}"
        headers = {"Idempotency-Key": f"key-of-{name}-1"}
        answers = [rig.person(name, role).post(path, json=body, headers=headers) for _ in range(2)]
        assert [it.status_code for it in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        lease = rig.claims("ana")["lease"]


def test_what_was_claimed_ahead_and_never_looked_at_does_not_lead_to_parking(either_rig):
    rig = either_rig
    rig.discovers("r1")
    for _ in range(4):
        assert rig.claims("ana", ahead=True)
        rig.bench.clock.advance(hours=2)
        rig.bench.runs(jobs.return_lapsed_leases)
    assert rig.queue("sift")["parked"] == 0

    for _ in range(3):
        held = rig.claims("ana", ahead=True)
        rig.asks(f"/leases/{held['lease']}/renew", None)
        rig.bench.clock.advance(hours=2)
        rig.bench.runs(jobs.return_lapsed_leases)
    assert rig.queue("sift")["parked"] == 1
