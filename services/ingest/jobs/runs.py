"""Runs: one pull of a watch, page by page; each page is one transaction, saved with its counts and its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from services.ingest import store
from services.ingest.commands.deduplication import take_in
from services.ingest.commands.watches import accepted_of, tell_stopped
from services.ingest.domain.outside import is_outside
from services.ingest.domain.watching import (
    LONGEST_PAUSE_OF_PARTIAL,
    MORE_MISSING,
    MOST_MISSING,
    RunStates,
    accepting,
    is_turn_of_new,
    is_whole_due,
    lacks,
    next_pull,
    next_try,
    whole_window,
    window,
)
from services.ingest.jobs import drifting, quotas
from services.ingest.jobs.items import (
    MOST_REMARKS,
    add_remarks,
    changed_of,
    count,
    keep_items,
    keep_rejections,
    storable,
    words_of,
)
from services.ingest.models import RunItemRow, RunRow, WatchRow
from services.ingest.ports.sources import port
from shared.bus.judging import storable as storable_text
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.ingest import RunFinished, SourceDrifted, SweepFinished
from shared.events.protocol import Strategy
from shared.ids import new_id
from shared.strategies.asking import tree_of
from shared.wire.ingest import Acceptance, Purpose

#: Ids of missing works that its trouble names.
_MOST_NAMED = 10

#: How often in a row a watch may fail by a fault of ours before its run is given up.
MOST_FAULTS = 3

#: Characters of a remark on what was accepted.
_LONGEST_REMARK = 500


def open_run(work: Work, watch: WatchRow, source: port.Source | None) -> RunRow:
    """Begins a pull of a watch, or goes on with the walk that its last run had to leave."""
    left = store.run_if_any(work, watch.goes_on_from)
    if left is not None and not (left.purpose == "whole" and is_turn_of_new(watch.failures)):
        return work.add(_going_on(work, watch, left))
    search_from = store.review_of(work, watch.review).search_from
    datings = source.datings if source else ("came",)
    dated_by: port.Dating
    purpose: Purpose
    if watch.purpose == "changes":
        purpose, dated_by = "changes", "changed"
        since, until = window(
            searched_through=watch.searched_through, search_from=None, overlap_days=watch.overlap_days,
            today=work.now.date(),
        )  # fmt: skip
    elif watch.purpose == "citations":
        # Of no days: all that the reports cite and that cites them, whenever it came.
        purpose, dated_by = "citations", "came"
        since = until = work.now.date()
    elif _is_whole_due(work, watch) and not is_turn_of_new(watch.failures):
        purpose = "whole"
        dated_by = "published" if "published" in datings else datings[0]
        since, until = whole_window(search_from=search_from, today=work.now.date())
    else:
        purpose, dated_by = "new", datings[0]
        since, until = window(
            searched_through=watch.searched_through,
            search_from=search_from,
            overlap_days=max(watch.overlap_days, source.least_overlap_days if source else 0),
            today=work.now.date(),
        )
    # What the walks before have met is needed no more, but for one that waits while it is the turn of what is new.
    store.forget_walks(work, watch.id, but=left.walk if left else None)
    return work.add(_run(work, watch, purpose=purpose, dated_by=dated_by, since=since, until=until))


def _is_whole_due(work: Work, watch: WatchRow) -> bool:
    return is_whole_due(walked=watch.walked_whole_at, every_days=watch.whole_every_days, now=work.now)


def _leaves_a_whole_walk(run: RunRow, watch: WatchRow) -> bool:
    """Whether a run asks for what is new while a whole walk waits to be taken up, which it leaves in its place."""
    return run.purpose == "new" and watch.goes_on_from not in (None, run.goes_on_from)


def _going_on(work: Work, watch: WatchRow, left: RunRow) -> RunRow:
    """A run that takes up the walk that another had to leave."""
    run = _run(
        work, watch, purpose=left.purpose, dated_by=left.dated_by, since=left.since, until=left.until, walk=left.walk
    )
    run.goes_on_from, run.cursor = left.id, left.cursor
    run.reported, run.missing = left.reported, left.missing
    run.received_before, run.lacking = _received(left), left.lacking
    return run


def _run(work: Work, watch: WatchRow, *, walk: str | None = None, **facts: Any) -> RunRow:
    run = new_id("run")
    return RunRow(
        id=run, walk=walk or run, review=watch.review, watch=watch.id, source=watch.source, query=watch.query,
        protocol_version=watch.protocol_version, started_at=work.now, **facts,
    )  # fmt: skip


def take_page(
    work: Work,
    run_id: str,
    page: port.Page,
    *,
    pages_before: int,
    source: port.Source,
    answered_at: datetime | None = None,
    alike: Counter[str] | None = None,
) -> RunRow:
    """Takes in one page of a run: every item is counted once, whatever becomes of it.

    An item met again in the same walk is not counted again. The last page ends the run: it is complete where what came
    adds up to what the source says it has, its slack aside, and else partial. `answered_at` is when the
    first answer of the page came; `alike` counts what looks alike since the source was asked to begin, or to go on.
    Raises Conflict when another process has taken a page of this run since
    `pages_before`.
    """
    review, run = store.lock_review_and_run(work, run_id)
    if run.state != RunStates.RUNNING or run.pages != pages_before:
        raise Conflict(f"run {run_id!r} is at page {run.pages} ({run.state}), not at {pages_before}", slug="run_moved")
    records = [storable(record) for record in page.records]
    known = store.source_records(work, run.review, run.source, [record.source_id for record in records])
    fresh = store.meet(work, run.walk, [record.source_id for record in records])
    records, ids = _inside(work, run, records, known, fresh)
    changed = changed_of([(record, record.content_hash) for record in records], known)
    outcomes, doubts = take_in(work, review, run.id, changed)
    store.mark_seen(work, run.review, run.source, ids, {one.record.source_id for one in changed}, run.walk, answered_at)
    if run.purpose != "changes":
        store.note_origins(work, run.review, run.source, ids, run.watch)
    store.note_citations(work, run, page.links)
    counted = fresh & ids | _come_inside(work, run, ids - fresh)
    went = {source_id: outcomes.get((run.source, source_id)) for source_id in sorted(counted)}
    keep_items(work, run, went)
    alike = Counter() if alike is None else alike
    rejected = keep_rejections(work, run, [storable(rejection) for rejection in page.rejections], alike)
    count(run, went, rejected=rejected, maybe_duplicate=doubts)
    _go_on(run, page)
    drifting.watch_fields(work, run, records)
    if page.cursor is None:
        _end(work, run, source)
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
    watch.trouble = run.error = words_of(error)


def note_unopened(work: Work, watch: str, error: Exception) -> None:
    """Leaves a trace of a fault of ours on a watch of which no run could be opened, and sets when it is tried again."""
    store.note_trouble(work, watch, words_of(error), lambda failures: next_try(work.now, failures))


def _break_off(work: Work, run: RunRow, watch: WatchRow, error: Exception) -> None:
    RunStates.turn(run, RunStates.INCOMPLETE)
    run.error, run.ended_at = words_of(error), work.now
    if watch.asked_since <= run.protocol_version:
        unavailable = error if isinstance(error, port.SourceUnavailable) else None
        watch.failures += 1
        watch.trouble = run.error
        if not _leaves_a_whole_walk(run, watch):
            watch.goes_on_from = run.id if unavailable and run.cursor else None
        watch.due_at = next_try(work.now, watch.failures, unavailable.retry_after if unavailable else None)
    with work.following(run.id, None):
        quotas.park(work, run.review, error)
    _tell_end(work, run, watch)
    if isinstance(error, port.SourceDrifted):
        with work.following(run.id, None):
            work.emit(SourceDrifted(review=run.review, source=run.source, run=run.id, detail=run.error))


def outside_of_strategy(
    work: Work, run: RunRow, records: Iterable[port.SourceRecord], known: Collection[str]
) -> set[str]:
    """The ids of those works that a run's strategy of concepts would surely not find, and that its source gave since it
    could only be asked more widely. A work that the review has already is none, whatever brought it."""
    concepts = store.concepts_of(work, run.watch)
    tree = tree_of(Strategy.model_validate(concepts, extra="ignore")) if concepts is not None else None
    if tree is None:
        return set()
    # An id that comes twice on a page is outside only in every form.
    found: dict[str, bool] = {}
    for each in records:
        if each.source_id not in known:
            outside = is_outside(tree, [each.title, *each.other_titles], each.abstract)
            found[each.source_id] = outside and found.get(each.source_id, True)
    return {source_id for source_id, outside in found.items() if outside}


def _inside(
    work: Work, run: RunRow, records: list[port.SourceRecord], known: Collection[str], fresh: Collection[str]
) -> tuple[list[port.SourceRecord], set[str]]:
    """Those that are not outside of the run's strategy, and their ids; the others are kept by their ids, and those that
    are new to the walk are counted."""
    outside = outside_of_strategy(work, run, records, known)
    ids = {record.source_id for record in records} - outside
    out = sorted(outside.intersection(fresh))
    rows = [{"run": run.walk, "source_id": each, "outcome": "outside", "record": None} for each in out]
    store.add_all(work, RunItemRow, rows)
    run.outside += len(out)
    return [each for each in records if each.source_id in ids], ids


def _come_inside(work: Work, run: RunRow, met: set[str]) -> set[str]:
    """Of what the walk has met before, that which was outside of the strategy then: it is counted as what it is now."""
    if not met or not (run.outside or run.received_before):
        return set()
    gone = store.take_from_outside(work, run.walk, met)
    here = min(len(gone), run.outside)
    run.outside -= here
    run.received_before -= len(gone) - here
    return gone


def _go_on(run: RunRow, page: port.Page) -> None:
    """Moves a run past a page."""
    run.pages += 1
    run.cursor = page.cursor
    # The highest of its counts: one that is too low must not make a walk look whole.
    run.reported = max((each for each in (run.reported, page.reported) if each is not None), default=None)
    run.missing = _no_more_than_kept(dict.fromkeys([*run.missing, *map(storable_text, page.missing)]))
    run.lacking += page.lacking
    add_remarks(run, page.remarks)
    run.error = None


def _no_more_than_kept(missing: Collection[str]) -> list[str]:
    """The ids that may be kept of those that are missing. Where there are more that is kept too, as nobody may take the
    walk for whole once those that are kept have come."""
    ids = [each for each in missing if each != MORE_MISSING]
    return ids if len(ids) == len(missing) and len(ids) <= MOST_MISSING else [*ids[:MOST_MISSING], MORE_MISSING]


def _end(work: Work, run: RunRow, source: port.Source) -> None:
    """Ends a run after its last page."""
    run.ended_at = work.now
    run.missing = _still_missing(work, run)
    lack = lacks(reported=run.reported, received=_received(run), slack=source.slack)
    unnamed, run.lacking = run.lacking, max(lack, len(run.missing)) + run.lacking
    watch = store.watch_of(work, run.review, run.watch, lock=True)
    if words := _falls_short(run, accepted_of(watch), unnamed):
        RunStates.turn(run, RunStates.PARTIAL)
        run.error = words
        if watch.asked_since <= run.protocol_version:
            watch.failures += 1
            watch.trouble, watch.goes_on_from = words, None
            watch.due_at = next_try(work.now, watch.failures, longest=LONGEST_PAUSE_OF_PARTIAL)
    else:
        RunStates.turn(run, RunStates.COMPLETE)
        if watch.asked_since <= run.protocol_version:
            _move_on(work, run, watch, source)
    _tell_end(work, run, watch)


def _still_missing(work: Work, run: RunRow) -> list[str]:
    """What a source listed, did not give at first, and gave on no later page of the walk either."""
    met = store.met(work, run.walk, run.missing)
    return [each for each in run.missing if each not in met]


def _received(run: RunRow) -> int:
    """How many items its walk has given, each counted once."""
    return run.received_before + run.found + run.outside


def _falls_short(run: RunRow, accepted: Sequence[Acceptance], unnamed: int) -> str | None:
    """What a walk lacks of what its source says it has, `unnamed` of it by counts of its pages; None where it adds up,
    or a lead accepted what lacks, which a remark then says."""
    if not run.lacking:
        return None
    if by := accepting(accepted, lacking=run.lacking, missing=run.missing, purpose=run.purpose, since=run.since):
        why = "; ".join(dict.fromkeys(f"{each.by}: {each.reason}" for each in by))
        run.remarks = [f"{run.lacking} works lack, as was accepted by {why}"[:_LONGEST_REMARK], *run.remarks]
        run.remarks = run.remarks[:MOST_REMARKS]
        return None
    received = _received(run)
    words = [f"{run.source} has {run.reported} works by its own count and gave {received}"] if run.reported else []
    if run.missing:
        named, more = ", ".join(run.missing[:_MOST_NAMED]), " ..." * (len(run.missing) > _MOST_NAMED)
        why = "was asked for" if run.purpose == "changes" else "listed"
        words.append(f"{'it' if words else run.source} {why} and did not give {len(run.missing)}: {named}{more}")
    if unnamed:
        words.append(f"{run.source} counts {unnamed} more works that cite the reports than it gave")
    words += [
        f"a lead accepted that {it.lacking} lack {it.where}, of which {len(it.missing)} by their ids" for it in accepted
    ]
    return "; ".join(words)


def _begun(work: Work, run: RunRow) -> datetime:
    """When the walk of a run began."""
    return (store.run_if_any(work, run.walk) or run).started_at


def _through(work: Work, run: RunRow) -> date:
    """The last day that a complete walk covered: none after it began."""
    return min(run.until, _begun(work, run).date())


def _move_on(work: Work, run: RunRow, watch: WatchRow, source: port.Source) -> None:
    """What a complete run is for its watch. A whole walk by the days that what is new is asked by covers that too."""
    begun, through = _begun(work, run), _through(work, run)
    if run.purpose == "whole":
        watch.walked_whole_at = begun
    if run.purpose != "whole" or run.dated_by == source.datings[0] or watch.searched_through is None:
        watch.searched_through = max(through, watch.searched_through or through)
    if not _leaves_a_whole_walk(run, watch):
        watch.goes_on_from = None
    watch.due_at = next_pull(watch.searched_through, watch.every_days)
    if run.purpose == "new" and watch.failures and _is_whole_due(work, watch):
        # It was the turn of what is new, and the whole walk still fails.
        watch.failures += 1
        watch.due_at = min(watch.due_at, next_try(work.now, watch.failures, longest=LONGEST_PAUSE_OF_PARTIAL))
    else:
        watch.failures, watch.trouble = 0, None


def _tell_end(work: Work, run: RunRow, watch: WatchRow) -> None:
    """Tells that a run is over; and once more of a watch that was stopped meanwhile that it is."""
    with work.following(run.id, None):
        work.emit(_over(work, run, watch))
        tell_stopped(work, watch)


def _over(work: Work, run: RunRow, watch: WatchRow) -> RunFinished | SweepFinished:
    complete = run.state == RunStates.COMPLETE
    still_failing = store.failing_watches(work, run.review, run.source)
    if run.purpose == "changes":
        return SweepFinished(
            review=run.review, run=run.id, watch=run.watch, source=run.source, since=run.since, counts=run.counts,
            complete=complete, error=run.error, missing=run.missing, still_failing=still_failing,
        )  # fmt: skip
    before = watch.searched_through or run.since - timedelta(days=1)
    return RunFinished(
        review=run.review, run=run.id, watch=run.watch, source=run.source, query=run.query,
        protocol_version=run.protocol_version, window_from=run.since,
        searched_through=_through(work, run) if complete else before, counts=run.counts, reported=run.reported,
        complete=complete, error=run.error, missing=run.missing, still_failing=still_failing,
    )  # fmt: skip
