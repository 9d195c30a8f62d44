"""Workbooks: what cells show is read, and an archive that would fill the machine is refused before it does."""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.ports.libraries import sheets
from services.ingest.ports.libraries.port import LARGEST_UNPACKED, Entry, Exported, Fault, UnreadableLibrary
from shared.events.ingest import Bibliography
from tests.unit.services.ingest.ports.libraries.bibliographies import (
    bibliographies,
    described,
    entries,
    everything,
    opened,
    written,
)


def workbook(*rows: list[object], **others: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in others.items():
        sheet = book.create_sheet(title)
        for row in more:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def changed(data: bytes, part: str, text: bytes) -> bytes:
    """The archive with another text for one of its parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, text if name == part else old.read(name))
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
FRAME = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


def inline(number: int, *texts: bytes) -> bytes:
    cells = b"".join(b'<c t="inlineStr"><is><t>%s</t></is></c>' % text for text in texts)
    return b'<row r="%d">%s</row>' % (number, cells)


def test_a_row_is_a_record_and_its_line_is_its_row():
    data = workbook(
        ["Exported today"], [], ["Title", "Publication Year", "Date", "Volume", "Seen", "Label"],
        ["A", 2019, datetime(2019, 4, 1), 12.0, True, "x"], [None, None], ["B", "2020", date(2020, 1, 2), "3A", False],
    )  # fmt: skip

    library = opened(sheets, data)
    above, first, second = library.entries

    assert isinstance(above, Fault) and (above.line, above.is_record) == (1, False)
    assert isinstance(first, Entry) and isinstance(second, Entry)
    assert (first.line, first.record.title, first.record.published, first.record.volume) == (4, "A", "2019-04-01", "12")
    assert first.fields == {"Seen": "TRUE", "Label": "x"}
    assert (second.line, second.record.published, second.record.volume) == (6, "2020-01-02", "3A")
    assert library.columns == ("Title", "Publication Year", "Date", "Volume", "Seen", "Label")


def test_a_formula_is_never_worked_out():
    data = workbook(["title", "notes"], ["A", "=1+1"], ["B", '=HYPERLINK("http://example.org")'])

    first, second = entries(sheets, data)

    assert (dict(first.fields), dict(second.fields)) == ({}, {})


def test_the_value_that_a_formula_had_is_read():
    row = b'<row r="2"><c t="str"><f>1+1</f><v>Two</v></c><c><f>2*3</f><v>6</v></c></row>'

    (entry,) = entries(sheets, changed(workbook(["x"]), SHEET, FRAME % (inline(1, b"title", b"volume") + row)))

    assert (entry.record.title, entry.record.volume) == ("Two", "6")


def test_another_sheet_is_named_and_what_stands_before_the_right_one_too():
    data = workbook(["Read me"], Records=[["Title"], ["A"]], Empty=[], Notes=[["some", "notes"]])

    found = everything(sheets, data)

    assert [it.record.title for it in found if isinstance(it, Entry)] == ["A"]
    assert [it.reason for it in found if isinstance(it, Fault)] == [
        "only one sheet is read, and 'Sheet' is another one",
        "only one sheet is read, and 'Notes' is another one",
    ]


def test_an_archive_that_claims_to_unpack_to_ten_gigabytes_is_refused():
    data = bytearray(workbook(["title"], ["A"]))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (4_000_000_000).to_bytes(4, "little")

    with pytest.raises(UnreadableLibrary, match=f"mine.xlsx, line 1: it unpacks to .* {LARGEST_UNPACKED}"):
        opened(sheets, bytes(data), name="mine.xlsx")


def test_an_archive_that_unpacks_to_more_than_it_claims_is_refused(monkeypatch):
    monkeypatch.setattr("services.ingest.ports.libraries.unpacked.LARGEST_UNPACKED", 100_000)
    data = changed(workbook(["x"]), SHEET, FRAME % b"".join(inline(number, b"title") for number in range(1, 2_000)))

    with pytest.raises(UnreadableLibrary, match="unpacks to"):
        everything(sheets, data)


@pytest.mark.parametrize(
    "row", [b"<c/>" * 200_000, b'<c a="" b="" d=""/>' * 100_000, b"<a>" * 60], ids=["cells", "attributes", "nested"]
)
def test_a_row_of_no_end_of_cells_is_refused_with_its_number(row):
    data = changed(workbook(["x"]), SHEET, FRAME % (inline(1, b"title") + inline(2, b"A") + b"<row>%s</row>" % row))

    with pytest.raises(UnreadableLibrary, match=r"library, line 3: .*(more than \d+ elements|deeper than 50)"):
        everything(sheets, data)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("xl/styles.xml", b"<styleSheet>%s</styleSheet>" % (b"<xf/>" * 200_000)),
        ("xl/styles.xml", b"<styleSheet>%s</styleSheet>" % (b" " * 5_000_000)),
        ("[Content_Types].xml", b"<Types>%s</Types>" % (b" " * 2_000_000)),
        ("xl/workbook.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><workbook/>"),
        ("xl/workbook.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><workbook/>".encode("utf-16")),
    ],
)
def test_a_part_that_is_read_whole_is_refused_before_it_is_understood(part, text):
    with pytest.raises(UnreadableLibrary, match=r"its part .* (tags|unpacks to more|declares|is no XML in UTF-8)"):
        everything(sheets, changed(workbook(["title"], ["A"]), part, text))


@pytest.mark.parametrize("texts", [[b"x" * 40_000_000], [b"x"] * 600_000])
def test_a_cell_or_row_of_no_end_is_refused_with_its_row(texts):
    data = changed(workbook(["x"]), SHEET, FRAME % (inline(1, b"title") + inline(2, b"A") + inline(3, *texts)))

    with pytest.raises(UnreadableLibrary, match=r"library, line 3: .*(longer than any record|cannot be read on)"):
        everything(sheets, data)


def test_a_cell_that_is_longer_than_any_record_is_a_fault_and_the_next_row_is_read():
    rows = inline(1, b"title") + inline(2, b"x" * 5_000_000) + inline(3, b"B")

    fault, entry = everything(sheets, changed(workbook(["x"]), SHEET, FRAME % rows))

    assert isinstance(fault, Fault) and fault.line == 2
    assert isinstance(entry, Entry) and entry.record.title == "B"


@pytest.mark.parametrize(
    "cells",
    [
        b'<c t="s"><v>99</v></c>',
        b'<c s="x"><v>99</v></c>',
        b'<c r="3A"><v>99</v></c>',
        b'<c r="ZZZZ3"><v>99</v></c>',
        b'<c r="B3"><v>99</v></c><c r="A3"><v>1</v></c>',
    ],
    ids=["no such text", "no such style", "no such cell", "beyond all columns", "out of order"],
)
def test_a_cell_that_cannot_be_read_is_its_rows_fault_and_the_rows_below_are_read(cells):
    rows = inline(1, b"title") + inline(2, b"A") + b'<row r="3">%s</row>' % cells + inline(4, b"B")

    first, fault, last = everything(sheets, changed(workbook(["x"]), SHEET, FRAME % rows))

    assert isinstance(first, Entry) and isinstance(last, Entry)
    assert (first.record.title, last.line, last.record.title) == ("A", 4, "B")
    assert isinstance(fault, Fault) and (fault.line, fault.is_record) == (3, True)
    assert "one of its cells cannot be read" in fault.reason and "99" in fault.excerpt


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE a [<!ENTITY b "cccccccc"><!ENTITY d "&b;&b;&b;">]>' + FRAME % inline(1, b"&d;"),
        b'<?xml version="1.0" encoding="utf-16"?>' + FRAME % b"",
        (FRAME % b"").decode().encode("utf-16"),
        FRAME[:40],
        FRAME % b"<row><c t='s'><v>99</v></c></row>",
        FRAME % b"<row><c r='ZZZZ9'><v>1</v></c></row>",
        b"not xml",
    ],
)
def test_a_sheet_that_is_none_is_refused(bomb):
    with pytest.raises(UnreadableLibrary):
        everything(sheets, changed(workbook(["title"], ["A"]), SHEET, bomb))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"title,year\nA,2001\n", workbook(["name"], ["A"])])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(UnreadableLibrary, match="library, line 1: "):
        everything(sheets, data)


@pytest.mark.parametrize("parts", [["export.ris"], ["word/document.xml", "[Content_Types].xml"], []])
def test_an_archive_of_something_else_is_refused_in_a_sentence(parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for part in parts:
            archive.writestr(part, "<w/>")

    with pytest.raises(UnreadableLibrary, match=r"it is a ZIP archive, and no workbook \(\.xlsx\): unpack it"):
        everything(sheets, file.getvalue())


SOUND = workbook(["title", "year"], ["A", 2001], ["B", 2002])


@given(st.binary(max_size=300) | st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)))
def test_whatever_comes_is_read_or_refused(given_):
    data = given_ if isinstance(given_, bytes) else SOUND[: given_[0]] + bytes([given_[1]]) + SOUND[given_[0] + 1 :]
    with contextlib.suppress(UnreadableLibrary):
        everything(sheets, data)


@given(st.lists(bibliographies(), min_size=1, max_size=3))
@settings(max_examples=60)
def test_what_is_written_is_read_again(works):
    exported = [Exported(f"rec_{number}", it, {"reason": "@x"}) for number, it in enumerate(works)]

    read = entries(sheets, written(sheets, exported))

    assert [described(it.record) for it in read] == [described(it) for it in works]
    assert read[0].fields == {"living_record": "rec_0", "reason": "@x"}


def test_other_programs_read_what_is_written_and_find_no_formula():
    work = Bibliography(title="=1+1", abstract="One\nTwo \x07 _x0041_", authors=["+Group"])
    data = written(sheets, [Exported("rec_1", work, {})])

    with warnings.catch_warnings(action="error"):
        names, row = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)

    cells = dict(zip(names, row, strict=True))
    assert (cells["title"], cells["authors"]) == ("'=1+1", "'+Group")
    (entry,) = entries(sheets, data)
    assert (entry.record.title, entry.record.abstract) == ("=1+1", "One\nTwo   _x0041_")


def test_of_a_text_that_no_cell_holds_the_beginning_is_written_and_said_so():
    work = Bibliography(title="A", abstract="=" + "é" * 40_000)

    (entry,) = entries(sheets, written(sheets, [Exported("rec_1", work, {})]))

    assert entry.record.abstract == "=" + "é" * 32_765
    assert entry.fields["further_decisions"] == "cut after 32766 characters: L"
