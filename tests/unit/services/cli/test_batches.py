"""Batches from a terminal: asked for, waited for, shown and undone by a lead."""

from __future__ import annotations

from typing import Any

import pytest

from services.cli import batches
from services.screening import jobs
from shared.errors import Forbidden, Invalid
from tests.unit.services.cli.conftest import data
from tests.unit.services.screening.rig import DEPTH, REASONS, REVIEW, SIFT, stated

BECAUSE = ("--reason", "as we agreed")


@pytest.fixture
def rig(screening_at, monkeypatch) -> Any:
    """A rig of which the job runs while a command waits."""
    made = screening_at({**SIFT, "reasons": REASONS}, DEPTH)
    monkeypatch.setattr(batches.time, "sleep", lambda seconds: made.bench.runs(jobs.carry_out_batches))
    return made


def test_a_lead_applies_what_a_file_states_sees_what_was_left_alone_and_undoes_it(rig, as_):
    rig.discovers("r1", "r2", "r3")
    rig.hears(stated("r1", "out"), stated("r2", "in"), stated("r3", "in"))
    rig.answers("ana", "include")
    asked = ("--import", "import_1", "--stage", "sift", "--answer", "in=include", "--answer", "out=exclude:no-garden")

    said = as_("lea", "queue", "batch", "apply", REVIEW, *asked, *BECAUSE, role="lead").stdout

    assert "imported at sift, 3 records: as we agreed\n  2 done, 1 left alone (voted_on 1)\n  r1: voted_on\n" in said
    shown = as_("lea", "queue", "decisions", REVIEW, role="lead").stdout
    assert [line.split()[2:] for line in shown.splitlines()[1:]] == [
        ["sift", "in", "2", "2"], ["sift", "out", "1", "0"],
    ]  # fmt: skip
    (listed,) = data(as_("lea", "queue", "batch", "list", REVIEW, "--json", role="lead"))
    batch = listed["batch"]
    alone = as_("lea", "queue", "batch", "show", REVIEW, batch, "--outcome", "left_alone", role="lead").stdout
    assert "r1" in alone and "voted_on" in alone and "r2" not in alone
    undone = as_("lea", "queue", "batch", "undo", REVIEW, batch, "--reason", "the wrong file", role="lead").stdout
    assert "  2 of these undone: the wrong file" in undone
    assert "2" in as_("lea", "queue", "batch", "list", REVIEW, role="lead").stdout


def test_the_flow_has_a_line_for_what_was_decided_before(rig, as_):
    rig.discovers("r1")
    rig.hears(stated("r1", "in"))
    asked = ("--import", "import_1", "--stage", "sift", "--answer", "in=include")
    as_("lea", "queue", "batch", "apply", REVIEW, *asked, *BECAUSE, role="lead")

    assert "sift: passed, decided before" in as_("ana", "queue", "flow", REVIEW).stdout


def test_a_lead_decides_parks_brings_back_and_opens_again_what_is_named_or_fits(rig, as_, tmp_path):
    rig.discovers("r1", "r2")
    rig.discovers("r3", published="2018-06")
    names = tmp_path / "names.txt"
    names.write_text("r1\nr2\n", encoding="utf-8")

    def batch(*words: str) -> dict[str, Any]:
        return data(as_("lea", "queue", "batch", *words, "--stage", "sift", *BECAUSE, "--json", role="lead"))

    parked = batch("park", REVIEW, "--records", str(names), "--until", "2020-03-01")
    assert (parked["done"], parked["asked"]) == (2, {"until": "2020-03-01"})
    assert batch("bring-back", REVIEW, "--all")["done"] == 2
    out = batch(
        "decide", REVIEW, "exclude", "--published-before", "2019-01-01", "--excluded-for", "opinion"
    )  # fmt: skip
    assert (out["done"], rig.record("r3")["excluded_for"]) == (1, "opinion")
    assert batch("reopen", REVIEW, "--record", "r3")["done"] == 1
    assert rig.queue("sift")["open"] == 3


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["decide", REVIEW, "include", "--stage", "sift"], "name records"),
        (["decide", REVIEW, "include", "--stage", "sift", "--record", "r1", "--all"], "name records"),
        (["park", REVIEW, "--stage", "sift", "--records", "nowhere.txt"], "cannot be read"),
        (["apply", REVIEW, "--import", "i", "--stage", "sift", "--answer", "out"], "write it as stated=answer"),
    ],
)
def test_what_names_no_records_or_no_answer_is_refused_before_anything_is_asked(rig, as_, words, seen):
    rig.discovers("r1")

    refused = as_("lea", "queue", "batch", *words, *BECAUSE, role="lead")

    assert isinstance(refused.exception, Invalid) and seen in refused.exception.detail
    assert as_("lea", "queue", "batch", "list", REVIEW, role="lead").stdout == "no batch was asked for\n"


def test_nobody_but_a_lead_asks_for_a_batch(rig, as_):
    words = ("queue", "batch", "park", REVIEW, "--stage", "sift", "--all", *BECAUSE)

    assert isinstance(as_("ana", *words).exception, Forbidden)
