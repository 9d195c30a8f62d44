"""Formats are told apart by what a file holds, since exports are called anything."""

from __future__ import annotations

import io

import pytest

from services.ingest.ports.libraries.catalog import format_of
from services.ingest.ports.libraries.port import UnreadableLibrary

RIS, NBIB, CIW, ENW = b"TY  - JOUR\nTI  - A\nER  - \n", b"\nPMID- 1\nTI  - A\n", b"PT J\nTI A\nER\n", b"%0 Book\n%T A\n"


@pytest.mark.parametrize(("body", "format"), [(RIS, "ris"), (NBIB, "nbib"), (CIW, "ciw"), (ENW, "enw")])
@pytest.mark.parametrize("name", ["export.txt", "savedrecs.ris", "PUBMED.NBIB", "library.ciw", "no ending"])
def test_what_a_file_holds_counts_more_than_its_name(body, format, name):
    assert format_of(io.BytesIO(body), name=name) == format
    assert format_of(io.BytesIO(body.decode().encode("utf-16")), name=name) == format


def test_its_name_counts_where_what_it_holds_says_nothing():
    assert format_of(io.BytesIO(b"A preamble\n" * 20_000 + RIS), name="export.RIS") == "ris"


@pytest.mark.parametrize("name", ["export.txt", "letter.odt", ""])
def test_a_file_of_no_format_is_refused(name):
    with pytest.raises(UnreadableLibrary, match=f"^{name or 'the file'}, line 1: it begins like no "):
        format_of(io.BytesIO(b"Dear Sir,\n\nplease find enclosed"), name=name)


@pytest.mark.parametrize("name", ["export.txt", "no ending"])
@pytest.mark.parametrize("line", ["@article{a,", "PMID- 1", "TY  - JOUR", "%0 Book\n%T A", "PT J"])
@pytest.mark.parametrize(
    ("body", "format"),
    [
        ('title,abstract\nA,"One\n%s\nTwo"\n', "csv"),
        ("<xml><records><record><abstract>One\n%s\n</abstract></record></records></xml>", "endnote"),
        ("\n@misc{a,\n  abstract = {One\n%s\n}\n}\n", "bibtex"),
        ("TY  - JOUR\nAB  - One\n%s\nER  - \n", "ris"),
    ],
)
def test_what_a_file_begins_with_counts_more_than_what_an_abstract_says(body, format, line, name):
    assert format_of(io.BytesIO((body % line).encode()), name=name) == format
