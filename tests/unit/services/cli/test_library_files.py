"""`living ingest import` and `imports`: files are sent, taken in, and what came of each is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import get_args

import pytest

from services.cli import imports
from services.ingest.jobs import importing
from shared.errors import Invalid
from shared.wire.ingest import LibraryFormat
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy
from tests.unit.services.ingest.test_imports import TITLES, ris

#: Files are taken in by a thread of their own, as they are where the platform runs.
pytestmark = pytest.mark.waits


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest of a review, which takes files in as they come."""
    bench = IngestBench(tmp_path / "brought")
    serve(bench)
    bench.adopt(strategy("crossref"))
    over = threading.Event()

    def take_in() -> None:
        while not over.wait(0.05):
            bench.runs(importing.take_in_files)

    taking = threading.Thread(target=take_in)
    taking.start()
    yield bench
    over.set()
    taking.join()
    bench.close()


def bring(as_, *given: str, role: str = "lead"):
    return as_("lea", "ingest", "import", REVIEW, *given, role=role)


def test_a_file_is_brought_and_what_came_of_it_is_said(ingest, as_, tmp_path):
    (tmp_path / "library.ris").write_bytes(ris(*TITLES, TITLES[0]))

    shown = bring(as_, "library.ris", "--database", "embase", "--reported", "6")

    assert "library.ris: 5 records of embase (ris): 4 new, 0 duplicates" in shown.stderr
    assert "1 more than once in the file" in shown.stderr
    assert "has 5 records, of 6 that were found as you said" in shown.stderr
    assert len(ingest.records()) == 4


def test_several_files_are_brought_and_told_as_json(ingest, as_, tmp_path):
    (tmp_path / "one.ris").write_bytes(ris(*TITLES[:2]))
    (tmp_path / "two.ris").write_bytes(ris(*TITLES))

    one, two = data(bring(as_, "one.ris", "two.ris", "--searched-on", "2019-12-31", "--json"))

    assert (one["counts"]["new"], two["counts"]["new"], two["counts"]["unchanged"]) == (2, 2, 2)
    assert one["searched_on"] == "2019-12-31"


def test_the_exact_string_may_come_from_a_file(ingest, as_, tmp_path):
    (tmp_path / "library.ris").write_bytes(ris(*TITLES))
    (tmp_path / "search.txt").write_text("lead* AND\ncare\n")

    (done,) = data(bring(as_, "library.ris", "--query", "@search.txt", "--json"))

    assert done["query"] == "lead* AND\ncare"


def test_records_that_cannot_be_read_are_listed_by_file_and_line(ingest, as_, tmp_path):
    (tmp_path / "library.ris").write_bytes(ris(TITLES[0]) + b"TY  - JOUR\r\nER  - \r\n")

    shown = bring(as_, "library.ris")

    assert "1 not read" in shown.stderr
    assert "library.ris, line 11: " in shown.stdout


def test_a_file_that_cannot_be_read_fails_and_the_others_come_in(ingest, as_, tmp_path):
    (tmp_path / "letter.ris").write_text("Dear colleagues, the library is attached.")
    (tmp_path / "library.ris").write_bytes(ris(*TITLES))

    refused = bring(as_, "letter.ris", "library.ris").exception

    assert isinstance(refused, Invalid) and str(refused).startswith("letter.ris, line 1: ")
    assert len(ingest.records()) == 4


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["nothing.ris"], "nothing.ris is no file that is there"),
        (["empty.ris"], "empty.ris is empty"),
        (["."], ". is no file that is there"),
        (["library.ris", "--query", "@nowhere.txt"], "--query: nowhere.txt is no file that is there"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(ingest, as_, tmp_path, given, why):
    (tmp_path / "library.ris").write_bytes(ris(*TITLES))
    (tmp_path / "empty.ris").write_bytes(b"")

    refused = bring(as_, *given).exception

    assert isinstance(refused, Invalid) and str(refused) == why
    assert ingest.items("imports") == []


def test_the_files_that_were_brought_are_listed(ingest, as_, tmp_path):
    assert "no file was brought" in as_("rita", "ingest", "imports", REVIEW, role="reader").output
    (tmp_path / "library.ris").write_bytes(ris(*TITLES))
    bring(as_, "library.ris", "--database", "embase")

    shown = as_("rita", "ingest", "imports", REVIEW, role="reader").stdout
    rows = data(as_("rita", "ingest", "imports", REVIEW, "--json", role="reader"))

    assert "library.ris" in shown and "embase" in shown
    assert [(row["name"], row["entries"]) for row in rows] == [("library.ris", 4)]


def test_every_format_that_the_platform_reads_may_be_named():
    assert get_args(LibraryFormat) == imports._FORMATS
