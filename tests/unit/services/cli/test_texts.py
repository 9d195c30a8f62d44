"""`living texts`: copies of reports and what is so of them, from the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.review import _full_texts
from services.cli.texts import _ENDINGS, _READERS, _STATES, _VERSIONS
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.wire.ingest import IngestStatus, RetrievalState, TextKind, TextReaders, TextVersion
from tests.unit.services.cli.conftest import data
from tests.unit.services.ingest.publisher import PDF
from tests.unit.services.ingest.rig import REVIEW, IngestBench, strategy, work


@pytest.fixture
def ingest(serve, tmp_path) -> Iterator[IngestBench]:
    """Ingest of a review of one record, and a file beside it."""
    bench = IngestBench(tmp_path / "texts")
    serve(bench)
    bench.adopt(strategy("crossref"))
    bench.sources["crossref"].put(work("crossref", "w1", "Boards that decide"))
    bench.pull()
    Path("boards.pdf").write_bytes(PDF)
    yield bench
    bench.close()


def record(ingest: IngestBench) -> str:
    (one,) = ingest.items("records")
    return one["record"]


def add(as_, ingest: IngestBench, *given: str, file: str = "boards.pdf", **by: str):
    return as_("ana", "texts", "add", REVIEW, record(ingest), file, *given, **by)


def test_a_copy_is_brought_shown_saved_and_withdrawn(ingest, as_):
    made = data(add(as_, ingest, "--licence", "CC BY 4.0", "--version", "accepted", "--json"))
    shown = as_("rita", "texts", "show", REVIEW, record(ingest), role="reader").stdout
    assert all(said in shown for said in ("retrieved", made["text"], "CC BY 4.0", "accepted", "members"))

    as_("rita", "texts", "save", REVIEW, made["text"], "--to", "saved.pdf", role="reader")
    assert Path("saved.pdf").read_bytes() == PDF
    refused = as_("rita", "texts", "save", REVIEW, made["text"], "--to", "saved.pdf", role="reader").exception
    assert isinstance(refused, Conflict)

    gone = as_("ana", "texts", "withdraw", REVIEW, made["text"], "--reason", "another report").stdout
    assert "no more" in gone
    shown = as_("rita", "texts", "show", REVIEW, record(ingest), role="reader").stdout
    assert "another report" in shown and shown.startswith("sought")


def test_a_closed_copy_is_for_reviewers_and_is_called_as_its_kind(ingest, as_):
    made = add(as_, ingest, "--closed").stdout
    text = made.split()[0]

    assert "pdf, closed, for reviewers" in made
    assert isinstance(as_("rita", "texts", "save", REVIEW, text, role="reader").exception, Forbidden)
    as_("ana", "texts", "save", REVIEW, text)
    assert Path(f"{text}.pdf").read_bytes() == PDF


def test_what_cannot_be_had_is_said_listed_and_counted(ingest, as_):
    id = record(ingest)
    said = as_("ana", "texts", "not-retrieved", REVIEW, id, "--reason", "no library has it").stdout
    assert said == f"the full text of {id} is not retrieved\n"

    listed = as_("rita", "texts", "list", REVIEW, "--state", "not-retrieved", role="reader").stdout
    assert id in listed and "no library has it" in listed
    assert "no full text was sought" in as_("rita", "texts", "list", REVIEW, "--state", "sought", role="reader").stdout
    counts = IngestStatus.model_validate(ingest.get("status")).retrievals
    assert _full_texts(counts) == "0 sought, 0 retrieved, 1 not retrieved"
    as_("ana", "texts", "seek", REVIEW, id, "--reason", "a colleague has it")
    (row,) = data(as_("rita", "texts", "list", REVIEW, "--json", role="reader"))
    assert (row["state"], row["reason"]) == ("sought", "a colleague has it")


def test_what_was_never_sought_says_so(ingest, as_):
    assert "never sought" in as_("rita", "texts", "show", REVIEW, record(ingest), role="reader").stdout


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("nowhere.pdf", None, "nowhere.pdf is no file that is there"),
        ("empty.pdf", b"", "empty.pdf is empty"),
        ("boards.docx", b"PK\x03\x04" + bytes(50), "'boards.docx' is a ZIP archive"),
    ],
)
def test_what_is_no_text_is_refused_by_its_name(ingest, as_, file, content, why):
    if content is not None:
        Path(file).write_bytes(content)

    refused = add(as_, ingest, file=file).exception

    assert isinstance(refused, Invalid) and why in str(refused)


def test_a_blank_reason_and_a_copy_that_is_none_are_refused(ingest, as_):
    blank = as_("ana", "texts", "seek", REVIEW, record(ingest), "--reason", " ").exception
    none = as_("ana", "texts", "save", REVIEW, "text_0").exception

    assert isinstance(blank, Invalid) and isinstance(none, NotFound)
    assert isinstance(add(as_, ingest, role="reader").exception, Forbidden)


def test_all_that_may_be_said_may_be_named():
    assert {each.replace("-", "_") for each in _STATES} == set(RetrievalState.__args__)
    assert (set(_ENDINGS), set(_READERS)) == (set(TextKind.__args__), set(TextReaders.__args__))
    assert set(_VERSIONS) == set(TextVersion.__args__)
