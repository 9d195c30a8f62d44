"""Taking in the files that people bring: some records a transaction, so that a kill at any moment loses and doubles
nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import BinaryIO

from services.ingest import store
from services.ingest.commands.deduplication import take_in
from services.ingest.commands.searches import settle_search
from services.ingest.commands.statements import keep_statements
from services.ingest.commands.watches import watch_over
from services.ingest.domain.mappings import Mapped, name_of
from services.ingest.domain.watching import ImportStates, RunStates
from services.ingest.jobs.checking import MappingMisfit, check_file, mapped_of
from services.ingest.jobs.claims import brought_back, known_by_numbers, remark_on
from services.ingest.jobs.items import (
    add_remarks,
    changed_of,
    count,
    keep_items,
    keep_rejections,
    storable,
    words_of,
)
from services.ingest.models import ImportRow, RunRow, WatchRow
from services.ingest.ports.libraries.catalog import open_library
from services.ingest.ports.libraries.port import UNKNOWN, Entry, Fault, Opened, UnreadableLibrary
from services.ingest.ports.sources.port import Rejection
from shared import logging
from shared.bus.judging import is_down
from shared.db.work import Work
from shared.errors import Conflict, Lost, Unavailable
from shared.events.ingest import FileImported
from shared.events.protocol import FILES
from shared.ids import new_id
from shared.service import Context
from shared.storage import fault_of

log = logging.get(__name__)

ACTOR = "ingest:import"

#: Records of a file that are taken in by one transaction.
AT_ONCE = 200

#: Columns that a remark names; and the one in which Rayyan writes what was decided.
MOST_NAMED, _RAYYAN_COLUMN = 50, "notes"


def take_in_files(running: Context) -> None:
    """Takes in what people brought, one file after another.

    A process that dies leaves how far it came, and the next one goes on from there: the same bytes are read again, and
    what was taken in is passed over. An error ends an import, which keeps it; a server that is away does not.
    """
    while not running.stopping.is_set():
        with running.work(ACTOR, readonly=True) as work:
            row = store.next_import(work)
            stages = store.review_of(work, row.review).stages if row is not None else None
        if row is None:
            return
        try:
            _take_in(running, row, stages)
        except Exception as error:
            # Another process was faster, or something we need is away.
            if isinstance(error, Conflict) or (is_down(error) and not isinstance(error, Lost)):
                if isinstance(error, OSError):
                    _say_what_it_waits_for(running, row, error)
                raise
            with running.work(ACTOR, correlation=row.run) as work:
                _fail(work, row.id, error)
            if not isinstance(error, UnreadableLibrary | MappingMisfit | Lost):
                raise


def _take_in(running: Context, row: ImportRow, stages: dict[str, list[str]] | None) -> None:
    with TemporaryFile() as file:
        for chunk in running.blobs.open(row.sha256, row.size):
            file.write(chunk)
        opened = _opened(file, row)
        mapped = mapped_of(row, stages)
        if mapped and row.run is None:
            check_file(running, row, mapped, opened)
            if running.stopping.is_set():
                return
            opened = _opened(file, row)
        batches = _batches(opened.entries)
        # Read before anything is written: a file that is none shows it here.
        first = next(batches, [])
        with running.work(ACTOR) as work:
            begun = _begin(work, row.id, opened, row.database or opened.dialect or UNKNOWN, mapped)
        for number, entries in enumerate(chain([first], batches)):
            if running.stopping.is_set():
                return
            if number >= begun.pages:
                with running.work(ACTOR, correlation=begun.id) as work:
                    _take_batch(work, row.id, entries, number, mapped, read=file.tell())
        with running.work(ACTOR, correlation=begun.id) as work:
            _end(work, row.id)


def _say_what_it_waits_for(running: Context, row: ImportRow, error: OSError) -> None:
    """Keeps why a file cannot be read for now: a working copy of it is made in the temporary folder, which has no room
    or takes nothing. Raises Unavailable, which says so too."""
    fault = fault_of(Path(gettempdir()) / "copy", error)
    if fault is None:
        return
    why = f"waits for a working copy of {row.name!r}, and goes on by itself: {fault.detail}"
    with running.work(ACTOR, correlation=row.run) as work:
        kept = store.lock_import(work, row.id)
        if kept.state in ImportStates.UNFINISHED:
            kept.error = why
    raise Unavailable(f"import {row.id!r} {why}", slug=fault.slug) from error


def _opened(file: BinaryIO, row: ImportRow) -> Opened:
    """The file from its beginning, its records of the database that was named, or else shows."""
    opened = _open(file, row, row.database or UNKNOWN)
    if row.database is None and opened.dialect is not None:
        opened = _open(file, row, opened.dialect)
    return opened


def _open(file: BinaryIO, row: ImportRow, database: str) -> Opened:
    file.seek(0)
    return open_library(file, name=row.name, format=row.asked_format, source=f"{FILES}{database}")


def _batches(entries: Iterator[Entry | Fault]) -> Iterator[list[Entry | Fault]]:
    while batch := list(islice(entries, AT_ONCE)):
        yield batch


def _begin(work: Work, imported: str, opened: Opened, database: str, mapped: Sequence[Mapped]) -> RunRow:
    """Notes what a file is, and opens the run that takes it in, unless that was done before."""
    row = store.lock_import(work, imported)
    row.error = None
    if row.run is not None:
        return store.lock_run(work, row.run)
    row.format, row.dialect, row.encoding, row.columns = (
        opened.format, opened.dialect, opened.encoding, list(opened.columns),
    )  # fmt: skip
    remarks = [remark] if (remark := remark_on(row.database, opened.dialect)) is not None else []
    row.database = database
    review = store.lock_review(work, row.review)
    watch = _watch(work, row, f"{FILES}{database}", review.protocol_version)
    run, day = new_id("run"), row.searched_on or row.asked_at.astimezone(UTC).date()
    row.run = run
    ImportStates.turn(row, ImportStates.RUNNING)
    opened_run = work.add(
        RunRow(
            id=run, walk=run, review=row.review, watch=watch.id, source=watch.source, query=row.query or row.name,
            protocol_version=review.protocol_version, purpose="import", dated_by="came", since=day, until=day,
            reported=row.reported, started_at=work.now, remarks=remarks,
        )
    )  # fmt: skip
    add_remarks(opened_run, _unread(opened.unread, mapped))
    return opened_run


def _unread(columns: Sequence[str], mapped: Sequence[Mapped]) -> Iterator[str]:
    """What is remarked, once, of a table's columns of which nothing is taken in, nor read as what was decided."""
    read = {name for one in mapped for name in (*one.columns, *([_RAYYAN_COLUMN] if one.reads else []))}
    if columns := [name for name in columns if name_of(name) not in read]:
        more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
        yield f"columns not read: {', '.join(name[:100] for name in columns[:MOST_NAMED])}{more}"


def _watch(work: Work, row: ImportRow, source: str, version: int) -> WatchRow:
    """The watch by which strategies are told from each other: that of its search, or of all files of one database,
    which is there from the first on."""
    if row.search is not None:
        watch = store.watch_of(work, row.review, store.search_of(work, row.review, row.search).watch)
        # A protocol may have named another database since.
        if watch.source == source:
            return watch
    return watch_over(work, row.review, source, "import", version)


def _take_batch(
    work: Work,
    imported: str,
    entries: Iterable[Entry | Fault],
    number: int,
    mapped: Sequence[Mapped],
    *,
    read: int,
) -> None:
    """Takes in some records of a file, each counted once however often it stands in it, with what it states was
    decided about them. Raises Conflict where another process was faster."""
    row = store.lock_import(work, imported)
    assert row.run is not None
    review, run = store.lock_review_and_run(work, row.run)
    if run.state != RunStates.RUNNING or run.pages != number:
        raise Conflict(f"import {imported!r} is {run.state}, at {run.pages} and not at {number}", slug="run_moved")
    brought = [_storable(entry) for entry in entries if isinstance(entry, Entry)]
    faults = [fault for fault in entries if isinstance(fault, Fault)]
    held, ours, fresh_own = brought_back(work, run, brought)
    read_ones = known_by_numbers(work, run, held)
    taken = [entry for entry in read_ones if entry.exported not in ours]
    ids = [entry.record.source_id for entry in taken]
    known = store.source_records(work, run.review, run.source, ids)
    fresh = store.meet(work, run.walk, ids)
    changed = changed_of(((entry.record, entry.content_hash) for entry in taken), known)
    outcomes, doubts = take_in(work, review, run.id, changed)
    store.mark_seen(work, run.review, run.source, ids, {one.record.source_id for one in changed}, run.walk, None)
    store.note_origins(work, run.review, run.source, ids, run.watch)
    went = {source_id: outcomes.get((run.source, source_id)) for source_id in sorted(fresh)}
    went |= dict.fromkeys(fresh_own)
    if mapped:
        keep_statements(work, row, mapped, read_ones, ours)
    keep_items(work, run, went)
    lost = [_rejection(run, fault, position) for position, fault in enumerate(faults) if fault.is_record]
    rejected = keep_rejections(work, run, [storable(rejection) for rejection in lost], Counter())
    count(run, went, rejected=rejected, maybe_duplicate=doubts)
    add_remarks(run, [f"line {entry.line}: {remark}" for entry in read_ones for remark in entry.remarks])
    add_remarks(run, [f"line {fault.line}: {fault.reason}" for fault in faults if not fault.is_record])
    run.pages += 1
    row.entries += len(read_ones) + len(lost)
    row.repeated += len(read_ones) - len(fresh) - len(fresh_own)
    row.junk += len(faults) - len(lost)
    row.read = min(read, row.size)


def _storable(entry: Entry) -> Entry:
    record = storable(entry.record)
    return entry if record is entry.record else replace(entry, record=record)


def _rejection(run: RunRow, fault: Fault, position: int) -> Rejection:
    """A record that cannot be read, known by its line."""
    line = f"line {fault.line}"
    return Rejection(
        source=run.source, source_id=line, position=position, reason=f"{line}: {fault.reason}", excerpt=fault.excerpt
    )


def _end(work: Work, imported: str) -> None:
    """Ends an import that came to the end of its file, and holds its records against how many its database has."""
    row = store.lock_import(work, imported)
    assert row.run is not None
    run = store.lock_run(work, row.run)
    ImportStates.turn(row, ImportStates.DONE)
    row.ended_at, row.read = work.now, row.size
    run.ended_at = work.now
    if row.reported is not None and row.reported != row.entries:
        run.lacking = max(row.reported - row.entries, 0)
        run.error = row.error = f"{row.name} has {row.entries} records, of {row.reported} that were found as you said"
        RunStates.turn(run, RunStates.PARTIAL)
    else:
        RunStates.turn(run, RunStates.COMPLETE)
    _tell(work, row, run)
    if row.search is not None:
        settle_search(work, row.review, row.search)


def _fail(work: Work, imported: str, error: Exception) -> None:
    """Ends an import whose file cannot be read, or not further; what was taken in stays."""
    row = store.lock_import(work, imported)
    log.warning("import failed", review=row.review, imported=row.id, error=type(error).__name__)
    row.error, row.ended_at = words_of(error), work.now
    if isinstance(error, MappingMisfit):
        row.problems = list(map(str, error.problems))
    ImportStates.turn(row, ImportStates.FAILED)
    if row.run is not None:
        run = store.lock_run(work, row.run)
        run.error, run.ended_at = row.error, work.now
        RunStates.turn(run, RunStates.INCOMPLETE)
        _tell(work, row, run)
    if row.search is not None:
        settle_search(work, row.review, row.search)


def _tell(work: Work, row: ImportRow, run: RunRow) -> None:
    assert row.database is not None and row.format is not None
    with work.following(run.id, None):
        work.emit(
            FileImported(
                review=run.review, run=run.id, watch=run.watch, source=run.source, database=row.database,
                name=row.name, sha256=row.sha256, format=row.format, dialect=row.dialect, query=row.query,
                searched_on=row.searched_on, reported=row.reported, entries=row.entries, counts=run.counts,
                complete=run.state == RunStates.COMPLETE, error=run.error,
            )
        )  # fmt: skip
