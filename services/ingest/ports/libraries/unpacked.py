"""A ZIP archive that cannot unpack to more than a library may be, whatever its directory claims."""

from __future__ import annotations

import re
from typing import IO, BinaryIO, NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo

from services.ingest.ports.libraries.port import LARGEST_RECORD, LARGEST_UNPACKED, UnreadableLibrary

#: Parts of an archive at most; bytes at most, and tags, of one that is read whole, and bytes of that which lists all.
_MOST_PARTS, _LARGEST_PART, _MOST_TAGS, _LARGEST_LIST = 10_000, 4 * 1024 * 1024, 100_000, 1024 * 1024
_LIST = "[Content_Types].xml"
#: Bytes of a part that are read at a time.
_PIECE = 1024 * 1024
#: Bytes at most between the ends of two rows or two texts: a record and the markup around its cells.
_LARGEST_ROW = 4 * LARGEST_RECORD
_END_OF_ROW = re.compile(rb"</(?:\w{1,10}:)?(?:row|si)>")
_ENCRYPTED = 0x1
#: How XML begins that is written in an encoding in which `<!DOCTYPE` is what it looks like.
_PLAIN = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?<(?:\?xml(?![^>]{0,200}encoding=(?![\"'](?i:utf-8|us-ascii)[\"']))|[A-Za-z])"
)


class Part:
    """A part of an archive as it is unpacked, piece by piece; counts what comes."""

    def __init__(self, file: IO[bytes], archive: Archive, part: str) -> None:
        self._file, self._archive, self._part = file, archive, part
        self._since, self._rows, self._tail, self._begun = 0, 0, b"", False

    def read(self, size: int = -1) -> bytes:
        """The next piece; all that is left of a part that is small enough to be read whole."""
        most = _LARGEST_LIST if self._part == _LIST else _LARGEST_PART
        piece = self._file.read(min(size, _PIECE) if size >= 0 else most + 1)
        self._archive.count(len(piece))
        text = self._tail + piece
        self._look_at(text, piece)
        if size >= 0:
            self._count_rows(text, piece)
        elif len(piece) > most:
            self._archive.refuse(1, f"its part {self._part[:100]} unpacks to more than {most} bytes")
        elif piece.count(b"<") > _MOST_TAGS:
            self._archive.refuse(1, f"its part {self._part[:100]} has more than {_MOST_TAGS} tags")
        return piece

    def _look_at(self, text: bytes, piece: bytes) -> None:
        if not self._begun:
            self._begun = True
            if piece and not _PLAIN.match(piece):
                self._archive.refuse(1, f"its part {self._part[:100]} is no XML in UTF-8")
        if b"<!DOCTYPE" in text:
            self._archive.refuse(1, f"its part {self._part[:100]} declares what it is made of, as no workbook does")

    def _count_rows(self, text: bytes, piece: bytes) -> None:
        ends = [end.end() for end in _END_OF_ROW.finditer(text)]
        self._rows += len(ends)
        self._since = len(text) - ends[-1] if ends else self._since + len(piece)
        self._tail = text[max(ends[-1] if ends else 0, len(text) - 20) :]
        if self._since > _LARGEST_ROW:
            self._archive.refuse(
                self._rows + 1, f"a row or text of its part {self._part[:100]} is longer than any record may be"
            )

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Archive:
    """The parts of a ZIP archive by their names. Raises UnreadableLibrary for one that is none, or is too large."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name, self._count = name, 0
        self.filename = name
        try:
            self._zip = ZipFile(file)
        except (BadZipFile, ValueError, NotImplementedError, OSError, EOFError, UnicodeDecodeError) as error:
            self.refuse(1, f"it is no sound ZIP archive ({error})")
        parts = self._zip.infolist()
        if len(parts) > _MOST_PARTS:
            self.refuse(1, f"it has {len(parts)} parts, which no workbook has")
        if (total := sum(part.file_size for part in parts)) > LARGEST_UNPACKED:
            self.refuse(1, f"it unpacks to {total} bytes, and no library may be larger than {LARGEST_UNPACKED}")
        if any(part.flag_bits & _ENCRYPTED for part in parts):
            self.refuse(1, "it is encrypted")

    def namelist(self) -> list[str]:
        return self._zip.namelist()

    def has_under(self, folder: str) -> bool:
        return any(part.lstrip("/").startswith(folder) for part in self.namelist())

    def getinfo(self, part: str) -> ZipInfo:
        return self._zip.getinfo(part)

    def open(self, part: str, mode: str = "r") -> Part:
        return Part(self._zip.open(part), self, part)

    def read(self, part: str) -> bytes:
        with self.open(part) as file:
            return file.read()

    def close(self) -> None:
        self._zip.close()

    def count(self, size: int) -> None:
        self._count += size
        if self._count > LARGEST_UNPACKED:
            self.refuse(1, f"it unpacks to more than {LARGEST_UNPACKED} bytes")

    def refuse(self, row: int, why: str) -> NoReturn:
        raise UnreadableLibrary.at(self._name, row, why)
