"""A corpus of recorded OpenAlex works: JSON files of work objects inside zip files, served as they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import orjson

from demo.replay.corpus import SourceName, Text
from shared.errors import Invalid

#: Decoded JSON files kept at a time, about 25 works each.
_KEPT_FILES = 16
#: Texts kept, so that the many terms of one strategy do not rebuild a work's text each.
_KEPT_TEXTS = 64
_NO_DAY = date(1, 1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a work lies: which archive, which file in it, which item of its list."""

    archive: Path
    member: str
    index: int


@dataclass(frozen=True, slots=True)
class WorkEntry:
    """One work: its dates are in memory, the work itself stays in its archive until it is asked for."""

    key: str
    published: date
    entered: date
    location: Location
    corpus: OpenAlexWorksCorpus

    def wire(self) -> dict[str, Any]:
        return self.corpus.read(self.location)

    def text(self) -> Text:
        return self.corpus.text(self.location)


class OpenAlexWorksCorpus:
    """Every work of the zip files `pattern` below `folder`, each once, in the order they lie there.

    A work that lies in several files is served from the last, by file name and then folder: of two builds
    of a data set the newer. Only ids, dates and places are kept in memory, and the last few files read.
    Raises Invalid when there is no such file.
    """

    def __init__(self, folder: Path, pattern: str = "**/works*.zip") -> None:
        self._lock = threading.Lock()
        self._members = lru_cache(maxsize=_KEPT_FILES)(_read_member)
        self.text = lru_cache(maxsize=_KEPT_TEXTS)(self._text)
        archives = sorted(folder.glob(pattern), key=lambda path: (path.name, path))
        if not archives:
            raise Invalid(f"{folder} has no file {pattern} with OpenAlex works")
        entries = {entry.key: entry for archive in archives for entry in self._index(archive)}
        self._entries = sorted(entries.values(), key=lambda entry: entry.location)

    def entries(self, source: SourceName) -> Sequence[WorkEntry]:
        return self._entries if source == "openalex" else []

    def read(self, location: Location) -> dict[str, Any]:
        with self._lock:
            return self._members(location.archive, location.member)[location.index]

    def _text(self, location: Location) -> Text:
        work = self.read(location)
        source = (work.get("primary_location") or {}).get("source") or work.get("host_venue") or {}
        positions = ((at, word) for word, each in (work.get("abstract_inverted_index") or {}).items() for at in each)
        return Text(
            title=work.get("title") or "",
            venue=source.get("display_name") or "",
            abstract=" ".join(word for _, word in sorted(positions)),
        )

    def _index(self, archive: Path) -> Iterator[WorkEntry]:
        with ZipFile(archive) as file:
            members = [name for name in file.namelist() if name.endswith(".json")]
        for member in members:
            for index, work in enumerate(_read_member(archive, member)):
                yield WorkEntry(
                    key=work["id"].rpartition("/")[2],
                    published=_day(work.get("publication_date")),
                    entered=_day(work.get("created_date")),
                    location=Location(archive, member, index),
                    corpus=self,
                )


def _read_member(archive: Path, member: str) -> list[dict[str, Any]]:
    with ZipFile(archive) as file:
        works: list[dict[str, Any]] = orjson.loads(file.read(member))
    return works


def _day(text: str | None) -> date:
    return date.fromisoformat(text[:10]) if text else _NO_DAY
