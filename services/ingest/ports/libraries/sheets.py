"""Tables in workbooks of spreadsheets (XLSX). What a cell shows is read: no formula is worked out, no link followed.

A sheet holds 32,767 characters in a cell: of a longer text only the beginning is written, and the last column says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import IO, BinaryIO, cast
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from services.ingest.ports.libraries.cells import defused
from services.ingest.ports.libraries.columns import is_header
from services.ingest.ports.libraries.outgoing import rows_of
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, Opened
from services.ingest.ports.libraries.rows import MOST_BEFORE, Columns, before_header, fitted, no_header
from services.ingest.ports.libraries.said import fault
from services.ingest.ports.libraries.workbook import Workbook

#: A sheet has a column for all that a description has.
LACKS: frozenset[str] = frozenset()

#: Characters of a cell at most, as Excel counts them (UTF-16).
_LONGEST_CELL = 32_767
_PIECE = 64 * 1024

_NO_CHARACTER = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|_(?=x[0-9A-Fa-f]{4}_)")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
#: The least that Excel takes for a workbook with one sheet.
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Records" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/worksheet"'
        f' Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        "</Relationships>"
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf/><xf numFmtId="49" applyNumberFormat="1" quotePrefix="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}  # fmt: skip


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """The first sheet that has columns which we know. Lines are its rows."""
    workbook = Workbook(file, name)
    for index, (_, part) in enumerate(workbook.sheets):
        rows = workbook.rows(part)
        above: list[Fault] = []
        for row in islice(rows, MOST_BEFORE + 1):
            if isinstance(row, Fault):
                above.append(replace(row, is_record=False))
                continue
            number, cells = row
            if is_header(cells):
                columns = Columns(cells, source=source)
                others = (it for other, it in enumerate(workbook.sheets) if other != index)
                entries = chain(above, _entries(rows, columns), _left_out(workbook, others))
                return Opened("xlsx", columns.dialect, None, entries, columns.written, columns.unread)
            if text := before_header(number, cells):
                above.append(text)
    raise no_header(name)


def _entries(rows: Iterable[tuple[int, list[str]] | Fault], columns: Columns) -> Iterator[Entry | Fault]:
    for row in rows:
        if isinstance(row, Fault):
            yield row
            continue
        number, cells = row
        if not any(cell.strip() for cell in cells):
            continue
        if sum(map(len, cells)) > LARGEST_RECORD:
            yield fault(number, f"it is longer than {LARGEST_RECORD} bytes", cells[0])
            continue
        try:
            # Empty cells at the end of a row are not stored at all.
            fit, _ = fitted(cells, len(columns.written))
        except ValueError as error:
            yield fault(number, str(error), "; ".join(filter(None, cells)))
        else:
            yield columns.read(number, fit)


def _left_out(workbook: Workbook, others: Iterable[tuple[str, str]]) -> Iterator[Fault]:
    """The other sheets that have something in them."""
    for title, part in others:
        rows = (row for row in workbook.rows(part) if not isinstance(row, Fault))
        filled = next((number for number, cells in rows if any(map(str.strip, cells))), None)
        if filled is not None:
            yield fault(filled, f"only one sheet is read, and {title[:100]!r} is another one", title, is_record=False)


class _Sent:
    """Where an archive is written to: what came since it was asked for last."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """A workbook of one sheet. Every cell is text that no spreadsheet takes for a formula or a date."""
    sent = _Sent()
    with ZipFile(cast(IO[bytes], sent), "w", ZIP_DEFLATED) as archive:
        for part, text in _PARTS.items():
            archive.writestr(part, _HEAD + text)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            held, length = [f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'], 0
            for number, cells in enumerate(rows_of(records), start=1):
                held.append(_row(number, cells))
                length += len(held[-1])
                if length >= _PIECE:
                    sheet.write("".join(held).encode("utf-8", "replace"))
                    held, length = [], 0
                    if piece := sent.taken():
                        yield piece
            sheet.write("".join([*held, "</sheetData></worksheet>"]).encode("utf-8", "replace"))
    yield sent.taken()


def _row(number: int, cells: list[str]) -> str:
    cut = [
        index for index, cell in enumerate(cells) if len(cell) * 2 > _LONGEST_CELL and _length(cell) >= _LONGEST_CELL
    ]
    for index in cut:
        cells[index] = _beginning(cells[index])
    if cut:
        letters = ", ".join(map(_letter, cut))
        cells[-1] = "; ".join(filter(None, [cells[-1], f"cut after {_LONGEST_CELL - 1} characters: {letters}"]))
    written = "".join(f"{_cell(index, number, cell)}" for index, cell in enumerate(cells) if cell)
    return f'<row r="{number}">{written}</row>'


def _cell(index: int, number: int, text: str) -> str:
    text = escape(_NO_CHARACTER.sub(_escaped, defused(text)))
    return f'<c r="{_letter(index)}{number}" s="1" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _escaped(character: re.Match[str]) -> str:
    return f"_x{ord(character[0]):04X}_"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _beginning(text: str) -> str:
    """What a cell holds, less one for the apostrophe before it."""
    return text.encode("utf-16-le", "replace")[: 2 * (_LONGEST_CELL - 1)].decode("utf-16-le", "ignore")


def _letter(index: int) -> str:
    """The letters of a column, counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
