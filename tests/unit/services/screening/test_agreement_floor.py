"""Whoever leads a review is told when two people agree less than its protocol asks for, and when they do again."""

from __future__ import annotations

from services.screening import jobs
from shared.events.protocol import VersionPublished
from shared.events.screening import AgreementFell, AgreementRecovered
from tests.unit.services.screening.rig import SIFT, ScreeningRig, protocol, revision_published

NO = {"reason": "no gardens"}
FLOORED = {**SIFT, "agreement_floor": 0.6}


def both_vote(rig: ScreeningRig, *answers: tuple[str, str], times: int = 1) -> None:
    for number, (ana, ben) in enumerate(answers * times):
        rig.discovers(f"r{len(rig.bench.journal())}_{number}")
        rig.answers("ana", ana, stage="sift", **NO)
        rig.answers("ben", ben, stage="sift", **NO)


def watched(rig: ScreeningRig) -> list[tuple[str, str, str]]:
    """Of whom it was told since: what, and of whom."""
    before = len(rig.bench.journal())
    jobs.watch_agreement(rig.bench.running)
    return [(it.type, it.data["first"], it.data["second"]) for it in rig.bench.journal()[before:]]


def test_it_is_told_once_that_two_people_fell_below_the_floor_and_once_that_they_are_above_it(rig_of):
    rig = rig_of(FLOORED)
    both_vote(rig, ("include", "exclude"), ("exclude", "include"), times=9)
    assert watched(rig) == [], "on 18 tasks nothing is said yet"

    both_vote(rig, ("include", "include"), ("exclude", "exclude"))
    assert watched(rig) == [(AgreementFell.type, "ana", "ben")]
    assert watched(rig) == []
    assert [pair["below"] for pair in rig.gets("/agreement", "lea", "lead").json()[0]["between"]] == [True]

    both_vote(rig, ("include", "include"), ("exclude", "exclude"), times=50)
    assert watched(rig) == [(AgreementRecovered.type, "ana", "ben")]
    assert watched(rig) == []


def test_what_was_before_this_cycle_is_held_against_nobody(rig_of):
    rig = rig_of(FLOORED)
    both_vote(rig, ("include", "exclude"), ("exclude", "include"), times=10)
    assert watched(rig) == [(AgreementFell.type, "ana", "ben")]

    rig.hears(revision_published(cycle=1, drill=True))
    assert watched(rig) == [], "a drill ends no cycle"
    rig.hears(revision_published(cycle=1))

    assert watched(rig) == [(AgreementRecovered.type, "ana", "ben")]


def test_a_stage_without_a_floor_alarms_nobody_and_one_that_loses_it_calls_off(rig_of):
    rig = rig_of(SIFT)
    both_vote(rig, ("include", "exclude"), ("exclude", "include"), times=10)
    assert watched(rig) == []

    rig.hears(VersionPublished.of(protocol(FLOORED), 2, "lea"))
    assert watched(rig) == [(AgreementFell.type, "ana", "ben")]

    rig.hears(VersionPublished.of(protocol(SIFT), 3, "lea"))
    assert watched(rig) == [(AgreementRecovered.type, "ana", "ben")]
