"""Making the files of records that people asked for: read some at a time, written as they are read, kept as a blob."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.ingest import store
from services.ingest.commands.exports import user
from services.ingest.domain.watching import ExportStates
from services.ingest.jobs.items import words_of
from services.ingest.models import ExportRow, RecordRow
from services.ingest.ports.libraries.catalog import WRITERS
from services.ingest.ports.libraries.port import Exported
from shared import logging
from shared.blobs import names
from shared.blobs.packing import MOST
from shared.bus.judging import is_down
from shared.db.work import Work
from shared.events.ingest import Bibliography
from shared.service import Context

log = logging.get(__name__)

ACTOR = "ingest:export"

#: Records that one transaction reads.
AT_ONCE = 500


class _Stopped(Exception):
    """The process ends before the file is whole; the next one begins it anew."""


def make_exports(running: Context) -> None:
    """Makes what people asked for, one file after another. No transaction is open while a file is written, so that
    what changes meanwhile may be in it or not; each record is whole."""
    while not running.stopping.is_set():
        with running.work(ACTOR, readonly=True) as work:
            row = store.next_export(work)
            first_stage = store.review_of(work, row.review).first_stage if row is not None else None
        if row is None:
            return
        try:
            _make(running, row, first_stage)
        except _Stopped:
            return
        except Exception as error:
            if is_down(error):
                raise
            with running.work(ACTOR) as work:
                failed = store.lock_export(work, row.id)
                ExportStates.turn(failed, ExportStates.FAILED)
                failed.error, failed.ended_at = words_of(error), work.now
            raise


def _make(running: Context, row: ExportRow, first_stage: str | None) -> None:
    count = 0

    def counted() -> Iterator[Exported]:
        nonlocal count
        for each in _records(running, row, first_stage):
            count += 1
            yield each

    blob = running.blobs.put(WRITERS[row.format](counted()), MOST)
    with running.work(ACTOR) as work:
        made = store.lock_export(work, row.id)
        if made.state != ExportStates.WAITING:
            return
        names.keep(work, running.blobs, blob.sha256, by=user(row.id))
        ExportStates.turn(made, ExportStates.DONE)
        made.records, made.size, made.sha256, made.ended_at = count, blob.size, blob.sha256, work.now
    log.info("export made", review=row.review, export=row.id, records=count)


def _records(running: Context, row: ExportRow, first_stage: str | None) -> Iterator[Exported]:
    after = ""
    while True:
        if running.stopping.is_set():
            raise _Stopped
        with running.work(ACTOR, readonly=True) as work:
            found = store.records_to_export(work, row, first_stage, after=after, limit=AT_ONCE)
            exported = [_exported(each, first_stage) for each in found]
        if not exported:
            return
        yield from exported
        after = exported[-1].record


def _exported(row: RecordRow, first_stage: str | None) -> Exported:
    by_rule = row.at_stage is None and row.reason is not None
    stage = row.at_stage or (None if by_rule else first_stage)
    decisions = {"stage": stage, "decision": row.standing, "reason": row.reason}
    return Exported(
        record=row.id,
        bibliography=Bibliography.model_validate(row.bibliography),
        decisions={name: value for name, value in decisions.items() if value},
    )


def forget_exports(work: Work, before: datetime, limit: int) -> int:
    """The files of exports that were over long ago; their bytes are swept when nothing else uses them."""
    rows = store.exports_before(work, before, limit)
    for row in rows:
        if row.sha256 is not None:
            names.let_go(work, row.sha256, by=user(row.id))
        store.forget_export(work, row)
    return len(rows)
