"""`living export`: a review's records leave as a file, whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from services.cli import exporting as command
from services.ingest.jobs import exporting
from shared.errors import Conflict, Invalid
from shared.wire.ingest import ExportFormat
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work

#: Files are made by a thread of their own, as they are where the platform runs.
pytestmark = pytest.mark.waits


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest of a review of two records, which makes files as they are asked for."""
    bench = IngestBench(tmp_path / "left")
    serve(bench)
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(
        work("crossref", "w1", "Boards that decide"), work("crossref", "w2", "Nurses that lead")
    )
    bench.pull()
    over = threading.Event()

    def make() -> None:
        while not over.wait(0.05):
            bench.runs(exporting.make_exports)

    making = threading.Thread(target=make)
    making.start()
    yield bench
    over.set()
    making.join()
    bench.close()


def export(as_, *given: str):
    return as_("rita", "export", REVIEW, *given, role="reviewer")


def test_a_file_is_written_that_is_named_for_its_review(ingest, as_):
    shown = export(as_)

    assert f"2 records written to {REVIEW}.ris" in shown.stderr
    assert Path(f"{REVIEW}.ris").read_bytes().count(b"TY  - JOUR") == 2
    assert list(Path().glob("*.part")) == []


def test_a_file_that_is_there_is_written_over_only_when_one_says_so(ingest, as_):
    Path("mine.ris").write_text("mine")

    refused = export(as_, "--to", "mine.ris").exception
    assert isinstance(refused, Conflict) and "mine.ris is there already" in str(refused)
    assert Path("mine.ris").read_text() == "mine"

    export(as_, "--to", "mine.ris", "--force")
    assert Path("mine.ris").read_text().startswith("TY  - JOUR")


def test_a_folder_that_is_not_there_is_refused(ingest, as_):
    refused = export(as_, "--to", "nowhere/mine.ris").exception

    assert isinstance(refused, Invalid) and str(refused) == "nowhere is no folder that is there"


def test_records_go_to_the_standard_output_for_other_programs(ingest, as_):
    assert export(as_, "--to", "-").stdout.count("TY  - JOUR") == 2


def test_what_was_written_is_said_as_json(ingest, as_):
    said = data(export(as_, "--standing", "included", "--as", "nbib", "--json"))

    assert (said["records"], said["standing"], said["format"]) == (0, "included", "nbib")
    assert Path(f"{REVIEW}.nbib").read_bytes() == b""


def test_every_format_that_the_platform_writes_may_be_named():
    assert set(get_args(ExportFormat)) == set(command.FORMATS)
