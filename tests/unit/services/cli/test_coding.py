"""Coding from a terminal: the next report, finishing it, and what two coders differ in, side by side."""

from __future__ import annotations

import pytest

from tests.unit.services.cli.conftest import data
from tests.unit.services.synthesis.rig import REVIEW, protocol


@pytest.fixture
def two_coders(rig):
    rig.adopts(protocol(extraction={"coders": 2}), version=2)
    rig.includes("r1")
    return rig


def words(result) -> str:
    return " ".join(result.stdout.split())


def test_two_code_a_report_and_one_of_them_reconciles_what_they_differ_in(two_coders, as_):
    assert "you have no report in hand" in as_("ana", "code", "finish", REVIEW, "mine").stderr
    for by, stance in (("ana", "supports"), ("ben", "bounds")):
        assert "Title of r1 (record r1), yours until" in words(as_(by, "code", "next", REVIEW))
        two_coders.links("r1", by=by, stance=stance)
    assert "once the other coder has, too" in words(as_("ana", "code", "finish", REVIEW, "mine"))
    [row] = data(as_("ana", "code", "list", REVIEW, "--state", "open", "--json"))
    assert (row["finished"], row["finished_by"]) == (1, [])
    assert as_("ana", "code", "differences", REVIEW, row["extraction"]).exit_code == 1

    assert "They differ" in words(as_("ben", "code", "finish", REVIEW, "mine"))
    assert "Nothing waits for you to code." in words(as_("ana", "code", "next", REVIEW))
    shown = as_("ben", "code", "differences", REVIEW, row["extraction"])
    assert "another stance" in words(shown) and "supports, explicit" in words(shown)
    assert "first (ana)" in words(shown) and "0 agreed, 1 to decide." in words(shown)

    [side] = data(as_("ben", "code", "differences", REVIEW, row["extraction"], "--json"))["differences"]
    kept = as_(
        "ben", "code", "reconcile", REVIEW, row["extraction"], side["difference"], "first", "--why", "the table says so"
    )
    assert "1 link kept, 1 link dropped." in words(kept)
    assert "Nothing is left to decide." in words(as_("ben", "code", "differences", REVIEW, row["extraction"]))
    every = words(as_("ben", "code", "differences", REVIEW, row["extraction"], "--all"))
    assert "another stance" in every and "dropped: bounds, explicit" in every
    assert "by ben: the table says so" in every and "0 agreed, 1 decided, 0 to decide." in every
    assert two_coders.support() == [1, 0]


def test_whoever_signs_is_told_what_coders_have_not_finished_or_decided(two_coders, as_):
    two_coders.includes("r2")
    for by, stance in (("ana", "supports"), ("ben", "bounds")):
        as_(by, "code", "next", REVIEW)
        two_coders.links("r1", by=by, stance=stance)
        as_(by, "code", "finish", REVIEW, "mine")

    two_coders.draft()
    asked = " ".join(
        as_("lead", "synthesis", "sign", REVIEW, "--summary", "One.", role="lead", typed="n\n").stderr.split()
    )

    assert f"Reports whose coders differ: 1. `living code list {REVIEW} --state differing`" in asked
    assert "Reports that not all have finished: 1." in asked


def test_a_report_is_given_back_to_others(two_coders, as_):
    as_("ana", "code", "next", REVIEW)
    as_("ben", "code", "next", REVIEW)

    assert "given back" in words(as_("ana", "code", "release", REVIEW, "mine"))
    assert "Title of r1" in words(as_("carol", "code", "next", REVIEW))


def test_agreement_is_told_by_element_and_by_stance_and_where_it_is_undefined(two_coders, as_):
    for by in ("ana", "ben"):
        as_(by, "code", "next", REVIEW)
        two_coders.links("r1", by=by)
        as_(by, "code", "finish", REVIEW, "mine")

    shown = words(as_("rita", "code", "agreement", REVIEW, role="reader"))

    assert "every unit 1 1 undefined" in shown and "supports, or not 1 1 undefined" in shown
    assert data(as_("rita", "code", "agreement", REVIEW, "--json", role="reader"))["every"]["n"] == 1
