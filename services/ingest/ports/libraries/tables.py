"""Tables of text, as every database and screening tool exports them (CSV, TSV), and as we do.

The rows are read by Python's reader of CSV, one at a time. Around it: which sign divides the cells, what is above the
names of the columns, and what to do where a quotation mark opens a cell that nothing closes, so that one broken row
does not take those below it along.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO

from services.ingest.ports.libraries.cells import defused_throughout, undefused_throughout
from services.ingest.ports.libraries.columns import is_header, meanings
from services.ingest.ports.libraries.encoding import Encoding, Line, encoding_of, lines_of
from services.ingest.ports.libraries.outgoing import in_pieces, rows_of
from services.ingest.ports.libraries.port import LARGEST_RECORD, Entry, Exported, Fault, Opened, UnreadableLibrary
from services.ingest.ports.libraries.rows import MOST_BEFORE, MOST_COLUMNS, Columns, before_header, fitted, no_header
from services.ingest.ports.libraries.said import fault

#: A table has a column for all that a description has.
LACKS: frozenset[str] = frozenset()

_SIGNS = ",;\t|"
#: Physical lines that a row may have, which are read anew where it turns out to be no row; and how often that may be
#: more than a handful of them, since a file could be made so that each of its lines begins a row without an end.
_MOST_LINES, _FEW_LINES, _MOST_RETRIES = 20_000, 200, 50

# A cell may be as long as a record; Python's own limit is 128 KiB.
csv.field_size_limit(max(csv.field_size_limit(), 2 * LARGEST_RECORD))


class _Broken(Exception):
    """A row that cannot be read, with the reason."""


class Row:
    """A row of a table: its cells, and its lines as they are in the file."""

    def __init__(self, lines: list[Line], cells: list[str], sign: str) -> None:
        self.lines, self.cells, self._sign = lines, cells, sign

    @property
    def number(self) -> int:
        return self.lines[0].number

    @property
    def text(self) -> str:
        return "".join(line.text for line in self.lines[:20])

    def swallowed(self, columns: int) -> list[Line]:
        """Those of its lines from the first on that is a row of so many cells by itself: a quotation mark that nothing
        closes has swallowed them."""
        for index, line in enumerate(self.lines[1:], start=1):
            if columns > 1 and len(self._alone(line)) == columns:
                return self.lines[index:]
        return []

    def is_odd(self) -> bool:
        """Whether quotation marks stand in it where none may."""
        try:
            next(csv.reader([line.text for line in self.lines], delimiter=self._sign, strict=True), None)
        except csv.Error:
            return True
        return False

    def _alone(self, line: Line) -> list[str]:
        try:
            return next(csv.reader([line.text], delimiter=self._sign), [])
        except csv.Error:
            return []


class _Rows:
    """The rows of a file; lines may be given back to be read once more."""

    def __init__(self, lines: Iterator[Line], sign: str) -> None:
        self._lines, self._sign = lines, sign
        self._again: deque[Line] = deque()
        self._retries = 0

    def __iter__(self) -> Iterator[Row | Fault]:
        while (first := self._next()) is not None:
            held = [first]
            try:
                cells = self._read(held)
            except _Broken as error:
                yield from self._broken(held, str(error))
                continue
            if cells:
                yield Row(held, cells, self._sign)

    def give_back(self, lines: list[Line]) -> bool:
        """Has these lines read again; false where that was done too often."""
        if len(lines) > _FEW_LINES:
            self._retries += 1
        if self._retries > _MOST_RETRIES:
            return False
        self._again.extendleft(reversed(lines))
        return True

    def _next(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _read(self, held: list[Line]) -> list[str]:
        """The cells of the row that begins with the line held, with whatever lines it goes on in held after it."""
        text = held[0].text
        if '"' not in text and not held[0].cut:
            # As most lines are, a row of its own.
            return next(csv.reader([text], delimiter=self._sign), [])
        size = 0

        def lines() -> Iterator[str]:
            nonlocal size
            line: Line | None = held[0]
            while line is not None:
                size += len(line.text)
                if line.cut or size > LARGEST_RECORD:
                    raise _Broken(f"it is longer than {LARGEST_RECORD} bytes")
                if len(held) > _MOST_LINES:
                    raise _Broken(f"it has more than {_MOST_LINES} lines")
                yield line.text
                if (line := self._next()) is not None:
                    held.append(line)
            raise _Broken("a quotation mark opens a cell that nothing closes")

        try:
            return next(csv.reader(lines(), delimiter=self._sign), [])
        except csv.Error as error:
            raise _Broken(f"it is no row ({error})") from error

    def _broken(self, held: list[Line], reason: str) -> Iterator[Fault]:
        first = held[0]
        yield fault(first.number, reason, first.text)
        if len(held) > 1 and not self.give_back(held[1:]):
            yield fault(held[1].number, f"{len(held) - 1} lines are passed over with the row before", held[1].text)


def read(file: BinaryIO, *, name: str, source: str) -> Opened:
    """A table whose cells are divided by commas, semicolons, tabs or bars, whichever give most columns that we know."""
    encoding = encoding_of(file, name=name)
    sign, skipped = _sign_of(file, encoding, name)
    rows = _Rows(islice(lines_of(file, encoding, ends=True), skipped, None), sign)
    above: list[Fault] = []
    walk = iter(rows)
    for row in islice(walk, MOST_BEFORE + 1):
        if isinstance(row, Fault):
            above.append(fault(row.line, row.reason, row.excerpt, is_record=False))
        elif is_header(row.cells):
            columns = Columns(row.cells, source=source, undefused=undefused_throughout)
            entries = chain(above, _entries(rows, walk, columns))
            return Opened(
                "tsv" if sign == "\t" else "csv",
                columns.dialect,
                encoding.name,
                entries,
                columns.written,
                columns.unread,
            )
        elif text := before_header(row.number, row.cells):
            above.append(text)
    raise no_header(name)


def _sign_of(file: BinaryIO, encoding: Encoding, name: str) -> tuple[str, int]:
    """What divides the cells, and how many lines say so (`sep=;`, as Excel has it).

    Of the signs by which a row names columns that we know, that by which it names most. A table of one column has none.
    """
    beginning = list(islice(lines_of(file, encoding), MOST_BEFORE + 1))
    if beginning and len(said := beginning[0].text.strip().strip('"')) == 5 and said.lower().startswith("sep="):
        return said[4], 1
    best, sign = 0, ""
    for line in beginning:
        for each in _SIGNS:
            cells = next(csv.reader([line.text[:100_000]], delimiter=each), [])
            if len(cells) > MOST_COLUMNS:
                raise UnreadableLibrary.at(name, line.number, f"it has {len(cells)} columns, which no table has")
            known = len([meaning for meaning in meanings(cells, None) if meaning]) if is_header(cells) else 0
            if known > best:
                best, sign = known, each
        if sign:
            return sign, 0
    raise no_header(name)


def _entries(rows: _Rows, walk: Iterator[Row | Fault], columns: Columns) -> Iterator[Entry | Fault]:
    for row in walk:
        if isinstance(row, Fault):
            yield row
            continue
        if not any(cell.strip() for cell in row.cells):
            continue
        if columns.are(row.cells):
            # Of a file that was put at the end of another one.
            yield fault(row.number, "it names the columns again", row.text, is_record=False)
            continue
        given, wanted = len(row.cells), len(columns.written)
        try:
            cells, remark = fitted(row.cells, wanted)
        except ValueError as error:
            yield fault(row.number, str(error), row.text)
            rows.give_back(row.swallowed(wanted))
            continue
        is_odd = (remark or len(row.lines) > 1) and row.is_odd()
        lines = row.swallowed(wanted) if remark or is_odd else []
        if (lines and rows.give_back(lines)) or (remark and is_odd):
            why = "takes in rows below it" if lines else "quotation marks within them"
            yield fault(row.number, f"it has {given} cells of {wanted}, and {why}", row.text)
            continue
        remarks = [remark] if remark else []
        remarks += dict.fromkeys(line.remark for line in row.lines if line.remark)
        yield columns.read(row.number, cells, remarks)


def write(records: Iterable[Exported]) -> Iterator[bytes]:
    """A table with commas between its cells, in UTF-8 with its mark, as spreadsheets want it."""
    return in_pieces(chain(["\ufeff"], map(_line, rows_of(records))))


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(defused_throughout, cells))
    return line.getvalue()
