"""Structured library files that nobody here wrote: no record of any of them is lost, and each is as it was said to be.

How many records a file has is counted apart from its reader: rows by another reader of tables, entries and elements by
how they begin.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import Entry, Fault, Opened, UnreadableLibrary
from services.ingest.ports.sources.port import SourceRecord
from shared.folding import plain_words

ROOT = Path(os.environ.get("LIVING_REALDATA", "../shared/realdata"))
NO_DATA = f"there is no folder {ROOT} (LIVING_REALDATA)"

pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not ROOT.exists(), reason=NO_DATA)]

TABLES = ("*.csv", "*.tsv", "*.tab", "*.csv.gz", "*.tsv.gz")
#: Tables that are about no works: lists of ids, of names of journals, of measures of agreement.
OF_NO_WORKS = re.compile(r"merged_record_ids|_ignored|journal_variants|kappas|overlap|counts")
#: Of these rows there is a title, an abstract or an identifier in none.
SAYING_NOTHING = "it has no title, no abstract and no identifier known elsewhere"


def files(*patterns: str) -> list[str]:
    found = {str(file.relative_to(ROOT)) for pattern in patterns for file in ROOT.rglob(pattern)}
    return sorted(name for name in found if not name.startswith("api-responses/") or name.endswith("labels.csv"))


def content(name: str) -> bytes:
    raw = (ROOT / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def opened(name: str) -> Opened:
    return open_library(io.BytesIO(content(name)), name=Path(name).name.removesuffix(".gz"), source="import")


def sorted_out(library: Opened) -> tuple[list[Entry], list[Fault]]:
    found = list(library.entries)
    return [it for it in found if isinstance(it, Entry)], [it for it in found if isinstance(it, Fault) and it.is_record]


def rows(name: str) -> int:
    """How many rows a table has below its first, with whatever sign gives that most cells."""
    data = content(name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    first = text.splitlines()[0]
    sign = max(",;\t", key=lambda sign: len(next(csv.reader([first], delimiter=sign))))
    return sum(any(map(str.strip, row)) for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign)) - 1


@pytest.mark.parametrize("name", files(*TABLES))
def test_every_row_of_a_table_is_a_record_or_a_fault_with_its_line(name):
    if OF_NO_WORKS.search(name):
        with pytest.raises(UnreadableLibrary, match="line 1"):
            opened(name)
        return

    entries, faults = sorted_out(opened(name))

    assert len(entries) + len(faults) == rows(name)
    assert {it.reason for it in faults} <= {SAYING_NOTHING}


@pytest.mark.parametrize("name", files("*.bib"))
def test_every_entry_of_a_bibtex_file_is_read(name):
    begun = re.findall(rb"(?im)^\s*@(?!comment|string|preamble)\w+\s*\{", content(name))

    entries, faults = sorted_out(opened(name))

    assert (len(entries), faults) == (len(begun), [])


def test_every_record_of_an_endnote_library_is_read_with_what_was_found_out_about_it():
    name = "dedup/colrev-bibdedupe/respiratory/Respiratory.xml"
    library = opened(name)

    entries, faults = sorted_out(library)

    assert (library.format, library.dialect) == ("endnote", "endnote")
    assert (len(entries), faults) == (content(name).count(b"<record>"), [])
    assert Counter(it.fields.get("caption") for it in entries)["Duplicate"] == content(name).count(b">Duplicate<")


def test_an_endnote_library_that_is_cut_off_is_read_up_to_there():
    whole = content("dedup/colrev-bibdedupe/respiratory/Respiratory.xml")
    half = whole[: len(whole) // 2]

    *entries, fault = open_library(io.BytesIO(half), name="half.xml", source="import").entries

    assert len(entries) == half.count(b"</record>")
    assert isinstance(fault, Fault)


def test_a_workbook_is_read():
    entries, faults = sorted_out(opened("exports/colrev/xlsx_data.xlsx"))

    assert ([it.line for it in entries], faults) == ([2, 3, 4], [])


#: Files with what another program made of them, in BibTeX.
EXPECTED = [name for name in files("*_result.bib") if re.search(r"_(bib|csv)_result", name)]


@pytest.mark.parametrize("expected", EXPECTED)
def test_a_file_is_read_as_another_program_reads_it(expected):
    stem = expected.removesuffix("_result.bib")
    (name,) = [name for name in files("*.bib", "*.csv") if Path(name).with_suffix("") == Path(stem)]
    ours, theirs = sorted_out(opened(name))[0], sorted_out(opened(expected))[0]

    assert len(ours) == len(theirs)
    for other in theirs:
        assert any(agree(it.record, other.record) for it in ours), other


def agree(mine: SourceRecord, its: SourceRecord) -> bool:
    """Whether two say the same of a work, as far as the other one says it. It has the title of a book for that of its
    chapters, and leaves out what stands in parentheses at the end of a title."""
    title, words = plain_words(its.title or ""), (plain_words(mine.title or ""), plain_words(mine.venue or ""))
    return (
        any(each[: len(title)] == title for each in words)
        and all(getattr(its, name) in (None, "UNKNOWN", getattr(mine, name)) for name in ("volume", "issue"))
        and its.identifiers.doi in (None, mine.identifiers.doi)
        and (its.published is None or (mine.published or "").startswith(its.published[:4]))
        and (not its.authors or len(mine.authors) == len(its.authors))
    )


@pytest.mark.parametrize(
    ("name", "column", "included"),
    [
        ("screening/asreview-srd/Nagtegaal_2019.csv.gz", "label_included", 101),
        ("screening/asreview-srd/Cohen_2006_ADHD.csv.gz", "label_included", 20),
        ("screening/synergy/Chou_2004.csv.gz", "label_included", 9),
    ],
)
def test_what_was_decided_is_kept(name, column, included):
    if not (ROOT / name).exists():
        pytest.skip(f"there is no {name}")
    library = opened(name)
    entries, _ = sorted_out(library)

    assert column in library.columns
    assert sum(it.fields.get(column) == "1" for it in entries) == included
