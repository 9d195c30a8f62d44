"""Surveys: a file that somebody sent is looked at before it is taken in. Nothing is kept of what is seen."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from time import monotonic
from typing import BinaryIO, cast

from services.ingest.commands.uploads import unknown_file
from services.ingest.domain.mappings import name_of
from services.ingest.domain.outlines import Outline
from services.ingest.domain.proposals import Survey
from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import Entry, Fault, Opened, UnreadableLibrary
from shared.blobs.packing import BlobMissing
from shared.blobs.port import Blobs
from shared.errors import Invalid, Unavailable
from shared.storage import fault_of
from shared.wire.ingest import LARGEST_FILE, ColumnView, FileSurvey, LibraryFormat, ValueView

#: Records that are looked at, bytes of a file, and seconds.
MOST_RECORDS, MOST_BYTES, MOST_SECONDS = 5_000, 64 * 1024 * 1024, 10.0

#: Columns of a citation that are named.
_MOST_CITED = 100

#: How a workbook begins, which is read from its end.
_ARCHIVE = b"PK\x03\x04"


class TooMuch(Invalid):
    """A file is too large, or takes too long, to be looked at beforehand; it may be imported nevertheless."""

    slug = "too_much_to_survey"


def survey(blobs: Blobs, sha256: str, *, name: str, format: LibraryFormat | None) -> FileSurvey:
    """What a file holds, by its first records: its columns, and the mapping that these suggest.

    It is made outside any transaction, in bounded memory, disk and time. Raises NotFound for bytes that are not kept,
    UnreadableLibrary for a file that is no library, and TooMuch.
    """
    until = monotonic() + MOST_SECONDS
    with _beginning(blobs, sha256) as (file, whole):
        opened = open_library(_timed(file, until), name=name, format=format, source="import:file")
        seen = _Seen(opened, whole)
        seen.look(until)
    return seen.view(sha256, name)


class _Seen:
    """What is seen of a file so far."""

    def __init__(self, opened: Opened, whole: bool) -> None:
        self._opened, self.whole = opened, whole
        self._survey, self._outline, self._faults = Survey(), Outline(), 0

    def look(self, until: float) -> None:
        """Goes through the records, as far as so many, and as long as there is time."""
        try:
            for each in self._opened.entries:
                self._see(each)
                if self._survey.records + self._faults >= MOST_RECORDS or monotonic() > until:
                    self.whole = False
                    return
        except (UnreadableLibrary, TooMuch):
            # What was cut off by us ends anywhere.
            if self.whole or not self._survey.records:
                raise

    def _see(self, each: Entry | Fault) -> None:
        if isinstance(each, Entry):
            self._survey.see(each.fields)
            self._outline.see(each.fields)
        else:
            self._faults += each.is_record

    def view(self, sha256: str, name: str) -> FileSurvey:
        opened, columns = self._opened, list(self._outline.columns())
        unread = set(opened.unread)
        return FileSurvey(
            sha256=sha256, format=opened.format, dialect=opened.dialect, encoding=opened.encoding,
            records=self._survey.records, rejected=self._faults, whole=self.whole,
            cited=[name_of(each) for each in opened.columns if each not in unread][:_MOST_CITED],
            columns=[
                ColumnView(
                    name=one.name, filled=one.filled, more=one.more,
                    values=[ValueView(value=value, times=times) for value, times in one.values],
                )
                for one in columns
            ],
            more_columns=self._outline.more_columns, states=self._survey.states,
            mapping=self._survey.proposal(name, opened.dialect, whole=self.whole),
        )  # fmt: skip


class _Timed(io.FileIO):
    """A file that is read until its time is over."""

    until = 0.0

    def readinto(self, into: object) -> int:
        if monotonic() > self.until:
            raise TooMuch("it takes too long to be looked at beforehand; import it with a mapping of your own")
        return super().readinto(into)  # type: ignore[arg-type]


def _timed(file: BinaryIO, until: float) -> BinaryIO:
    raw = _Timed(file.fileno(), closefd=False)
    raw.until = until
    return cast(BinaryIO, io.BufferedReader(raw))


@contextmanager
def _beginning(blobs: Blobs, sha256: str) -> Iterator[tuple[BinaryIO, bool]]:
    """A file's first bytes, as many as are looked at, and whether they are all."""
    try:
        size = blobs.size(sha256)
        chunks = blobs.open(sha256, LARGEST_FILE)
    except BlobMissing:
        raise unknown_file(sha256) from None
    with _copy() as file:
        for chunk in chunks:
            if not file.tell() and chunk.startswith(_ARCHIVE) and size > MOST_BYTES:
                raise TooMuch("a workbook as large as this is not looked at beforehand; save it as CSV, or import it")
            file.write(chunk[: MOST_BYTES - file.tell()])
            if file.tell() >= MOST_BYTES:
                break
        file.flush()
        file.seek(0)
        yield file, size <= MOST_BYTES


@contextmanager
def _copy() -> Iterator[BinaryIO]:
    """A file of the temporary folder. Raises Unavailable where that has no room or takes nothing."""
    try:
        with TemporaryFile() as file:
            yield cast(BinaryIO, file)
    except OSError as error:
        fault = fault_of(Path(gettempdir()) / "copy", error)
        if fault is None:
            raise
        raise Unavailable("the disk on which files are looked at is full, or fails", slug=fault.slug) from error
