"""The drift guard: what a source's records have is counted page by page, and a collapse is told within its run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.ingest import store
from services.ingest.domain import drift
from services.ingest.models import RunRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.events.ingest import SourceDrifted

#: How the remark on a run begins.
SIGN = "fields collapsed: "


def counted(records: Iterable[port.SourceRecord], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """How many records there are and how many have each field, with those counted before."""
    counts = dict.fromkeys(("records", *drift.FIELDS), 0) | dict(before or {})
    for record in records:
        has = (record.title, record.abstract, record.identifiers.doi, record.published)
        for field, value in zip(drift.FIELDS, has, strict=True):
            counts[field] += value is not None
        counts["records"] += 1
    return counts


def watch_fields(work: Work, run: RunRow, records: Iterable[port.SourceRecord]) -> None:
    """Counts what the records of a page have; remarks on the run, and tells once, what has collapsed."""
    run.fields = counts = counted(records, run.fields)
    if counts["records"] < drift.ENOUGH or any(remark.startswith(SIGN) for remark in run.remarks):
        return
    found = list(drift.collapses(counts, store.fields_of_last_runs(work, run, drift.RUNS)))
    if found:
        detail = f"{SIGN}{'; '.join(found)}"
        run.remarks = [detail, *run.remarks]
        with work.following(run.id, None):
            work.emit(SourceDrifted(review=run.review, source=run.source, run=run.id, detail=detail))
