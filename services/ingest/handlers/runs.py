"""Runs: one pull of a watch, page by page; each page is one transaction, saved with its counts and its place."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, TypeVar

from services.ingest import store
from services.ingest.domain.matching import cite
from services.ingest.domain.watching import next_pull, next_try, window
from services.ingest.handlers.ledger import Ledger
from services.ingest.models import Rejection, Run, RunItem, Watch
from services.ingest.sources import port
from shared.db.work import Work
from shared.errors import Conflict, LivingError
from shared.events.ingest import RunCounts, RunFinished, SourceDrifted
from shared.ids import id_of, new_id

#: Remarks that a run keeps: enough to see what is odd about a source, and no second list of its items.
MOST_REMARKS = 100

#: How often in a row a watch may fail by a fault of ours before its run is given up.
MOST_FAULTS = 3

#: Characters of an error that are kept and told.
_LONGEST_ERROR = 2_000

Item = TypeVar("Item", port.SourceRecord, port.Rejection)


def open_run(work: Work, watch: Watch, source: port.Source | None) -> Run:
    """Begins a pull of a watch, or goes on with the walk that its last run had to leave."""
    left = work.session.get(Run, watch.goes_on_from) if watch.goes_on_from else None
    if left is not None:
        since, until = left.since, left.until
    else:
        since, until = window(
            searched_through=watch.searched_through,
            search_from=store.review_of(work.session, watch.review).search_from,
            overlap_days=max(watch.overlap_days, source.least_overlap_days if source else 0),
            today=work.now.date(),
        )
    return work.add(
        Run(
            id=new_id("run"),
            review=watch.review,
            watch=watch.id,
            source=watch.source,
            query=watch.query,
            protocol_version=watch.protocol_version,
            since=since,
            until=until,
            started_at=work.now,
            goes_on_from=left.id if left else None,
            cursor=left.cursor if left else None,
            received_before=left.received_before + left.found if left else 0,
        )
    )


def take_page(work: Work, run_id: str, page: port.Page, *, pages_before: int) -> Run:
    """Takes in one page of a run: every item is counted once, whatever becomes of it.

    An item met again in the same run is not counted again. The last page ends the run. Raises Conflict when
    another process has taken a page of this run since `pages_before`.
    """
    review = store.lock_review(work.session, _review_of(work, run_id))
    run = work.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run.state != "running" or run.pages != pages_before:
        raise Conflict(f"run {run_id!r} is at page {run.pages} ({run.state}), not at {pages_before}", slug="run_moved")
    ledger = Ledger(work, review, run.id)
    outcomes = _sort_records(ledger, run, [_storable(record) for record in page.records])
    outcomes["rejected"] = _keep_rejections(work, run, [_storable(rejection) for rejection in page.rejections])
    _count(run, outcomes, maybe_duplicate=len(ledger.pool.doubts))
    run.pages += 1
    run.cursor = page.cursor
    run.reported = page.reported if page.reported is not None else run.reported
    run.remarks = [*run.remarks, *(remark for remark in page.remarks if remark not in run.remarks)][:MOST_REMARKS]
    run.error = None
    if page.cursor is None:
        _complete(work, run)
    return run


def end_early(work: Work, run_id: str, error: Exception) -> None:
    """Ends a run that could not go on, tells why, and sets when its watch is tried again.

    A source that was only unavailable is later asked from where the run stood; after anything else the window
    is walked from its beginning.
    """
    run = work.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run.state != "running":
        return
    run.state, run.error, run.ended_at = "incomplete", _words(error), work.now
    watch = store.watch_of(work.session, run.review, run.watch, lock=True)
    if watch.asked_since <= run.protocol_version:
        unavailable = isinstance(error, port.SourceUnavailable)
        watch.failures += 1
        watch.trouble = run.error
        watch.goes_on_from = run.id if unavailable and run.cursor else None
        watch.due_at = next_try(work.now, watch.failures, error.retry_after if unavailable else None)
    _tell_end(work, run, watch)
    if isinstance(error, port.SourceDrifted):
        with work.following(run.id, None):
            work.emit(SourceDrifted(review=run.review, source=run.source, run=run.id, detail=run.error))


def note_fault(work: Work, run_id: str, error: Exception) -> None:
    """Leaves a trace of an error that is neither the source's nor a server's: on the run, and on its watch.

    The run goes on at the next call; one that fails again and again ends, so that nothing runs without a word.
    """
    run = work.session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run.state != "running":
        return
    watch = store.watch_of(work.session, run.review, run.watch, lock=True)
    if watch.failures + 1 >= MOST_FAULTS:
        end_early(work, run_id, error)
        return
    watch.failures += 1
    watch.trouble = run.error = _words(error)


def _words(error: Exception) -> str:
    """What an error says, as text that every database keeps; a foreign one says first what it is."""
    told = str(error) if isinstance(error, LivingError) else f"{type(error).__name__}: {error}"
    return told.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_ERROR]


def _storable(item: Item) -> Item:
    """An item without NUL characters, which JSON can carry and PostgreSQL cannot keep."""
    if "\\u0000" not in item.model_dump_json():
        return item
    return type(item).model_validate(_without_nul(item.model_dump()))


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_nul(one) for name, one in value.items()}
    return value


def _review_of(work: Work, run_id: str) -> str:
    return work.session.get(Run, run_id).review


def _sort_records(ledger: Ledger, run: Run, records: list[port.SourceRecord]) -> Counter[str]:
    """Sorts a page's records into the review's; counts what became of each that this run had not met before."""
    session = ledger.work.session
    known = store.source_records(session, run.review, run.source, [record.source_id for record in records])
    hashes = {source_id: row.content_hash for source_id, row in known.items()}
    changed: list[tuple[port.SourceRecord, str]] = []
    for record in records:
        content_hash = record.content_hash
        if hashes.get(record.source_id) != content_hash:
            hashes[record.source_id] = content_hash
            changed.append((record, content_hash))
    _enter(ledger, changed, {known[record.source_id].record for record, _ in changed if record.source_id in known})
    store.mark_seen(session, run.review, run.source, known.keys() - {record.source_id for record, _ in changed}, run.id)
    met = (source_id for source_id in hashes if source_id not in known or known[source_id].seen_in != run.id)
    items = [(source_id, *_outcome(ledger, run, source_id, source_id in known)) for source_id in met]
    _keep_items(ledger.work, run, items)
    return Counter(outcome for _, outcome, _ in items)


def _enter(ledger: Ledger, changed: list[tuple[port.SourceRecord, str]], homes: set[str]) -> None:
    citations = [cite(record) for record, _ in changed]
    if citations:
        ledger.load(citations, homes)
    for (record, content_hash), citation in zip(changed, citations, strict=True):
        ledger.enter(record, content_hash, citation)
    ledger.close()


def _outcome(ledger: Ledger, run: Run, source_id: str, known: bool) -> tuple[str, str | None]:
    """What became of an item, and its record where anything about it changed."""
    place = run.source, source_id
    if not known:
        return ledger.outcome_of(place)
    if place in ledger.entered:
        return "updated", ledger.pool.homes[place]
    return "unchanged", None


def _keep_items(work: Work, run: Run, items: list[tuple[str, str, str | None]]) -> None:
    """Keeps where each item went; one that had not changed is only counted."""
    rows = [
        {"run": run.id, "source_id": source_id, "outcome": outcome, "record": record}
        for source_id, outcome, record in items
        if record is not None
    ]
    store.add_all(work.session, RunItem, rows)


def _keep_rejections(work: Work, run: Run, rejections: list[port.Rejection]) -> int:
    """Keeps the rejections this run has not met yet, and counts them."""
    met: Counter[tuple[str, str, str]] = Counter()
    rows = {}
    for rejection in rejections:
        what = rejection.source_id or "", rejection.reason, rejection.excerpt
        met[what] += 1
        rejection_id = id_of("rejection", run.id, *what, str(met[what]))
        rows[rejection_id] = {
            "id": rejection_id,
            "review": run.review,
            "run": run.id,
            "page": run.pages,
            **rejection.model_dump(),
        }
    fresh = rows.keys() - store.known_rejections(work.session, rows)
    store.add_all(work.session, Rejection, [rows[rejection_id] for rejection_id in sorted(fresh)])
    return len(fresh)


def _count(run: Run, outcomes: Counter[str], *, maybe_duplicate: int) -> None:
    run.found += outcomes.total()
    run.new += outcomes["new"]
    run.merged += outcomes["merged"]
    run.updated += outcomes["updated"]
    run.unchanged += outcomes["unchanged"]
    run.rejected += outcomes["rejected"]
    run.maybe_duplicate += maybe_duplicate


def _complete(work: Work, run: Run) -> None:
    run.state, run.ended_at = "complete", work.now
    received = run.received_before + run.found
    if run.reported is not None and received < run.reported:
        run.remarks = [*run.remarks, f"the source reported {run.reported} items and gave {received}"]
    watch = store.watch_of(work.session, run.review, run.watch, lock=True)
    if watch.asked_since <= run.protocol_version:
        watch.searched_through = max(run.until, watch.searched_through or run.until)
        watch.failures, watch.trouble, watch.goes_on_from = 0, None, None
        watch.due_at = next_pull(run.until, watch.every_days)
    _tell_end(work, run, watch)


def _tell_end(work: Work, run: Run, watch: Watch) -> None:
    complete = run.state == "complete"
    before = watch.searched_through or run.since - timedelta(days=1)
    with work.following(run.id, None):
        work.emit(
            RunFinished(
                review=run.review, run=run.id, watch=run.watch, source=run.source, query=run.query,
                protocol_version=run.protocol_version, window_from=run.since,
                searched_through=run.until if complete else before, counts=counts_of(run),
                reported=run.reported, complete=complete, error=run.error,
            )
        )  # fmt: skip


def counts_of(run: Run) -> RunCounts:
    return RunCounts(**{name: getattr(run, name) for name in RunCounts.model_fields})
