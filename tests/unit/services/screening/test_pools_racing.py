"""People claim and vote while leads assign, end and move: no vote is lost, and nobody is given what is others'."""

from __future__ import annotations

import pytest

from services.screening import jobs, store
from tests.unit.services.screening.rig import REVIEW, ScreeningRig
from tests.unit.services.screening.soundness import assert_sound
from tests.unit.services.screening.test_pools import assigns, can_get, listed
from tests.unit.services.screening.test_racing import at_once, claim_many

pytestmark = pytest.mark.waits

TEAM = [f"p{number}" for number in range(6)]


def works(rig: ScreeningRig, name: str) -> set[tuple[str, str]]:
    """Claims and votes for a while; the votes that were taken."""
    cast = set()
    for _ in range(5):
        for task in claim_many(rig, name, 3, stage="sift"):
            if rig.votes(name, task["lease"], "include", "adjudicator").status_code == 200:
                cast.add((task["task"], name))
    return cast


def test_while_people_work_tasks_are_assigned_and_given_back_and_no_vote_is_lost(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number:02d}" for number in range(60)))

    def leads(rig: ScreeningRig, name: str) -> set[tuple[str, str]]:
        for what in ({"percent": 40}, {"sample": 5}, {"records": [f"r{number}" for number in range(40, 50)]}):
            made = assigns(rig, "p0", "p1", **what)
            at = f"/screening/reviews/{REVIEW}/assignments/{made['assignment']}"
            assert rig.person(name, "lead").delete(at).status_code == 200
            rig.bench.runs(jobs.move_assigned)
        assigns(rig, "p0", "p1", percent=50)
        return set()

    cast = set().union(*at_once(lambda name: (leads if name == "lea" else works)(rig, name), [*TEAM, "lea"]))
    rig.bench.clock.advance(minutes=2)
    rig.bench.runs(jobs.move_assigned)

    assert_sound(rig.bench, REVIEW, cast)
    waiting = sum(pool["waiting"] for it in listed(rig) for pool in it["pools"])
    free = {it["record"] for it in rig.gets("/stages/sift/tasks").json()["items"]}
    assert len(can_get(rig, "eve", stage="sift")) <= len(free) - waiting


def test_two_leads_who_share_a_stage_out_at_once_share_out_no_part_twice(either_rig):
    rig = either_rig
    rig.discovers("r1")

    def share(people: tuple[str, str]) -> int:
        asked = {"stage": "sift", "people": list(people), "percent": 40}
        return rig.asks("/assignments", asked, "lea", "lead").status_code

    answered = at_once(share, [("p0", "p1"), ("p2", "p3"), ("p4", "p5")])

    assert sorted(answered) == [200, 200, 409]
    with rig.bench.work("soundness", readonly=True) as work:
        parts = sorted(store.parts_used(work, REVIEW, "sift"))
    assert parts == [(0, 400_000), (400_000, 800_000)]
