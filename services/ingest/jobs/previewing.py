"""Asking sources what the strings of a draft would bring: through the door that runs go through, and never before them.

A source is asked one string at a time, at its own pace, beside whatever run pulls it. Each answer is counted. One that
asks to be left alone is, and so is one of whose budget for the day no more is left than the share that is kept for runs
(`domain.quotas.OF_RUNS`), by what it said last: a preview never takes what a pull would need. No transaction is open,
and no connection held, while one waits.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, date
from threading import Lock

from services.ingest import store
from services.ingest.domain import quotas as budget
from services.ingest.jobs import quotas
from services.ingest.jobs.items import words_of
from services.ingest.models import PreviewedRow
from services.ingest.ports.sources import previews
from services.ingest.ports.sources.catalog import Sources
from services.ingest.ports.sources.http import within
from services.ingest.ports.sources.port import Page, Source, SourceUnavailable
from shared import logging
from shared.apart import each
from shared.bus.judging import storable
from shared.db.work import Work
from shared.errors import LivingError
from shared.service import Context

log = logging.get(__name__)

ACTOR = "ingest:previews"

#: Seconds for which a person waits for one string of one source.
PATIENCE = 40.0

#: How often a string is begun to be asked, where a process ends in the middle.
_MOST_TRIES = 3

#: Seconds after which sources that are slow are left alone for a look at what else is asked.
_LOOK_AGAIN = 1.0

#: What is kept of an answer: characters of a title, remarks, and characters of each.
_LONGEST_TITLE, _MOST_REMARKS, _LONGEST_REMARK = 500, 5, 500


@dataclass(frozen=True, slots=True)
class _Question:
    """A string that a source is to be asked now."""

    preview: str
    review: str
    number: int
    asked: str
    since: date
    until: date


def ask_ahead(running: Context) -> None:
    """Asks what people wait for, sources side by side, the preview that waits longest first. What a process left in the
    middle is asked again, and some tries later said to have failed, so that none waits for ever."""
    asking: dict[str, Future[None]] = {}
    failed: set[str] = set()
    turn = Lock()  # As with pages of runs, SQLite has one writer at a time and is unfair to those who wait.
    with each("source") as failures, ThreadPoolExecutor(thread_name_prefix="ahead") as pool:
        while not running.stopping.is_set():
            with running.work(ACTOR, readonly=True) as work:
                waiting = store.sources_asked_ahead(work, but={*asking, *failed})
            for source in waiting:
                asking[source] = pool.submit(_ask_next, running, source, turn)
            if not asking:
                break
            done, _ = wait(asking.values(), timeout=_LOOK_AGAIN, return_when=FIRST_COMPLETED)
            for source in [source for source, future in asking.items() if future in done]:
                task = asking.pop(source)
                failed.update([source] if task.exception() is not None else [])
                with failures.apart(source):
                    task.result()


def _ask_next(running: Context, name: str, turn: Lock) -> None:
    """Asks a source the string that waits longest for it, and writes down what came of that."""
    source = running.resource(Sources).get(name)
    with turn, running.work(ACTOR) as work:
        question = _begin(work, name, source)
    if question is None or source is None:
        return
    tally, page, error = quotas.Tally(name), Page(), None
    try:
        with within(PATIENCE):
            page = previews.first_page(source, question.asked, question.since, question.until, tally.hear)
    except Exception as none:
        error = none
    with turn, running.work(ACTOR) as work:
        tally.write(work, refused=error is not None and quotas.asks_for_long(error))
        if error is not None and quotas.asks_for_long(error):
            known = store.lock_review_if_known(work, question.review)
            quotas.park(work, known.review if known is not None else None, error)
        _write_down(work, question, name, page, error)
    log.info("asked ahead", review=question.review, source=name, failed=error is not None)
    if error is not None and not isinstance(error, LivingError):
        raise error


def _begin(work: Work, name: str, source: Source | None) -> _Question | None:
    """What a source is to be asked now; what it is not to be asked is answered so."""
    row = store.next_string(work, name)
    preview = store.lock_preview(work, row.preview) if row is not None else None
    if row is None:
        return None
    if preview is None:
        _answer(work, row, "nobody waits for it any longer", "forgotten")
        return None
    if why := _not_asked(work, name, source):
        for one in store.unanswered(work, preview.id, name):
            _answer(work, one, *why)
        _end_if_all_answered(work, preview.id)
        return None
    if row.tries >= _MOST_TRIES:
        _answer(work, row, f"asking it was broken off {row.tries} times; look at the log", "broken_off")
        _end_if_all_answered(work, preview.id)
        return None
    row.tries += 1
    return _Question(preview.id, preview.review, row.number, row.asked, preview.since, preview.until)


def _not_asked(work: Work, name: str, source: Source | None) -> tuple[str, str] | None:
    """Why a source is not asked, in words and as a slug; None where it is."""
    if source is None:
        return f"{name} cannot be asked from here", "unknown_source"
    for parked in store.parked_sources(work, work.now):
        if parked.source == name:
            until = parked.until.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
            return f"{name} asked to be left alone until {until}: {parked.why}", "source_parked"
    for day in store.quotas_of_day(work, work.now.astimezone(UTC).date().isoformat()):
        if day.source == name and not budget.leaves_runs_theirs(day.said):
            return f"what is left of the budget of {name} for today is kept for runs", "budget_of_runs"
    return None


def _write_down(work: Work, question: _Question, name: str, page: Page, error: Exception | None) -> None:
    """Keeps what came of a string, unless it was forgotten or answered meanwhile. A source that did not answer is asked
    nothing more of the preview, since each try takes its time."""
    if store.lock_preview(work, question.preview) is None:
        return
    for row in store.unanswered(work, question.preview, name):
        if row.number == question.number and error is None:
            row.reported = page.reported
            row.titles = [storable(title)[:_LONGEST_TITLE] for title in previews.titles_of(page)]
            row.remarks = [storable(remark)[:_LONGEST_REMARK] for remark in page.remarks[:_MOST_REMARKS]]
            row.answered_at = work.now
        elif error is not None and (row.number == question.number or isinstance(error, SourceUnavailable)):
            _answer(work, row, words_of(error), error.slug if isinstance(error, LivingError) else "fault")
    _end_if_all_answered(work, question.preview)


def _answer(work: Work, row: PreviewedRow, error: str, failed: str) -> None:
    row.error, row.failed, row.answered_at = error, failed, work.now


def _end_if_all_answered(work: Work, preview: str) -> None:
    """The preview must be locked."""
    work.session.flush()
    row = store.lock_preview(work, preview)
    if row is not None and row.ended_at is None and not store.unanswered(work, preview):
        row.ended_at = work.now
