"""Telling of searches that people make by hand and that are due, or past their day, once each."""

from __future__ import annotations

from datetime import UTC

from services.ingest import store
from services.ingest.commands.searches import due_of
from services.ingest.models import WatchRow
from shared.apart import each
from shared.db.work import Work
from shared.events.ingest import SearchDue
from shared.service import Context

ACTOR = "ingest:search"


def announce_due_searches(running: Context) -> None:
    """Tells of each manual strategy once that it is due, and once that its day has passed; what marks it as done is
    kept with what is told."""
    with running.work(ACTOR, readonly=True) as work:
        due = store.searches_to_announce(work, work.now)
    with each("watch") as failures:
        for watch in due:
            if running.stopping.is_set():
                return
            with failures.apart(watch), running.work(ACTOR) as work:
                row = store.search_to_announce(work, watch, work.now)
                if row is not None:
                    _announce(work, row)


def _announce(work: Work, watch: WatchRow) -> None:
    assert watch.database is not None
    day = due_of(watch)
    is_past = day < work.now.astimezone(UTC).date()
    watch.due_emitted = watch.due_at
    if is_past:
        watch.overdue_emitted = watch.due_at
    work.emit(
        SearchDue(
            review=watch.review, watch=watch.id, strategy=watch.strategy, database=watch.database,
            query=watch.query or None, due=day, overdue=is_past, owner=watch.owner,
        )
    )  # fmt: skip
