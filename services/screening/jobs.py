"""The scheduled work of screening: bounded batches, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from services.screening import store
from services.screening.commands import (
    amending,
    assigning,
    batches,
    drifting,
    names,
    parking,
    progress,
    queue,
    steps,
    theories,
)
from shared.apart import each
from shared.db.work import Work
from shared.service import Context

#: How many leases or records one transaction takes. It holds them until its end, and whoever votes on one waits for it:
#: with 200 of them one of 200 people waited for up to five seconds.
BATCH = 25

#: How many changes of counts one transaction folds.
FOLDED = 1000


def return_lapsed_leases(running: Context) -> None:
    """Gives the slots of lapsed leases back to the queue."""
    _repeat(running, "screening:lapse", lambda work: queue.return_lapsed(work, BATCH))


def resume_what_is_due(running: Context) -> None:
    """Has parked tasks whose day has come wait for people again."""
    _repeat(running, "screening:resume", lambda work: parking.resume_due(work, BATCH))


def apply_amendments(running: Context) -> None:
    """Holds the records of each review that was amended against its protocol's dates again, and has what nobody has
    begun be asked as the newest version says."""
    with running.work("screening:amendments", readonly=True) as work:
        amended = [(version.review, version.version) for version in store.rechecks(work)]
    with each("review") as failures:
        for review, version in amended:
            with failures.apart(review):
                some = partial(_recheck_some, review=review, version=version)
                _repeat(running, "screening:amendments", some, review)


def replace_old_names(running: Context) -> None:
    """Has votes that were cast under a name of before be the person's whose it is."""
    with running.work("screening:names", readonly=True) as work:
        known = [(row.review, row.name) for row in store.names_to_replace(work)]
    with each("review") as failures:
        for review, name in known:
            with failures.apart(review):
                some = partial(names.replace_some, review=review, name=name, limit=BATCH)
                _repeat(running, "screening:names", some, review)


def watch_agreement(running: Context) -> None:
    """Tells of people who agree less than their protocol asks for."""
    with running.work("screening:agreement", readonly=True) as work:
        known = store.reviews(work)
    with each("review") as failures:
        for review in known:
            with failures.apart(review), running.work("screening:agreement") as work:
                drifting.watch_agreement(work, review)


def tell_progress(running: Context) -> None:
    """Tells how the stages of each review stand, where that is another."""
    with running.work("screening:progress", readonly=True) as work:
        known = store.reviews(work)
    with each("review") as failures:
        for review in known:
            with failures.apart(review), running.work("screening:progress") as work:
                progress.tell_progress(work, review)


def reopen_for_theories(running: Context) -> None:
    """Asks anew about what was excluded for a CMOC that says something else now."""
    with running.work("screening:theories", readonly=True) as work:
        changed = [(row.review, row.event, row.stage) for row in store.theory_changes(work)]
    with each("review") as failures:
        for review, event, stage in changed:
            with failures.apart(review):
                some = partial(theories.reopen_some, event=event, stage=stage, limit=BATCH)
                _repeat(running, "screening:theories", some, review)


def carry_out_batches(running: Context) -> None:
    """Does, and undoes, what leads asked for many records at once, in the name of whoever did."""
    with running.work("screening:batches", readonly=True) as work:
        found = [(row.review, row.id) for row in store.batches_to_do(work)]
    with each("batch") as failures:
        for review, batch in found:
            with failures.apart(batch):
                _repeat(running, "screening:batches", partial(batches.carry_on, batch=batch, limit=BATCH), review)


def move_assigned(running: Context) -> None:
    """Has tasks be in the pools of those whom they are assigned to."""
    with running.work("screening:assigning", readonly=True) as work:
        walking = [(row.review, row.id) for row in store.assignments_walking(work)]
    with each("review") as failures:
        for review, assignment in walking:
            with failures.apart(review):
                some = partial(assigning.move_some, review=review, assignment=assignment, limit=BATCH)
                _repeat(running, "screening:assigning", some, review)


def fold_counts(running: Context) -> None:
    """Adds what has been counted since to the sums, so that whoever reads them has little to add up."""
    _repeat(running, "screening:counts", lambda work: store.fold(work, FOLDED))


def _repeat(running: Context, actor: str, do: Callable[[Work], int], walked: str | None = None) -> None:
    """Does batch after batch until there is nothing left, or the process stops; of a review that is `walked` through
    one at a time, whichever job does so."""
    while not running.stopping.is_set():
        with running.work(actor) as work:
            if walked is not None:
                store.hold_walks(work, walked)
            done = do(work)
        if not done:
            return


def _recheck_some(work: Work, *, review: str, version: int) -> int:
    """Checks the next records of a review, by id; the version remembers how far it came. Answers 0 when it is through
    all of them."""
    row = store.version_if_known(work, review, version)
    if row is None or row.recheck_after is None:
        return 0
    page = store.lock_page_in_screening_or_ruled_out(work, review, row.recheck_after, BATCH)
    store.hold_waiting_tasks(work, page)
    plan = store.the_plan(work, review)
    with work.following(row.correlation, row.caused_by):
        for record in page:
            steps.hold_against_dates(work, record, plan, "dates_amended")
            amending.ask_by_newest(work, record, plan)
    row.recheck_after = page[-1].id if len(page) == BATCH else None
    return len(page)


def ended_leases(work: Work, before: datetime, limit: int) -> int:
    """Leases that ended in whatever way; what they led to is a vote, or nothing."""
    return store.forget_leases(work, before, limit)


def old_conflict_turns(work: Work, before: datetime, limit: int) -> int:
    """What became of conflicts long ago. What nobody followed gets its number first, so that whoever comes back sees
    that something is gone."""
    for review in store.reviews_without_numbers(work):
        store.number_turns(work, review)
    return store.forget_turns(work, before, limit)
