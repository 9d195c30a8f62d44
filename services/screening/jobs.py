"""The scheduled work of screening: bounded batches, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.screening import store
from services.screening.commands import queue, steps
from shared.db.work import Work
from shared.service import Context

#: How many leases or records one transaction takes.
BATCH = 200

#: How many changes of counts one transaction folds.
FOLDED = 1000


def return_lapsed_leases(running: Context) -> None:
    """Gives the places of lapsed leases back to the queue."""
    _repeat(running, "screening:lapse", lambda work: queue.return_lapsed(work, BATCH))


def apply_moved_dates(running: Context) -> None:
    """Holds the records of a review against its protocol's dates again, where an amendment moved them."""
    _repeat(running, "screening:dates", _recheck_some)


def fold_counts(running: Context) -> None:
    """Adds what has been counted since to the sums, so that whoever reads them has little to add up."""
    _repeat(running, "screening:counts", lambda work: store.fold(work, FOLDED))


def _repeat(running: Context, actor: str, do: Callable[[Work], int]) -> None:
    """Does batch after batch until there is nothing left, or the process stops."""
    while not running.stopping.is_set():
        with running.work(actor) as work:
            done = do(work)
        if not done:
            return


def _recheck_some(work: Work) -> int:
    """Checks the next records of one review, by id; the version remembers how far it came."""
    for version in store.rechecks(work):
        page = store.lock_page_in_screening_or_ruled_out(work, version.review, version.recheck_after or "", BATCH)
        plan = store.the_plan(work, version.review)
        with work.following(version.correlation, version.caused_by):
            for record in page:
                steps.hold_against_dates(work, record, plan, "dates_amended")
        version.recheck_after = page[-1].id if len(page) == BATCH else None
        return 1
    return 0


def ended_leases(work: Work, before: datetime, limit: int) -> int:
    """Leases that ended in whatever way; what they led to is a vote, or nothing."""
    return store.forget_leases(work, before, limit)
