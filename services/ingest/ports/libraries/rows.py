"""A row of a table as an entry: what each of its cells says, by the column that it is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from services.ingest.ports.libraries import keywords, names
from services.ingest.ports.libraries.cells import undefused
from services.ingest.ports.libraries.columns import dialect_of, meanings
from services.ingest.ports.libraries.outgoing import ALL_COLUMNS, DATABASES
from services.ingest.ports.libraries.port import Entry, Fault, UnreadableLibrary
from services.ingest.ports.libraries.said import Said, fault, several

#: Columns of a table at most; a spreadsheet has 16,384.
MOST_COLUMNS = 16_384
#: Rows before the one that names the columns: a title, who exported it and when.
MOST_BEFORE = 20

_LISTS = {"issn": "issns", "isbn": "isbns"}
#: `Nature. 2021 Dec 21;1(2):10-11. doi: ...`, as PubMed cites.
_CITATION = re.compile(
    r"\. (?P<date>[12][0-9]{3}[^;:.]{0,25});(?P<volume>[^():;]{0,40})(?:\((?P<issue>[^()]{1,60})\))?"
    r"(?::(?P<pages>[^;. ]{1,60}))?"
)
#: `Cancer (2004) 102:4 (253-258). Date of Publication: 25 Aug 2004`, as Embase does.
_EMBASE = re.compile(
    r"(?P<venue>.{1,500}?) \((?P<year>[12][0-9]{3})\)(?: (?P<volume>[^:( ][^:(]{0,60}))?"
    r"(?::(?P<issue>[^( ][^(]{0,60}?))?(?: \((?P<pages>[^()]{1,60})\))?\.? "
    r"(?:Article Number: (?P<article_number>\S{1,60})\.? )?Date of Publication: (?P<date>[^.;]{4,40})"
)
#: `JAMA. 310(5):490-8, 2013 Aug 07.`, as Ovid does.
_OVID = re.compile(
    r"(?P<venue>[^.]{1,300})\. (?P<volume>[^():;,]{0,40})(?:\((?P<issue>[^()]{1,60})\))?"
    r"(?::(?P<pages>[^,]{1,60}))?,\s?(?P<date>[12][0-9]{3}[^.;]{0,20})"
)


class Columns:
    """The columns of one table, by what its row of names says."""

    def __init__(self, written: Sequence[str], *, source: str, undefused: Callable[[str], str] = undefused) -> None:
        """`undefused` gives what a cell of a table of ours was before it was written."""
        self._raw = [name.strip(" \t\r\n\ufeff") for name in written]
        self.written = tuple(_distinct(self._raw))
        self.dialect = dialect_of(self.written)
        self.source = source
        self._meanings = meanings(self.written, self.dialect)
        self._own, self._undefused = self.dialect == "living", undefused

    @property
    def unread(self) -> tuple[str, ...]:
        """Those that are no part of a citation, nor one that our own tables have."""
        own = ALL_COLUMNS if self._own else ()
        named = zip(self.written, self._meanings, strict=True)
        return tuple(name for name, meaning in named if meaning is None and name not in own)

    def are(self, cells: Sequence[str]) -> bool:
        """Whether a row is that of the names once more."""
        return cells[0].strip(" \t\r\n\ufeff") == self._raw[0] and [name.strip() for name in cells[1:]] == self._raw[1:]

    def read(self, line: int, cells: Sequence[str], remarks: Iterable[str] = ()) -> Entry | Fault:
        """The row that begins at `line`; it has as many cells as there are columns."""
        said = Said(remarks=list(remarks), own=self._own)
        references: list[tuple[str, str, str]] = []
        for name, meaning, cell in zip(self.written, self._meanings, cells, strict=True):
            if not cell or (not self._own and cell.isspace()):
                continue
            if self._own and name == DATABASES:
                # What brought a record before is no more than that.
                continue
            if self._own and "'" in cell:
                cell = self._undefused(cell)
            if meaning in ("citation", "source"):
                references.append((meaning, name, cell))
            elif meaning is None or not self._take(said, meaning, cell):
                said.fields[name] = cell
        for meaning, name, cell in references:
            if not self._cited(said, meaning, cell):
                said.fields[name] = cell
        return said.entry(line=line, source=self.source, excerpt="; ".join(filter(None, cells)))

    def _take(self, said: Said, meaning: str, cell: str) -> bool:
        """Takes what a cell says, and answers whether it was wanted: of two that say the same, the first counts."""
        match meaning:
            case "authors" | "editors":
                if getattr(said, meaning):
                    return False
                setattr(said, meaning, self._names(cell))
            case "issn" | "isbn":
                getattr(said, _LISTS[meaning]).extend(self._several(cell))
            case "keywords":
                said.keywords.extend(names.listed(cell) if self._own else keywords.split(cell))
                # People keep labels and decisions there as well, so it stays a field too.
                return self._own
            case "url":
                said.urls.extend(self._several(cell))
            case "other_title":
                said.other_titles.extend(names.listed(cell) if self._own else [cell])
            case "other_venue":
                said.other_venues.append(cell)
            case "kind":
                said.kinds.append(cell)
            case _:
                if getattr(said, meaning):
                    return False
                setattr(said, meaning, cell)
        return True

    def _names(self, cell: str) -> list[str]:
        return names.listed(cell) if self._own else names.split(cell, glued=self.dialect == "springer")

    def _several(self, cell: str) -> list[str]:
        return names.listed(cell) if self._own else several(cell)

    def _cited(self, said: Said, meaning: str, cell: str) -> bool:
        """Reads where a work is out of a reference, as far as no column of its own has it. It stays a field too, unless
        it is the only column that says so."""
        forms = (_CITATION,) if meaning == "citation" else (_EMBASE, _OVID)
        found = next(filter(None, (form.search(cell) for form in forms)), None)
        if found is None:
            return False
        for name, text in found.groupdict().items():
            if text and not getattr(said, name):
                setattr(said, name, text.strip())
        return meaning == "source"


def _distinct(written: list[str]) -> list[str]:
    """The names of columns, each once: a second one of a name is numbered, and one without is called by its letter."""
    found: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for index, name in enumerate(written, start=1):
        name = name or f"column {index}"
        distinct = name
        while distinct in found:
            numbers[name] = numbers.get(name, 1) + 1
            distinct = f"{name} ({numbers[name]})"
        found[distinct] = None
    return list(found)


def fitted(cells: list[str], columns: int) -> tuple[list[str], str | None]:
    """The cells of a row, as many as there are columns, and what is said of it. Raises ValueError where it has more."""
    while len(cells) > columns and not cells[-1].strip():
        cells.pop()
    if len(cells) > columns:
        raise ValueError(f"it has {len(cells)} cells, and there are {columns} columns")
    lacking = columns - len(cells)
    return cells + [""] * lacking, f"it has {len(cells)} cells of {columns}" if lacking else None


def no_header(name: str) -> UnreadableLibrary:
    return UnreadableLibrary.at(name, 1, "none of its columns names a title, an abstract or an identifier")


def before_header(line: int, cells: Sequence[str]) -> Fault | None:
    """What stands above the names of the columns, which is no record."""
    text = "; ".join(filter(None, cells))
    return fault(line, "it stands above the names of the columns", text, is_record=False) if text.strip() else None
