"""Assignments and caps from a terminal: who is given what, and how much of it a day."""

from __future__ import annotations

import pytest

from services.screening import jobs
from shared.errors import Conflict, Invalid
from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import REVIEW

PEOPLE = ("--person", "ana", "--person", "ben")


def test_a_sample_is_assigned_listed_and_ended(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1", "r2")

    made = as_("lea", "queue", "assign", REVIEW, "--stage", "sift", *PEOPLE, "--sample", "1", role="lead").stdout
    assert "a sample of 1 of sift, to ana, ben" in made
    rig.bench.runs(jobs.move_assigned)
    (row,) = data(as_("lea", "queue", "assignments", REVIEW, "--json", role="lead"))
    shown = " ".join(as_("lea", "queue", "assignments", REVIEW, role="lead").stdout.split())
    assert row["pools"][0]["waiting"] == 1 and "a sample of 1" in shown
    assert len(rig.claims_many("cy", count=5)) == 1

    ended = as_("lea", "queue", "unassign", REVIEW, row["assignment"], role="lead").stdout
    assert "ended" in ended
    rig.bench.runs(jobs.move_assigned)
    assert len(rig.claims_many("cy", count=5)) == 2
    assert "nothing is assigned" in as_("lea", "queue", "assignments", REVIEW, role="lead").stdout
    assert len(data(as_("lea", "queue", "assignments", REVIEW, "--ended", "--json", role="lead"))) == 1


@pytest.mark.parametrize("given", [[], ["--percent", "10", "--sample", "1"], ["--record", "r1", "--percent", "10"]])
def test_what_is_assigned_is_said_in_one_way(screening_at, as_, given):
    screening_at().discovers("r1")

    refused = as_("lea", "queue", "assign", REVIEW, "--stage", "sift", *PEOPLE, *given, role="lead")

    assert isinstance(refused.exception, Invalid)
    assert data(as_("lea", "queue", "assignments", REVIEW, "--json", role="lead")) == []


def test_a_cap_is_set_listed_and_taken_away(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1", "r2")

    shown = as_("lea", "queue", "cap", REVIEW, "1", "--stage", "sift", role="lead").stdout
    assert shown.strip() == "everybody, sift: at most 1 votes a day"
    rig.answers("ana", "include")
    refused = as_("ana", "queue", "next", REVIEW)
    assert isinstance(refused.exception, Conflict) and refused.exception.slug == "day_is_full"
    assert "sift everybody 1" in " ".join(as_("ana", "queue", "caps", REVIEW).stdout.split())
    as_("lea", "queue", "cap", REVIEW, "none", "--stage", "sift", role="lead")
    assert "nothing is capped" in as_("ana", "queue", "caps", REVIEW).stdout
    assert isinstance(as_("lea", "queue", "cap", REVIEW, "many", role="lead").exception, Invalid)
