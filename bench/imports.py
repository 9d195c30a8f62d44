"""Imports: how fast a team's file is taken in, and in how much memory, beside the bare insert of the same file.

The import is the command and the job of ingest: every record is read, compared, sorted in, written and told, some of
them a transaction. The bare insert reads the file with `rispy` and stores one row a record by SQLAlchemy Core, as many
a transaction; it is timed without the reading too. Both are of one process, and the peaks of memory are taken before
the bare insert begins.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import rispy  # type: ignore[import-untyped]
from sqlalchemy import JSON, Column, MetaData, String, Table, insert

from bench import servers
from bench.corpus import ROOT
from bench.machine import look_for_garbage_as_the_platform
from bench.texts import Text, generated
from services.ingest.commands.imports import request_import
from services.ingest.commands.uploads import keep_upload
from services.ingest.jobs.importing import AT_ONCE, take_in_files
from services.ingest.manifest import SERVICE
from services.ingest.models import ImportRow, ReviewRow
from shared import identifiers
from shared.db import migrate
from shared.db.engine import Database
from shared.errors import Unavailable
from shared.runtime.platform import Platform
from shared.runtime.running import Running
from shared.wire.ingest import NewImport

_REVIEW = "bench"

#: A file of so much less, of other records, goes first: it warms both up, and its peak of memory is held against the
#: larger one's.
_SMALLER = 10

#: Of so many works one is in the file a second time, as another database writes it.
_TWICE = 25


@dataclass(frozen=True, slots=True)
class Import:
    """Of a file of so many records and bytes (`size`): the seconds that its import took, those of the bare insert, and
    those of these for storing alone; the most memory of the process, in bytes, after a tenth of the file and after it.
    """

    records: int
    size: int
    seconds: float
    bare: float
    storing: float
    peak_of_tenth: int
    peak: int

    @property
    def share(self) -> float:
        """The speed of the import as a share of the bare insert's."""
        return self.bare / self.seconds


def measure(url: str, folder: Path, records: int) -> Import:
    """An import of so many records into an empty database, in a process of its own; `url` is that of all services'
    databases. Raises Unavailable when it fails."""
    files = [folder / "tenth.ris", folder / "whole.ris"]
    texts = works(records + records // _SMALLER)
    for file, count in zip(files, (records // _SMALLER, records), strict=True):
        with file.open("w", encoding="utf-8", newline="") as writing:
            writing.writelines(islice(texts, count))
    command = [sys.executable, "-m", "bench.imports", url, str(folder), *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Unavailable(f"the import ended with {done.returncode}")
    return Import(**json.loads(done.stdout.splitlines()[-1]))


def main(url: str, folder: str, tenth: str, whole: str) -> None:
    """What runs in the process of its own: prints the result."""
    settings = servers.read({"LIVING_DATA_DIR": folder, "LIVING_DATABASE_URL": url})
    platform = Platform(settings, [SERVICE])
    try:
        running = platform.running["ingest"]
        migrate.upgrade(running.database, SERVICE)
        running.blobs.ready()
        with running.work("bench") as work:
            work.add(ReviewRow(review=_REVIEW, protocol_version=1))
        look_for_garbage_as_the_platform()
        _import(running, Path(tenth))
        peak_of_tenth = _peak()
        seconds, records = _import(running, Path(whole))
        peak = _peak()
        table = _table(running.database)
        _bare(running.database, table, Path(tenth))
        bare, storing = min(_bare(running.database, table, Path(whole)) for _ in range(2))
        size = Path(whole).stat().st_size
        print(json.dumps(asdict(Import(records, size, seconds, bare, storing, peak_of_tenth, peak))))
    finally:
        platform.stop()


def _import(running: Running, file: Path) -> tuple[float, int]:
    """Takes a file in; the seconds from the job's start to its end, and the records that were read."""
    with file.open("rb") as content:
        kept = running.blobs.put(iter(lambda: content.read(1 << 20), b""), file.stat().st_size)
    with running.work("bench") as work:
        keep_upload(work, _REVIEW, kept)
        asked = NewImport(file=kept.sha256, name=file.name, database="embase")
        imported = request_import(work, running.blobs, _REVIEW, asked).id
    began = time.perf_counter()
    take_in_files(running)
    seconds = time.perf_counter() - began
    with running.work("bench", readonly=True) as work:
        row = work.session.get_one(ImportRow, imported)
        if row.error is not None:
            raise Unavailable(row.error)
        return seconds, row.entries


def _table(database: Database) -> Table:
    table = Table("bare_imports", MetaData(), Column("id", String, primary_key=True), Column("record", JSON))
    table.create(database.engine)
    return table


def _bare(database: Database, table: Table, file: Path) -> tuple[float, float]:
    """The seconds of the bare insert into an empty table, and of these those for storing alone."""
    with database.engine.begin() as connection:
        connection.execute(table.delete())
    began = time.perf_counter()
    with file.open(encoding="utf-8") as content:
        read = rispy.load(content)
    reading = time.perf_counter() - began
    for start in range(0, len(read), AT_ONCE):
        rows = [{"id": str(start + at), "record": each} for at, each in enumerate(read[start : start + AT_ONCE])]
        with database.engine.begin() as connection:
            connection.execute(insert(table), rows)
    seconds = time.perf_counter() - began
    return seconds, seconds - reading


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def works(count: int) -> Iterator[str]:
    """So many records of RIS that differ as a database's do: each has its own title, abstract, authors and pages."""
    random, former = Random(11), ""
    for number, text in enumerate(generated(count)):
        if number % _TWICE or not former:
            former = _record(random, number, text)
            yield former
        else:
            yield "".join(line for line in former.splitlines(keepends=True) if line[:2] not in ("DO", "AN", "AB"))


def _record(random: Random, number: int, text: Text) -> str:
    title, abstract, year = text
    journal, first = random.randrange(len(_ISSNS)), random.randrange(1, 2_000)
    authors = [
        f"{random.choice(_FAMILIES)}, {random.choice('ABCDEFGHJKLMNPRST')}." for _ in range(random.randint(1, 9))
    ]
    tagged: list[tuple[str, Any]] = [
        ("TY", "JOUR"), ("TI", title), *(("AU", author) for author in authors), ("PY", year),
        ("T2", f"Journal of {_FAMILIES[journal]} Care"), ("VL", journal % 60 + 1), ("IS", number % 12 + 1),
        ("SP", first), ("EP", first + random.randrange(4, 20)), ("SN", _ISSNS[journal]), ("LA", "English"),
        ("AN", f"L{600_000_000 + number}"), ("DB", "Embase"), *(("KW", word) for word in random.sample(_FAMILIES, 8)),
    ]  # fmt: skip
    if random.random() < 0.9:
        tagged.append(("DO", f"10.1000/{journal}.{number}"))
    if abstract:
        tagged.append(("AB", abstract))
    return "".join(f"{tag}  - {said}\r\n" for tag, said in tagged) + "ER  - \r\n\r\n"


#: Names of people, made as the words of titles are: some are common, most are not.
_FAMILIES = sorted({word.strip(",.").title() for title, _, _ in generated(200, seed=7) for word in title.split()
                    if word.strip(",.").isalpha() and len(word) > 4})  # fmt: skip

_ISSNS = [
    issn for number in range(1000, 1400) for end in "0123456789X" if (issn := identifiers.issn(f"{number}-321{end}"))
]


if __name__ == "__main__":
    main(*sys.argv[1:])
