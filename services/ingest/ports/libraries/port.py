"""What a format of library files promises; held by tests/contract/test_libraries.py on every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import BinaryIO, Protocol

from services.ingest.ports.sources.port import SourceRecord
from shared.errors import Invalid
from shared.events.ingest import Bibliography
from shared.events.protocol import FILES
from shared.wire.ingest import LibraryFormat

Format = LibraryFormat

#: Bytes at most of one record of a file, and of all that an `.xlsx` unpacks to.
LARGEST_RECORD, LARGEST_UNPACKED = 4 * 1024 * 1024, 1024 * 1024 * 1024


#: The database of a file that shows none and of which nobody says one.
UNKNOWN = "file"

#: The fields by which a record says which record of ours it is.
_CLAIMS = ("living_record", "living.record")


class UnreadableLibrary(Invalid):
    """The file as a whole is none of the format it claims to be: nothing of it can be taken in. Names file and line."""

    slug = "unreadable_library"

    @classmethod
    def at(cls, file: str, line: int, why: str) -> UnreadableLibrary:
        """Of this file, as it shows at this line."""
        detail = f"{' '.join(file.split())[:200] or 'the file'}, line {line}: {why}"
        return cls(detail, [{"at": f"line {line}", "why": why}], file=file, line=line)


@dataclass(frozen=True)
class Entry:
    """One record of a file, read.

    `line` is where it begins, from 1 (of a sheet its row). `record` is as any source's would be: its `source_id` is the
    number that its database gave it (`accession`), else made of its content, so that the same record is the same one
    in another file. `fields` are columns or tags that are no part of a citation, by their names in the file, as text:
    what somebody decided about it, labels, notes. `remarks` say what of it was left out or mended.
    """

    line: int
    record: SourceRecord
    accession: bool
    fields: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """That of its record, made once."""
        return self.record.content_hash

    @property
    def exported(self) -> str | None:
        """The record that it is, where this platform wrote the file: whichever name a format has for that."""
        return next(filter(None, map(self.fields.get, _CLAIMS)), None)

    def remarking(self, remark: str) -> Entry:
        """The same, with a remark."""
        return replace(self, remarks=(*self.remarks, remark))

    def without_claim(self, remark: str) -> Entry:
        """The same, which is no record that this platform wrote, and why."""
        fields = {name: said for name, said in self.fields.items() if name not in _CLAIMS}
        return replace(self.remarking(remark), fields=fields)

    def without_number(self, source_id: str, remark: str) -> Entry:
        """The same under another id than the number that it has, and why."""
        record = self.record.model_copy(update={"source_id": source_id})
        return replace(self.remarking(remark), record=record, accession=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something of a file that is no record: where it begins, why, and how it begins (at most 500 characters).

    `is_record` is false for junk between records, which nobody lost a record by.
    """

    line: int
    reason: str
    excerpt: str
    is_record: bool = True


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as it is read: what it is, by whom it was made as far as that shows, and its entries, one by one.

    `dialect` is such as `pubmed`, `scopus`, `wos`, `embase`, `ovid`, `cochrane`, `proquest`, `ebsco`, `zotero`,
    `covidence`, `rayyan`, `asreview`, or None. `columns` are the names of a table's columns; `unread` those of them
    that are no part of a citation, nor anything that we wrote ourselves.
    """

    format: Format
    dialect: str | None
    encoding: str | None
    entries: Iterator[Entry | Fault]
    columns: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Reads(Protocol):
    """A format that is read, out of a file that can be sought in and stays the caller's; `name` is what it is called.

    Promises, of whatever bytes:
    - every record of the file is an `Entry` or a `Fault` with its line, in the order of the file;
    - memory is bounded by `LARGEST_RECORD`, not by the file, and nothing outside the file is opened (entities, links);
    - a file that is of another kind, empty, binary or cut off within its frame raises `UnreadableLibrary`, at once or
      at the line where that shows.
    """

    def __call__(self, file: BinaryIO, *, name: str, source: str) -> Opened: ...


#: What is known of every decision; a table has a column for each.
DECISIONS = ("stage", "decision", "reason")


@dataclass(frozen=True, slots=True)
class Exported:
    """A record that leaves: its id, its description, and what was decided about it, each by its column's name (those of
    `DECISIONS`, and others)."""

    record: str
    bibliography: Bibliography
    decisions: Mapping[str, str] = field(default_factory=dict)

    @property
    def databases(self) -> list[str]:
        """The sources that brought it, each once; of a file its database."""
        return list(dict.fromkeys(each.source.removeprefix(FILES) for each in self.bibliography.sources))


class Writes(Protocol):
    """A format that is written, a piece at a time, so that memory does not grow with how many records there are.

    What it writes is read again as the same description, as far as the format has a field for it (each writer says
    which it has not). No cell that begins like a formula does anything in a spreadsheet.
    """

    def __call__(self, records: Iterable[Exported]) -> Iterator[bytes]: ...
