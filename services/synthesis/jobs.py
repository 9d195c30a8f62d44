"""Scheduled work: the synthesis that re-runs by itself, and the watch on the publication cadence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.synthesis import store
from services.synthesis.handlers import cadence, drafts
from shared.db.work import Work
from shared.runtime.running import Running


def resynthesise(running: Running) -> None:
    """Recomputes every review that something arrived for, each in a transaction of its own."""
    with running.work("synthesis:resynthesise", readonly=True) as work:
        due = store.due_reviews(work)
    _each(running, "synthesis:resynthesise", due, drafts.resynthesise)


def watch_cadence(running: Running) -> None:
    """Tells of reviews that have not published in time."""
    with running.work("synthesis:cadence", readonly=True) as work:
        due = store.reviews_due_by(work, work.now.date())
    _each(running, "synthesis:cadence", due, cadence.tell_if_overdue)


def _each(running: Running, actor: str, reviews: Iterable[str], effect: Callable[[str, Work], None]) -> None:
    """Does each review; one that fails does not keep the others waiting, and is told in the end."""
    failures: list[Exception] = []
    for review in reviews:
        try:
            with running.work(actor) as work:
                effect(review, work)
        except Exception as error:
            error.add_note(f"review {review}")
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} reviews failed", failures)
