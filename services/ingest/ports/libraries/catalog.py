"""The formats of library files, told apart by what a file holds and what it is called, each loaded when it is used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import BinaryIO, cast

from services.ingest.ports.libraries.encoding import HEAD, encoding_of, head_of
from services.ingest.ports.libraries.port import Exported, Format, Opened, Reads, UnreadableLibrary, Writes

_HERE = __name__.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: the module that has its `read` and, where it is written too, its `write` and what that `LACKS`; the
    endings of its files; and how they begin, in bytes (`magic`) or somewhere in their first lines (`signature`).

    `LACKS` are the names of what descriptions have and the format has no field for.
    """

    module: str
    endings: tuple[str, ...]
    written: bool = False
    magic: bytes | None = None
    signature: re.Pattern[str] | None = None


_BIBTEX = re.compile(
    r"^[ \t]*@[ \t]*(?:article|book|misc|in\w{4,12}|\w{2,4}thesis|proceedings|\w{0,7}report|unpublished|comment|string"
    r"|preamble|conference|booklet|manual|online|data\w{3,4}|collection|review|software|electronic)[ \t]*[{(]",
    re.IGNORECASE | re.MULTILINE,
)
#: A first line that names columns.
_NAMES_OF_COLUMNS = re.compile(
    r"\A(?:[^\n]{0,5000}[,;\t])?[ \"]{0,3}(?:\w{1,20} )?(?:title|abstract|pmid|doi)s?[ \"]{0,3}(?:[,;\t]|\r?$)",
    re.IGNORECASE | re.MULTILINE,
)

#: In the order in which they are tried: what a file holds counts more than its name, since exports are called anything.
KINDS: Mapping[Format, Kind] = {
    "ris": Kind(
        "ris", (".ris", ".txt"), written=True, signature=re.compile(r"^[ \t]{0,3}TY[ \t]{1,2}-", re.MULTILINE | re.I)
    ),
    "nbib": Kind(
        "nbib", (".nbib", ".txt"), written=True,
        signature=re.compile(r"^(?:PMID *-|OWN +- [A-Z]|VN +- Ovid|STAT *- |UI +- )", re.MULTILINE),
    ),
    "ciw": Kind("ciw", (".ciw", ".isi", ".txt"), signature=re.compile(r"^(?:FN .{3,80}\nVR |PT [A-Z]\s*$)", re.M)),
    "enw": Kind(
        "enw", (".enw", ".enl", ".txt"),
        signature=re.compile(r"^%[0TAJBDF][ \t].*\n(?:.*\n)?%[0-9A-Z@][ \t]", re.MULTILINE),
    ),
    "bibtex": Kind("bibtex", (".bib", ".bibtex", ".txt"), written=True, signature=_BIBTEX),
    "endnote": Kind("endnote", (".xml",), written=True, signature=re.compile(r"\A\s*<(?:\?xml|xml|records)\b")),
    "csl-json": Kind("csljson", (".json",), written=True, signature=re.compile(r"\A\s*(?:\[\s*[\]{]|\{\s*\")")),
    "csv": Kind("tables", (".csv",), written=True, signature=_NAMES_OF_COLUMNS),
    "xlsx": Kind("sheets", (".xlsx", ".xlsm"), written=True, magic=b"PK\x03\x04"),
    "tsv": Kind("tables", (".tsv", ".tab", ".txt"), signature=re.compile(r"\A(?:PT|PMID|Title)\t", re.IGNORECASE)),
}  # fmt: skip


def _reads(format: Format) -> Reads:
    def read(file: BinaryIO, *, name: str, source: str) -> Opened:
        return cast(Reads, import_module(f"{_HERE}.{KINDS[format].module}").read)(file, name=name, source=source)

    return read


def _writes(format: Format) -> Writes:
    def write(records: Iterable[Exported]) -> Iterator[bytes]:
        return cast(Writes, import_module(f"{_HERE}.{KINDS[format].module}").write)(records)

    return write


#: Every format that is read, and every one that is written.
FORMATS: Mapping[Format, Reads] = {format: _reads(format) for format in KINDS}
WRITERS: Mapping[Format, Writes] = {format: _writes(format) for format, kind in KINDS.items() if kind.written}


def ending_of(format: Format) -> str:
    """How the name of a file of a format ends."""
    return KINDS[format].endings[0]


def lacks_of(format: Format) -> frozenset[str]:
    """What of a description a written format has no field for."""
    return cast(frozenset[str], import_module(f"{_HERE}.{KINDS[format].module}").LACKS)


def open_library(file: BinaryIO, *, name: str, format: Format | None = None, source: str) -> Opened:
    """Opens a file of the format that is named, or else of that which it shows; it must be one that can be sought in.

    `name` is what it is called, `source` what its records are of. Raises UnreadableLibrary for one of no format.
    """
    return FORMATS[format or format_of(file, name=name)](file, name=name, source=source)


def format_of(file: BinaryIO, *, name: str) -> Format:
    """The format of a file, by what it holds and else by its name; leaves it at its beginning. Raises
    UnreadableLibrary."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    named = [format for format, kind in KINDS.items() if name.lower().endswith(kind.endings)]
    if magic := [format for format, kind in KINDS.items() if kind.magic and head.startswith(kind.magic)]:
        return magic[0]
    text = head_of(file, encoding_of(file, name=name))
    shown = {format: kind.signature.search(text) for format, kind in KINDS.items() if kind.signature}
    found = {format: sign.start() for format, sign in shown.items() if sign}
    if found:
        # What a file begins with says what it is; what comes later may be of an abstract, which may say anything.
        return min(found, key=lambda it: (not _is_beginning(text, found[it]), it not in named, found[it]))
    if len(named) == 1:
        return named[0]
    raise UnreadableLibrary.at(name, 1, f"it begins like no library file we know ({', '.join(KINDS)})")


def _is_beginning(text: str, position: int) -> bool:
    return not text[:position].strip("\ufeff \t\r\n")
