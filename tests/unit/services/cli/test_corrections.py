"""`living ingest correct` and `undo-correction`: what a person says of a field, from the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from services.cli.corrections import FIELDS
from shared.errors import Invalid
from shared.wire.ingest import CorrectableField
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest of a review of one record."""
    bench = IngestBench(tmp_path / "corrected")
    serve(bench)
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(work("crossref", "w1", "Boards that decide"))
    bench.pull()
    yield bench
    bench.close()


def record(ingest: IngestBench) -> str:
    (one,) = ingest.items("records")
    return one["record"]


def correct(as_, ingest: IngestBench, *given: str):
    return as_("lea", "ingest", "correct", REVIEW, record(ingest), *given, "--reason", "as printed", role="lead")


def test_a_field_is_corrected_shown_and_undone(ingest, as_):
    assert "title of" in correct(as_, ingest, "title", "Boards that decide well").stdout
    (made,) = ingest.records()[0]["corrections"]
    shown = as_("rita", "ingest", "record", REVIEW, record(ingest), role="reader").stdout
    assert "Boards that decide well" in shown and "as printed" in shown and "Journal" in shown

    undone = as_("lea", "ingest", "undo-correction", REVIEW, made["correction"], "--reason", "a slip", role="lead")

    assert "counts no more" in undone.stdout
    assert ingest.items("records")[0]["title"] == "Boards that decide"
    shown = as_("rita", "ingest", "record", REVIEW, record(ingest), role="reader").stdout
    assert "a slip" in shown


def test_names_are_given_one_by_one_and_long_texts_by_a_file(ingest, as_):
    Path("abstract.txt").write_text("We asked.\nThey answered.\n")

    names = data(correct(as_, ingest, "authors", "Okoye, Ada", "Lind, Per", "--json"))
    correct(as_, ingest, "abstract", "@abstract.txt")
    correct(as_, ingest, "venue", "--none")

    assert names["value"] == ["Okoye, Ada", "Lind, Per"]
    described = ingest.records()[0]["bibliography"]
    assert (described["abstract"], described["venue"]) == ("We asked.\nThey answered.", None)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["title", "Boards", "that", "decide"], "title is one text: put it in quotes"),
        (["abstract", "@nowhere.txt"], "nowhere.txt is no file that is there"),
        (["published", "soon"], "value: "),
        (["title"], "say what its title is, or --none where it has none"),
        (["title", "Boards", "--none"], "say what its title is, or --none where it has none: not both"),
    ],
)
def test_what_is_said_wrongly_is_refused_and_nothing_is_corrected(ingest, as_, given, why):
    refused = correct(as_, ingest, *given).exception

    assert isinstance(refused, Invalid) and str(refused).startswith(why)
    assert ingest.records()[0]["corrections"] == []


def test_every_field_that_may_be_corrected_may_be_named():
    assert set(FIELDS) == set(get_args(CorrectableField))
