"""The bench runs through, small, and what it says is whole: it is typed by hand and rarely run.

Slow: it plays a pipeline, three crowds, arrivals and an import, each beside what is bare, and starts many processes.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bench.corpus import ROOT
from bench.pages import PAGES

pytestmark = [pytest.mark.slow, pytest.mark.waits]


def test_a_small_bench_loses_no_vote_and_prints_every_figure():
    words = [
        sys.executable,
        "-m",
        "bench",
        "all",
        "--profile",
        "embedded",
        "--records",
        "100",
        "--seconds",
        "1",
        "--json",
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    (embedded,) = said["profiles"]
    assert embedded["ratio"] > 0
    assert [bout["clients"] for bout in embedded["bouts"]] == [1, 16, 200]
    assert all(bout["ours"]["conserved"] and bout["bare"]["conserved"] for bout in embedded["bouts"])
    # Whatever a stage asks the clients answer; connections may break where a machine stands still.
    assert not [name for bout in embedded["bouts"] for name in bout["ours"]["errors"] if name.startswith("4")]
    assert embedded["statements"]["claim"] > 0 and embedded["statements"]["vote"] > 0
    assert embedded["statements"]["check"] == 0
    assert [arrival["records"] for arrival in said["arrivals"]["embedded"]] == [5, 500]
    assert all(arrival["commits"] > 0 for arrival in said["arrivals"]["embedded"])
    imported = said["imports"]["embedded"]
    assert (imported["records"], imported["share"] > 0) == (100, True)
    assert imported["peak"] >= imported["peak_of_tenth"] > 0
    assert said["cli"]["help_ratio"] > 0
    shown = said["pages"]["embedded"]
    assert {(page["page"], page["records"]) for page in shown} == {(page, size) for page in PAGES for size in (1, 100)}
    assert all(page["times"] > 0 and page["questions"] > 0 and page["weight"] > 0 for page in shown)
    kinds = {asked["kind"]: asked for asked in said["search"]["embedded"]["kinds"]}
    assert {"one word", "phrase", "beginning", "listing", "deep page", "all"} <= kinds.keys()
    assert all(asked["times"] > 0 for asked in kinds.values())
