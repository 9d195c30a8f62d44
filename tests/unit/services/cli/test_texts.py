"""`living texts`: copies of reports and what is so of them, from the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from services.cli.review import _full_texts
from services.cli.texts import _ENDINGS, _READERS, _STATES, _VERSIONS, anchors
from services.ingest.jobs import parsing
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.wire.ingest import AnchorState, IngestStatus, RetrievalState, TextKind, TextReaders, TextVersion
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


SAID = "Boards meet often.\n\nTrust grew once they met. Staff were heard.\n\nLater trust grew once they met again.\n"


def bring_text(ingest: IngestBench, as_, *given: str) -> str:
    Path("boards.txt").write_text(SAID)
    text: str = data(add(as_, ingest, *given, "--json", file="boards.txt"))["text"]
    ingest.runs(parsing.parse_texts)
    return text


def test_a_copy_is_read_passage_by_passage_and_quoted(ingest, as_):
    text = bring_text(ingest, as_, "--licence", "CC BY 4.0")

    assert "3 paragraphs" in as_("rita", "texts", "show", REVIEW, record(ingest), role="reader").stdout
    assert "p2: Trust grew once" in as_("rita", "texts", "passages", REVIEW, text, role="reader").stdout
    rows = data(as_("rita", "texts", "passages", REVIEW, text, "--json", role="reader"))
    assert [row["locator"] for row in rows] == ["p1", "p2", "p3"]
    made = as_("ana", "texts", "quote", REVIEW, text, "Staff were  heard").stdout
    assert made.endswith(" stands in p2\n")
    again = data(as_("ana", "texts", "quote", REVIEW, text, "Staff were heard", "--json"))
    assert again["anchor"]["anchor"] == made.split()[0] and again["receipt"].count(".") == 2
    listed = as_("ana", "texts", "anchors", REVIEW).stdout
    assert "Staff were heard" in listed and "anchored" in listed
    of_text = as_("rita", "texts", "anchors", REVIEW, "--text", text, "--state", "lost", role="reader").stdout
    assert "no quote is anchored" in of_text


def test_what_is_not_said_is_refused_with_what_comes_nearest_and_what_is_said_twice_with_where(ingest, as_):
    text = bring_text(ingest, as_)

    refused = as_("ana", "texts", "quote", REVIEW, text, "Staff were never heard")
    assert isinstance(refused.exception, Invalid)
    assert "p2: …" in refused.stderr and "Staff were heard" in refused.stderr
    twice = as_("ana", "texts", "quote", REVIEW, text, "once they met")
    assert isinstance(twice.exception, Invalid)
    assert "p2: …" in twice.stderr and "p3: …" in twice.stderr
    assert as_("ana", "texts", "quote", REVIEW, text, "once they met", "--in", "p3").stdout.endswith("p3\n")
    assert as_("ana", "texts", "quote", REVIEW, text, "once they met", "--suffix", " again").stdout.endswith("p3\n")


def test_what_a_reader_may_not_read_is_shown_by_its_number_of_words_until_a_lead_lets_it(ingest, as_):
    text = bring_text(ingest, as_, "--closed")
    as_("ana", "texts", "quote", REVIEW, text, "Staff were heard")

    assert isinstance(as_("rita", "texts", "passages", REVIEW, text, role="reader").exception, Forbidden)
    assert "3 words" in as_("ana", "texts", "anchors", REVIEW, role="reader").stdout
    said = as_("lea", "texts", "quotable", REVIEW, text, "3", "--reason", "they let us", role="lead").stdout
    assert said == f"quotes of {text} are shown up to 3 words\n"
    assert "Staff were heard" in as_("ana", "texts", "anchors", REVIEW, role="reader").stdout
    assert "no quote is anchored" in as_("rita", "texts", "anchors", REVIEW, role="reader").stdout
    assert "within a minute" in as_("lea", "texts", "parse", REVIEW, text, role="lead").stdout


def test_the_terminal_knows_the_states_of_anchors():
    (choices,) = [it.type for it in anchors.params if it.name == "state"]
    assert tuple(choices.choices) == get_args(AnchorState)
