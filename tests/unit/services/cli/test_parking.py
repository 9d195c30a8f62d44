"""Parking from a terminal: what is set aside, skipped, freed and left, shown and done by what was shown."""

from __future__ import annotations

import pytest

from shared.errors import Conflict, Forbidden, Invalid
from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import REVIEW


def lease_of(as_, name: str) -> str:
    return data(as_(name, "queue", "next", REVIEW, "--json"))["lease"]


def test_a_record_is_parked_by_its_lease_listed_and_brought_back(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1")
    lease = lease_of(as_, "ana")

    shown = as_("ana", "queue", "park", REVIEW, lease, "--reason", "asked the authors", "--until", "2020-02-01").stdout
    assert shown.strip() == "parked until 2020-02-01"
    (parked,) = data(as_("ana", "queue", "parked", REVIEW, "--json"))
    assert (parked["record"], parked["parking"]["reason"]) == ("r1", "asked the authors")
    listed = " ".join(as_("lea", "queue", "parked", REVIEW, role="lead").stdout.split())
    assert "On r1" in listed and "2020-02-01" in listed
    assert "nothing is parked" in as_("ben", "queue", "parked", REVIEW).stdout
    refused = as_("ben", "queue", "unpark", REVIEW, parked["task"])
    assert isinstance(refused.exception, Forbidden) and refused.exception.slug == "not_your_parking"
    assert as_("ana", "queue", "unpark", REVIEW, parked["task"]).stdout.strip() == "r1 at sift: open"


def test_how_often_nothing_came_of_a_record_is_shown_to_leads(screening_at, as_):
    screening_at().discovers("r1")
    for name in ("ana", "ben"):
        as_(name, "queue", "skip", REVIEW, lease_of(as_, name))
    as_("cy", "queue", "release", REVIEW, lease_of(as_, "cy"))

    shown = " ".join(as_("lea", "queue", "parked", REVIEW, role="lead").stdout.split())

    assert "nothing came of it:" in shown
    assert data(as_("lea", "queue", "status", REVIEW, "--json", role="lead"))[0]["parked"] == 1


@pytest.mark.parametrize("given", [["--reason", " "], ["--reason", "x", "--until", "2019-01-01"]])
def test_a_parking_without_a_reason_or_with_a_day_gone_by_is_refused(screening_at, as_, given):
    rig = screening_at()
    rig.discovers("r1")

    refused = as_("ana", "queue", "park", REVIEW, lease_of(as_, "ana"), *given)

    assert isinstance(refused.exception, Invalid)
    assert rig.queue("sift")["parked"] == 0


def test_what_is_skipped_comes_after_the_others(screening_at, as_):
    screening_at().discovers("r1", "r2")

    assert "after the others" in as_("ana", "queue", "skip", REVIEW, lease_of(as_, "ana")).stdout
    assert data(as_("ana", "queue", "next", REVIEW, "--json"))["record"]["record"] == "r2"


def test_a_lead_lists_what_people_hold_and_frees_it(screening_at, as_):
    screening_at().discovers("r1")
    lease = lease_of(as_, "ana")

    (line,) = data(as_("lea", "queue", "leases", REVIEW, "--json", role="lead"))
    assert (line["lease"], line["person"], line["record"]) == (lease, "ana", "r1")
    assert "sift" in as_("lea", "queue", "leases", REVIEW, "--person", "ana", role="lead").stdout
    assert "nobody holds" in as_("lea", "queue", "leases", REVIEW, "--person", "ben", role="lead").stdout
    freed = as_("lea", "queue", "free", REVIEW, lease, "--reason", "on leave", role="lead")
    assert "back in the queue" in freed.stdout
    lost = as_("ana", "queue", "vote", REVIEW, lease, "include")
    assert isinstance(lost.exception, Conflict) and lost.exception.slug == "lease_freed"


def test_what_is_left_for_me_is_shown_by_stage(screening_at, as_):
    screening_at().discovers("r1", "r2", "r3")
    lease_of(as_, "ana")

    seen = data(as_("ana", "queue", "left", REVIEW, "--json"))
    assert [(it["stage"], it["left"], it["in_hand"]) for it in seen] == [("sift", 2, 1), ("depth", 0, 0)]
    shown = [line.split() for line in as_("ana", "queue", "left", REVIEW).stdout.splitlines()]
    assert ["sift", "2", "1", "0", "0"] in shown


def test_the_next_record_is_taken_in_the_mode_asked_for(screening_at, as_):
    rig = screening_at()
    rig.discovers("r1", "r2")
    rig.answers("ben", "include")

    assert "Nothing waits" in as_("ana", "queue", "next", REVIEW, "--mode", "mine").stdout
    taken = data(as_("ana", "queue", "next", REVIEW, "--mode", "fresh", "--json"))
    assert taken["record"]["record"] == "r2"
