"""The drift guard: a field that collapses is told within its run, once, and chance is no drift."""

from __future__ import annotations

import random

import pytest

from services.ingest.domain.drift import FIELDS, collapses
from shared.events.ingest import SourceDrifted
from tests.unit.services.ingest.rig import IngestBench, strategy, work


def counted(records: int, having: int) -> dict[str, int]:
    return {"records": records} | dict.fromkeys(FIELDS, having)


@pytest.mark.parametrize(
    ("now", "before", "fields"),
    [
        (counted(30, 0), [counted(100, 80)], 4),
        (counted(29, 0), [counted(100, 80)], 0),
        (counted(30, 0), [counted(49, 49)], 0),
        (counted(30, 0), [], 0),
        (counted(200, 90), [counted(100, 100)], 4),
        (counted(200, 110), [counted(100, 100)], 0),
        (counted(40, 1), [counted(1000, 100)], 0),
        (counted(10_000, 0), [counted(100, 0)], 0),
    ],
)
def test_a_collapse_is_less_than_half_and_no_chance(now, before, fields):
    assert len(list(collapses(now, before))) == fields


def test_chance_alone_is_never_a_collapse():
    dice = random.Random(7)
    for _ in range(2_000):
        rate = dice.choice([0.05, 0.2, 0.5, 0.8, 0.99])
        had = [counted(100, sum(dice.random() < rate for _ in range(100))) for _ in range(3)]
        assert list(collapses(counted(30, sum(dice.random() < rate for _ in range(30))), had)) == []


def put(bench: IngestBench, numbers: range, abstract: str | None) -> None:
    source = bench.sources["crossref"]
    source.put(
        *(
            work(
                "crossref",
                f"10.1000/{number}",
                f"Title {number} of its own",
                abstract=abstract,
                doi=f"10.1000/{number}",
            )
            for number in numbers
        )
    )


def test_an_abstract_that_stops_coming_is_told_once_within_its_run(bench):
    bench.sources["crossref"].per_page = 20
    put(bench, range(60), "What it found.")
    bench.adopt(strategy("crossref"))
    bench.pull()
    bench.pull_again()  # A whole walk is held against whole walks alone.
    assert bench.emitted(SourceDrifted) == []

    put(bench, range(60), None)
    bench.pull_again()

    (event,) = bench.emitted(SourceDrifted)
    assert event.detail == "fields collapsed: 0 of 40 records have abstract, of earlier runs 100%"
    newest, first = bench.items("runs")[0], bench.items("runs")[-1]
    assert (newest["state"], newest["remarks"]) == ("complete", [event.detail])
    assert first["remarks"] == []
