"""Scheduled work: pulls what is due, so that nobody has to watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC
from threading import Lock

from sqlalchemy.exc import IntegrityError

from services.ingest import store
from services.ingest.domain.watching import RunStates
from services.ingest.jobs import chasing, copies, parsing, quotas, runs, sweeps, texts
from services.ingest.jobs.answers import Answers
from services.ingest.models import RunRow
from services.ingest.ports.fulltext.catalog import NAME as FULL_TEXTS
from services.ingest.ports.sources.catalog import Sources
from services.ingest.ports.sources.port import Query, SourceDrifted, SourceRefused, SourceUnavailable
from services.ingest.store import DueWatch
from shared import counters, logging
from shared.apart import each
from shared.bus.judging import is_down
from shared.db.work import Work
from shared.errors import Conflict
from shared.service import Context, Gauge
from shared.wire.ingest import RunState

log = logging.get(__name__)

ACTOR = "ingest:pull"

_PULLS = counters.counter("living_pulls", "Pulls of a source, by how they ended.", ["source", "ended"])

_REJECTIONS = counters.counter("living_rejections", "Items of a source that are no usable records.", ["source"])

#: Seconds after which a long pull is left alone for a look at what else has become due.
_LOOK_AGAIN = 5.0


def pull_due_watches(running: Context) -> None:
    """Pulls every watch that is due, and goes on with runs that a dead process left.

    Sources are pulled side by side, each by one run at a time, as their terms ask. What a source does wrong
    ends its run and is told; any other error is written on its run and raised in the end, and the run goes on at
    the next call, unless it has failed too often. A watch that cannot even be opened is written on itself, and tried
    again after a pause.
    """
    pulling: dict[str, Future[None]] = {}
    tried: set[str] = set()  # Runs, and watches that could not be opened.
    # SQLite has one writer at a time and is unfair to those who wait; a page is taken in turn.
    turn = Lock()
    with turn, running.work(ACTOR) as work:
        store.unpark_due(work, but=FULL_TEXTS)
        sweeps.open_sweeps(work, running.resource(Sources))
    with each("source") as failures, ThreadPoolExecutor(thread_name_prefix="pull") as pool:
        while not running.stopping.is_set():
            for one in _next(running, busy=pulling, tried=tried):
                pulling[one.source] = pool.submit(_begin, running, one, turn, tried)
            if not pulling:
                break
            done, _ = wait(pulling.values(), timeout=_LOOK_AGAIN, return_when=FIRST_COMPLETED)
            for source in [source for source, future in pulling.items() if future in done]:
                with failures.apart(source):
                    pulling.pop(source).result()


def gauges(work: Work) -> list[Gauge]:
    """Which sources fail, for whoever is on call."""
    what = "Active watches whose last pull failed."
    failing = Gauge("living_watches_failing", what, ("source",), store.troubled_watches(work))
    today = work.now.astimezone(UTC).date()
    ages: dict[tuple[str, ...], float] = {
        (source,): float((today - day).days) for source, day in store.oldest_watermarks(work).items()
    }
    lag = "Days since the day through which a source's active search that lags most is complete."
    age = Gauge("living_watermark_age_days", lag, ("source",), ages)
    return [failing, age, *quotas.gauges(work), *copies.gauges(work), *texts.gauges(work), *parsing.gauges(work)]


def _next(running: Context, *, busy: Collection[str], tried: Collection[str]) -> list[RunRow | DueWatch]:
    """One for each source that is not busy and not left alone: runs that have begun go before watches that are due. A
    review whose keys are made anew waits."""
    with running.work(ACTOR, readonly=True) as work:
        keying = store.reviews_to_key(work)
        parked = {row.source for row in store.parked_sources(work, work.now)}
        waiting: list[RunRow | DueWatch] = [*store.running_runs(work), *store.due_watches(work, work.now)]
    first: dict[str, RunRow | DueWatch] = {}
    for one in waiting:
        if one.review in keying:
            continue
        if one.source not in busy and one.source not in parked and one.id not in tried:
            first.setdefault(one.source, one)
    return list(first.values())


def _begin(running: Context, one: RunRow | DueWatch, turn: Lock, tried: set[str]) -> None:
    """Pulls a run, or a watch by a run that is opened for it."""
    run = one if isinstance(one, RunRow) else _open_run(running, one, turn, tried)
    if run is not None:
        tried.add(run.id)
        _pull(running, run, turn)


def _open_run(running: Context, watch: DueWatch, turn: Lock, tried: set[str]) -> RunRow | None:
    """Opens a run of a watch, in a transaction of its own, so that one that cannot be opened is nobody else's trouble;
    None where it is not due any more."""
    try:
        with turn, running.work(ACTOR) as work:
            due = store.due_watch(work, watch.id, work.now)
            return runs.open_run(work, due, running.resource(Sources).get(due.source)) if due else None
    except Exception as error:
        tried.add(watch.id)
        # A run that is there was opened by another process.
        if not _is_no_fault(error) and not isinstance(error, IntegrityError):
            _PULLS.labels(watch.source, "fault").inc()
            with turn, running.work(ACTOR) as work:
                runs.note_unopened(work, watch.id, error)
        raise


def _pull(running: Context, run: RunRow, turn: Lock) -> None:
    """Walks a run to its end, or as far as its source goes."""
    answers = Answers(running.blobs if running.settings.raw_answer_days else None, quotas.Tally(run.source))
    try:
        state = _walk(running, run, turn, answers)
        how = "stopped" if state == RunStates.RUNNING else state
        _PULLS.labels(run.source, how).inc()
        log.info("pull over", review=run.review, run=run.id, source=run.source, how=how)
    except (SourceUnavailable, SourceDrifted, SourceRefused) as error:
        _PULLS.labels(run.source, RunStates.INCOMPLETE).inc()
        log.warning("run ended early", run=run.id, source=run.source, error=str(error))
        with turn, running.work(ACTOR, correlation=run.id) as work:
            ended = runs.end_early(work, run.id, error)
            answers.name(work, ended, ended.pages, refused=quotas.asks_for_long(error))
    except Exception as error:
        if _is_no_fault(error):
            raise
        _PULLS.labels(run.source, "fault").inc()
        with turn, running.work(ACTOR, correlation=run.id) as work:
            runs.note_fault(work, run.id, error)
        # What was answered is what one looks at then; the note does not depend on it.
        with turn, running.work(ACTOR, correlation=run.id) as work:
            failed = store.lock_run(work, run.id)
            answers.name(work, failed, failed.pages)
        raise


def _is_no_fault(error: Exception) -> bool:
    """Whether something we need is away, or another process was faster: nothing is written down, or nowhere."""
    return is_down(error) or isinstance(error, Conflict)


def _walk(running: Context, run: RunRow, turn: Lock, answers: Answers) -> RunState:
    """Walks a run page by page; the state in which it is left."""
    source = running.resource(Sources).get(run.source)
    if source is None:
        known = ", ".join(sorted(running.resource(Sources)))
        raise SourceRefused(f"there is no source {run.source!r}; there are: {known}", source=run.source)
    answers.ready()
    if run.purpose == "changes":
        pages = sweeps.pages(running, ACTOR, run, source, answers.hear)
    elif run.purpose == "citations":
        pages = chasing.pages(running, ACTOR, run, source, answers.hear)
    else:
        query = Query(text=run.query, since=run.since, until=run.until, by=run.dated_by)
        pages = source.pages(query, run.cursor, answers.hear)
    # The network is waited for, and what came is kept, outside every transaction; each page then is one.
    rejected, alike = run.rejected, Counter[str]()
    for number, page in enumerate(pages, start=run.pages):
        with turn, running.work(ACTOR, correlation=run.id) as work:
            taken = runs.take_page(
                work, run.id, page, pages_before=number, source=source, answered_at=answers.since, alike=alike
            )
            answers.name(work, taken, number)
            state, now_rejected = taken.state, taken.rejected
        # Counted once it is kept; a source that is asked is one of the catalog.
        _REJECTIONS.labels(source.name).inc(now_rejected - rejected)
        rejected = now_rejected
        if page.cursor is None or running.stopping.is_set():
            return state
    raise SourceUnavailable(f"{run.source} ended its walk before the last page", source=run.source)
