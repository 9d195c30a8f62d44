"""Scheduled work: pulls what is due, so that nobody has to watch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from services.ingest import store
from services.ingest.domain.watching import RunStates
from services.ingest.jobs import runs
from services.ingest.jobs.answers import Answers
from services.ingest.models import RunRow, WatchRow
from services.ingest.ports.sources.catalog import Sources
from services.ingest.ports.sources.port import Query, SourceDrifted, SourceRefused, SourceUnavailable
from shared import counters, logging
from shared.db.work import Work
from shared.errors import Conflict, Unavailable
from shared.service import Context, Gauge

log = logging.get(__name__)

ACTOR = "ingest:pull"

_PULLS = counters.counter("living_pulls", "Pulls of a source, by how they ended.", ["source", "ended"])

#: Seconds after which a long pull is left alone for a look at what else has become due.
_LOOK_AGAIN = 5.0

Pulled = TypeVar("Pulled", RunRow, WatchRow)


def pull_due_watches(running: Context) -> None:
    """Pulls every watch that is due, and goes on with runs that a dead process left.

    Sources are pulled side by side, each by one run at a time, as their terms ask. What a source does wrong
    ends its run and is told; any other error is written on its run and raised in the end, and the run goes on at
    the next call, unless it has failed too often.
    """
    pulling: dict[str, Future[None]] = {}
    tried: set[str] = set()
    errors: list[BaseException] = []
    # SQLite has one writer at a time and is unfair to those who wait; a page is taken in turn.
    turn = Lock()
    with ThreadPoolExecutor(thread_name_prefix="pull") as pool:
        while not running.stopping.is_set():
            for run in _next_runs(running, busy=pulling, tried=tried):
                tried.add(run.id)
                pulling[run.source] = pool.submit(_pull, running, run, turn)
            if not pulling:
                break
            done, _ = wait(pulling.values(), timeout=_LOOK_AGAIN, return_when=FIRST_COMPLETED)
            errors += [error for future in done if (error := future.exception())]
            pulling = {source: future for source, future in pulling.items() if future not in done}
    if errors:
        raise BaseExceptionGroup(f"pulls failed: {'; '.join(map(str, errors))}", errors)


def gauges(work: Work) -> list[Gauge]:
    """Which sources fail, for whoever is on call."""
    what = "Active watches whose last pull failed."
    return [Gauge("living_watches_failing", what, ("source",), store.troubled_watches(work))]


def _next_runs(running: Context, *, busy: Collection[str], tried: Collection[str]) -> list[RunRow]:
    """One run for each source that is not busy: what has begun goes before what is due."""
    with running.work(ACTOR, readonly=True) as work:
        begun = [run for run in store.running_runs(work) if run.id not in tried]
        due = store.due_watches(work, work.now)
    taken = set(busy)
    going_on = list(_one_each(begun, taken))
    wanted = [watch.id for watch in _one_each(due, taken)]
    return going_on + _open_runs(running, wanted)


def _one_each(waiting: Iterable[Pulled], taken: set[str]) -> Iterator[Pulled]:
    for one in waiting:
        if one.source not in taken:
            taken.add(one.source)
            yield one


def _open_runs(running: Context, watches: list[str]) -> list[RunRow]:
    if not watches:
        return []
    with running.work(ACTOR) as work:
        due = [watch for watch in store.due_watches(work, work.now) if watch.id in watches]
        return [runs.open_run(work, watch, running.resource(Sources).get(watch.source)) for watch in due]


def _pull(running: Context, run: RunRow, turn: Lock) -> None:
    """Walks a run to its end, or as far as its source goes."""
    answers = Answers(running.blobs if running.settings.raw_answer_days else None)
    try:
        _walk(running, run, turn, answers)
        how = "stopped" if running.stopping.is_set() else RunStates.COMPLETE
        _PULLS.labels(run.source, how).inc()
        log.info("pull over", review=run.review, run=run.id, source=run.source, how=how)
    except (SourceUnavailable, SourceDrifted, SourceRefused) as error:
        _PULLS.labels(run.source, RunStates.INCOMPLETE).inc()
        log.warning("run ended early", run=run.id, source=run.source, error=str(error))
        with turn, running.work(ACTOR, correlation=run.id) as work:
            ended = runs.end_early(work, run.id, error)
            answers.name(work, ended, ended.pages)
    except (OperationalError, InterfaceError, Conflict, Unavailable):
        raise  # The database is away, or another process was faster: nothing to write down, or nowhere.
    except Exception as error:
        _PULLS.labels(run.source, "fault").inc()
        with turn, running.work(ACTOR, correlation=run.id) as work:
            runs.note_fault(work, run.id, error)
        raise


def _walk(running: Context, run: RunRow, turn: Lock, answers: Answers) -> None:
    source = running.resource(Sources).get(run.source)
    if source is None:
        known = ", ".join(sorted(running.resource(Sources)))
        raise SourceRefused(f"there is no source {run.source!r}; there are: {known}", source=run.source)
    query = Query(text=run.query, since=run.since, until=run.until)
    # The network is waited for, and what came is kept, outside every transaction; each page then is one.
    for number, page in enumerate(source.pages(query, run.cursor, answers.hear), start=run.pages):
        with turn, running.work(ACTOR, correlation=run.id) as work:
            taken = runs.take_page(work, run.id, page, pages_before=number)
            answers.name(work, taken, number)
        if page.cursor is None or running.stopping.is_set():
            return
    raise SourceUnavailable(f"{run.source} ended its walk before the last page", source=run.source)
