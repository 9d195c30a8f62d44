"""What ingest forgets."""

from __future__ import annotations

from datetime import datetime

from services.ingest import store
from services.ingest.jobs import answers
from shared.blobs import names
from shared.db.work import Work
from shared.ids import first_id
from shared.paging import PageAsked


def items_of_finished_runs(work: Work, before: datetime, limit: int) -> int:
    """Where each item of a run went: of the oldest run that has ended and has any, while it is old."""
    run = store.oldest_run_with_items(work)
    if run is None or run >= first_id("run", before):
        return 0
    store.forget_items(work, run, limit)
    # The next run's may be as old.
    return limit


def answers_of_finished_runs(work: Work, before: datetime, limit: int) -> int:
    """The raw answers of the oldest run that has ended and has any, while it is old; their bytes are swept when nothing
    else uses them."""
    run = store.oldest_run_with_answers(work)
    if run is None or run >= first_id("run", before):
        return 0
    for answer in store.page_of_answers(work, run, PageAsked(limit)).rows:
        names.let_go(work, answer.sha256, by=answers.user(run, answer.number))
        store.forget_answer(work, answer)
    # The next run's may be as old.
    return limit


def previews_of_long_ago(work: Work, before: datetime, limit: int) -> int:
    """What sources said ahead, with what they were asked."""
    return store.forget_previews(work, before, limit)


def uploads_of_long_ago(work: Work, before: datetime, limit: int) -> int:
    """Who sent which file; nothing names it any more that does not yet."""
    return store.forget_uploads(work, before, limit)
