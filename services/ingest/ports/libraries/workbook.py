"""What a workbook of a spreadsheet (XLSX) holds: its sheets, and their rows as text, one at a time.

openpyxl reads what a workbook is made of. The texts and the rows, of which there may be a hundred thousand, are read
here: it keeps all texts in memory, and of each row more than its cells.
"""

from __future__ import annotations

import os
import re
import warnings
from array import array
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from weakref import finalize
from xml.etree.ElementTree import Element, ParseError, iterparse

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.cell import coordinate_to_tuple
from openpyxl.utils.datetime import from_excel
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from services.ingest.ports.libraries.port import LARGEST_RECORD, Fault, UnreadableLibrary
from services.ingest.ports.libraries.rows import MOST_COLUMNS
from services.ingest.ports.libraries.said import fault
from services.ingest.ports.libraries.unpacked import Archive, Part
from services.ingest.ports.sources.port import EXCERPT

#: Transitional workbooks, which nearly all are, and strict ones.
_SPACES = (SHEET_MAIN_NS, "http://purl.oclc.org/ooxml/spreadsheetml/main")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
#: How deep the elements of a sheet may lie, and how many a row or text may have with their attributes.
_DEEPEST, _MOST_ELEMENTS = 50, 8 * MOST_COLUMNS
_HALVES = range(0xD800, 0xE000)


class Workbook:
    """A workbook that is opened. Raises UnreadableLibrary for a file that is none."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        self._archive = Archive(file, name)
        if "[Content_Types].xml" not in self._archive.namelist() or not self._archive.has_under("xl/"):
            self._archive.refuse(
                1, "it is a ZIP archive, and no workbook (.xlsx): unpack it, and bring the files in it"
            )
        self._reader = _Reader(self._archive)
        try:
            with warnings.catch_warnings():
                # Of styles that are no standard ones, and the like.
                warnings.simplefilter("ignore")
                self._reader.read()
        except UnreadableLibrary:
            raise
        except Exception as error:
            # openpyxl raises whatever it stumbles on: KeyError, TypeError, AttributeError ...
            raise UnreadableLibrary.at(name, 1, f"it is no workbook that can be read ({_said(error)})") from error

    @property
    def sheets(self) -> list[tuple[str, str]]:
        """The sheets by their titles, each with its part of the archive."""
        return self._reader.sheets

    def rows(self, part: str) -> Iterator[tuple[int, list[str]] | Fault]:
        """The rows of a sheet that have cells, each with its number; a fault for one of which a cell cannot be read.

        Raises UnreadableLibrary where the sheet is broken.
        """
        at = 0
        try:
            with self._archive.open(part) as source:
                for row in _elements(source, "row"):
                    given = row.get("r") or ""
                    at = int(given) if given.isdigit() and len(given) < 10 else at + 1
                    yield self._row(at, row)
        except UnreadableLibrary:
            raise
        except Exception as error:
            raise UnreadableLibrary.at(self._name, at + 1, f"its sheet cannot be read on ({_said(error)})") from error

    def _row(self, number: int, row: Element) -> tuple[int, list[str]] | Fault:
        try:
            return number, self._cells(row)
        except Exception as error:
            # Of openpyxl, too, which raises whatever it stumbles on.
            texts = "; ".join(islice(filter(str.strip, row.itertext()), EXCERPT))
            return fault(number, f"one of its cells cannot be read ({_said(error)})", texts)

    def _cells(self, row: Element) -> list[str]:
        cells: list[str] = []
        for cell in row:
            if _local(cell.tag) != "c":
                continue
            coordinate = cell.get("r")
            column = coordinate_to_tuple(coordinate)[1] if coordinate else len(cells) + 1
            if not len(cells) < column <= MOST_COLUMNS:
                raise ValueError(f"a cell is in column {column}")
            cells += [""] * (column - len(cells) - 1)
            cells.append(self._text(cell))
        return cells

    def _text(self, cell: Element) -> str:
        """What a cell shows; of a formula the value that was worked out when it was saved, if any."""
        kind, value = cell.get("t", "n"), _child(cell, "v")
        if kind == "inlineStr":
            return _string(_child(cell, "is"))
        said = "" if value is None else value.text or ""
        match kind:
            case "s":
                shared: str = self._reader.strings[int(said)] if said else ""
                return shared
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(said, said)
            case "n":
                return self._number(said, int(cell.get("s") or 0))
        return _unescaped(said)

    def _number(self, said: str, style: int) -> str:
        try:
            number = float(said)
        except ValueError:
            return said
        book: Any = self._reader.wb
        if style in book._date_formats and style not in book._timedelta_formats:
            try:
                moment = from_excel(number, book.epoch)
            except (OverflowError, ValueError):
                return said
            midnight = isinstance(moment, datetime) and moment.time().isoformat() == "00:00:00"
            return str(moment.date().isoformat() if midnight else moment.isoformat())
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else said


class _Reader(ExcelReader):  # type: ignore[misc]  # It tells no types.
    """openpyxl's reader of workbooks, of which only what a table needs is used."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.valid_files = archive.namelist()
        self.read_only = self.data_only = True
        self.keep_vba = self.keep_links = self.rich_text = False
        self.strings = Strings()
        self.sheets: list[tuple[str, str]] = []

    def read(self) -> None:
        self.read_manifest()
        if (part := self.package.find(SHARED_STRINGS)) is not None:
            with self.archive.open(part.PartName[1:]) as source:
                for element in _elements(source, "si"):
                    self.strings.append(_string(element))
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)
        for it, related in self.parser.find_sheets():
            if "chartsheet" not in related.Type and related.target in self.valid_files:
                self.sheets.append((str(it.name), related.target))


class Strings:
    """The texts that the cells of a workbook share, in a file, since there may be more than memory should hold."""

    def __init__(self) -> None:
        self._file = TemporaryFile(buffering=1024 * 1024)  # noqa: SIM115  # It is closed with the last of its texts.
        finalize(self, self._file.close)
        self._ends = array("Q", [0])
        self._flushed = False

    def append(self, text: str) -> None:
        raw = text.encode("utf-8", "replace")
        self._file.write(raw)
        self._ends.append(self._ends[-1] + len(raw))

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._ends) - 1:
            raise IndexError(f"there is no shared text {index}")
        if not self._flushed:
            self._file.flush()
            self._flushed = True
        start, end = self._ends[index], self._ends[index + 1]
        return os.pread(self._file.fileno(), end - start, start).decode()


def _elements(source: Part, wanted: str) -> Iterator[Element]:
    """The elements of a name, each whole; what was read before is let go. A part declares no entities (`Part`), so the
    quick parser will do. Raises ValueError for elements beyond all measure."""
    tags = {f"{{{space}}}{wanted}" for space in _SPACES}
    above: list[Element] = []
    inside = held = 0
    for event, element in iterparse(source, events=("start", "end")):
        if event == "start":
            inside += element.tag in tags
            above.append(element)
            held = held + 1 + len(element.attrib) if inside else 0
            if len(above) > _DEEPEST:
                raise ValueError(f"its elements lie deeper than {_DEEPEST}")
            if held > _MOST_ELEMENTS:
                raise ValueError(f"a row or text has more than {_MOST_ELEMENTS} elements and attributes")
            continue
        above.pop()
        if element.tag in tags:
            inside, held = inside - 1, 0
            yield element
        if not inside:
            element.clear()
            if above:
                above[-1].clear()


def _string(element: Element | None) -> str:
    """A text with its runs of several faces, without what only says how it is spoken."""
    parts: list[str] = []
    for child in element if element is not None else ():
        if _local(child.tag) == "t":
            parts.append(child.text or "")
        elif _local(child.tag) == "r":
            parts.extend(run.text or "" for run in child if _local(run.tag) == "t")
    text = "".join(parts)
    return _unescaped(text[:LARGEST_RECORD])


def _unescaped(text: str) -> str:
    """Characters that XML cannot hold are written as `_x000D_`."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    return "\ufffd" if code in _HALVES else chr(code)


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _local(child.tag) == name), None)


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _said(error: Exception) -> str:
    what = "it is no sound XML" if isinstance(error, ParseError) else type(error).__name__
    return f"{what}: {' '.join(str(error).split())[:200]}"
