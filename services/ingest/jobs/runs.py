"""Runs: one pull of a watch, page by page; each page is one transaction, saved with its counts and its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from services.ingest import store
from services.ingest.commands.deduplication import Incoming, Outcome, take_in
from services.ingest.domain.watching import RunStates, next_pull, next_try, window
from services.ingest.models import RejectionRow, RunItemRow, RunRow, WatchRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.errors import Conflict, LivingError
from shared.events.ingest import RunFinished, SourceDrifted
from shared.ids import id_of, new_id

#: Remarks that a run keeps: enough to see what is odd about a source, and no second list of its items.
MOST_REMARKS = 100

#: How often in a row a watch may fail by a fault of ours before its run is given up.
MOST_FAULTS = 3

#: Characters of an error that are kept and told.
_LONGEST_ERROR = 2_000

Item = TypeVar("Item", port.SourceRecord, port.Rejection)


def open_run(work: Work, watch: WatchRow, source: port.Source | None) -> RunRow:
    """Begins a pull of a watch, or goes on with the walk that its last run had to leave."""
    left = store.run_if_any(work, watch.goes_on_from)
    if left is not None:
        since, until = left.since, left.until
    else:
        since, until = window(
            searched_through=watch.searched_through,
            search_from=store.review_of(work, watch.review).search_from,
            overlap_days=max(watch.overlap_days, source.least_overlap_days if source else 0),
            today=work.now.date(),
        )
    return work.add(
        RunRow(
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


def take_page(work: Work, run_id: str, page: port.Page, *, pages_before: int) -> RunRow:
    """Takes in one page of a run: every item is counted once, whatever becomes of it.

    An item met again in the same run is not counted again. The last page ends the run. Raises Conflict when
    another process has taken a page of this run since `pages_before`.
    """
    review, run = store.lock_review_and_run(work, run_id)
    if run.state != RunStates.RUNNING or run.pages != pages_before:
        raise Conflict(f"run {run_id!r} is at page {run.pages} ({run.state}), not at {pages_before}", slug="run_moved")
    records = [_storable(record) for record in page.records]
    known = store.source_records(work, run.review, run.source, [record.source_id for record in records])
    items = _sort(records, known, run.id)
    store.mark_seen(work, run.review, run.source, items.unchanged, run.id)
    outcomes, doubts = take_in(work, review, run.id, items.changed)
    went = {source_id: outcomes.get((run.source, source_id)) for source_id in items.met}
    _keep_items(work, run, went)
    rejected = _keep_rejections(work, run, [_storable(rejection) for rejection in page.rejections])
    _count(run, went, rejected=rejected, maybe_duplicate=doubts)
    _go_on(run, page)
    if page.cursor is None:
        _complete(work, run)
    return run


def end_early(work: Work, run_id: str, error: Exception) -> RunRow:
    """Ends a run that could not go on, tells why, and sets when its watch is tried again.

    A source that was only unavailable is later asked from where the run stood; after anything else the window
    is walked from its beginning.
    """
    run = store.lock_run(work, run_id)
    if run.state == RunStates.RUNNING:
        _break_off(work, run, store.watch_of(work, run.review, run.watch, lock=True), error)
    return run


def note_fault(work: Work, run_id: str, error: Exception) -> None:
    """Leaves a trace of an error that is neither the source's nor a server's: on the run, and on its watch.

    The run goes on at the next call; one that fails again and again ends, so that nothing runs without a word.
    """
    run = store.lock_run(work, run_id)
    if run.state != RunStates.RUNNING:
        return
    watch = store.watch_of(work, run.review, run.watch, lock=True)
    if watch.failures + 1 >= MOST_FAULTS:
        _break_off(work, run, watch, error)
        return
    watch.failures += 1
    watch.trouble = run.error = _words(error)


def note_unopened(work: Work, watch: str, error: Exception) -> None:
    """Leaves a trace of a fault of ours on a watch of which no run could be opened, and sets when it is tried again."""
    store.note_trouble(work, watch, _words(error), lambda failures: next_try(work.now, failures))


def _break_off(work: Work, run: RunRow, watch: WatchRow, error: Exception) -> None:
    RunStates.turn(run, RunStates.INCOMPLETE)
    run.error, run.ended_at = _words(error), work.now
    if watch.asked_since <= run.protocol_version:
        unavailable = error if isinstance(error, port.SourceUnavailable) else None
        watch.failures += 1
        watch.trouble = run.error
        watch.goes_on_from = run.id if unavailable and run.cursor else None
        watch.due_at = next_try(work.now, watch.failures, unavailable.retry_after if unavailable else None)
    _tell_end(work, run, watch)
    if isinstance(error, port.SourceDrifted):
        with work.following(run.id, None):
            work.emit(SourceDrifted(review=run.review, source=run.source, run=run.id, detail=run.error))


def _words(error: Exception) -> str:
    """What an error says, as text that every database keeps; a foreign one says first what it is."""
    reason = str(error) if isinstance(error, LivingError) else f"{type(error).__name__}: {error}"
    return reason.replace("\0", "").encode(errors="replace").decode()[:_LONGEST_ERROR]


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


@dataclass(frozen=True, slots=True)
class _Items:
    """A page's source records by what is known of them: those to take in, the ids of those known as they are, and the
    ids of those that the run had not met before."""

    changed: list[Incoming]
    unchanged: set[str]
    met: list[str]


def _sort(records: Iterable[port.SourceRecord], known: Mapping[str, store.Known], run: str) -> _Items:
    hashes = {source_id: row.content_hash for source_id, row in known.items()}
    changed = []
    for record in records:
        content_hash = record.content_hash
        if hashes.get(record.source_id) != content_hash:
            hashes[record.source_id] = content_hash
            home = known[record.source_id].record if record.source_id in known else None
            changed.append(Incoming(record, content_hash, home))
    return _Items(
        changed=changed,
        unchanged=known.keys() - {one.record.source_id for one in changed},
        met=[source_id for source_id in hashes if source_id not in known or known[source_id].seen_in != run],
    )


def _keep_items(work: Work, run: RunRow, went: Mapping[str, Outcome | None]) -> None:
    """Keeps where each item went; one that had not changed is only counted."""
    rows = [
        {"run": run.id, "source_id": source_id, "outcome": outcome.what, "record": outcome.record}
        for source_id, outcome in went.items()
        if outcome is not None
    ]
    store.add_all(work, RunItemRow, rows)


def _keep_rejections(work: Work, run: RunRow, rejections: Sequence[port.Rejection]) -> int:
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
    fresh = rows.keys() - store.known_rejections(work, rows)
    store.add_all(work, RejectionRow, [rows[rejection_id] for rejection_id in sorted(fresh)])
    return len(fresh)


def _count(run: RunRow, went: Mapping[str, Outcome | None], *, rejected: int, maybe_duplicate: int) -> None:
    outcomes = Counter(outcome.what if outcome else "unchanged" for outcome in went.values())
    run.found += len(went) + rejected
    run.new += outcomes["new"]
    run.merged += outcomes["merged"]
    run.updated += outcomes["updated"]
    run.unchanged += outcomes["unchanged"]
    run.rejected += rejected
    run.maybe_duplicate += maybe_duplicate


def _go_on(run: RunRow, page: port.Page) -> None:
    """Moves a run past a page."""
    run.pages += 1
    run.cursor = page.cursor
    run.reported = page.reported if page.reported is not None else run.reported
    run.remarks = [*run.remarks, *(remark for remark in page.remarks if remark not in run.remarks)][:MOST_REMARKS]
    run.error = None


def _complete(work: Work, run: RunRow) -> None:
    RunStates.turn(run, RunStates.COMPLETE)
    run.ended_at = work.now
    received = run.received_before + run.found
    if run.reported is not None and received < run.reported:
        run.remarks = [*run.remarks, f"the source reported {run.reported} items and gave {received}"]
    watch = store.watch_of(work, run.review, run.watch, lock=True)
    if watch.asked_since <= run.protocol_version:
        watch.searched_through = max(run.until, watch.searched_through or run.until)
        watch.failures, watch.trouble, watch.goes_on_from = 0, None, None
        watch.due_at = next_pull(run.until, watch.every_days)
    _tell_end(work, run, watch)


def _tell_end(work: Work, run: RunRow, watch: WatchRow) -> None:
    complete = run.state == RunStates.COMPLETE
    before = watch.searched_through or run.since - timedelta(days=1)
    with work.following(run.id, None):
        work.emit(
            RunFinished(
                review=run.review, run=run.id, watch=run.watch, source=run.source, query=run.query,
                protocol_version=run.protocol_version, window_from=run.since,
                searched_through=run.until if complete else before, counts=run.counts,
                reported=run.reported, complete=complete, error=run.error,
            )
        )  # fmt: skip
