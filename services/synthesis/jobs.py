"""Scheduled work: the synthesis that re-runs by itself, and the watch on the publication cadence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import cast

from services.synthesis import store
from services.synthesis.commands import deposits, drafts, extraction, fragments
from services.synthesis.commands.history import log_triggers
from services.synthesis.domain.cadence import standing
from services.synthesis.domain.triggers import CADENCE_BREACHED, SCHEDULE_DUE, Fired
from services.synthesis.ports.dois.open import Dois
from services.synthesis.ports.dois.port import Archive, Gone, NotDeposited
from shared.apart import each
from shared.db.work import Work
from shared.errors import NotFound
from shared.events.synthesis import ReviewOverdue
from shared.service import Context

_DEPOSITING = "synthesis:deposit"

#: Reports that are opened for coders in one transaction, and codings that are given back in one.
_OPENED, _RETURNED = 100, 500

#: Fragments that are told of in one.
_DESCRIBED = 200


def resynthesise(running: Context) -> None:
    """Recomputes every review that something arrived for, each in a transaction of its own."""
    with running.work("synthesis:resynthesise", readonly=True) as work:
        due = store.due_reviews(work)
    _each(running, "synthesis:resynthesise", due, drafts.resynthesise)


def open_extractions(running: Context) -> None:
    """Asks coders for what was included before the protocol asked for any, some at a time."""
    with running.work("synthesis:extraction", readonly=True) as work:
        due = store.reviews_to_open(work)
    _each(running, "synthesis:extraction", due, lambda work, review: extraction.open_missing(work, review, _OPENED))


def describe_fragments(running: Context) -> None:
    """Tells what fragments say, so that others can find them: each that came to count, counts no more or is other than
    it was, some at a time, until there are no more."""
    while running.leading and not running.stopping.is_set():
        with running.work("synthesis:describe") as work:
            if not fragments.describe(work, _DESCRIBED):
                return


def return_lapsed_codings(running: Context) -> None:
    """Gives what people coded no more to others."""
    with running.work("synthesis:extraction") as work:
        extraction.return_lapsed(work, _RETURNED)


def watch_cadence(running: Context) -> None:
    """Tells of reviews that have not published in time."""
    with running.work("synthesis:cadence", readonly=True) as work:
        due = store.reviews_due_by(work, work.now.date())
    _each(running, "synthesis:cadence", due, tell_if_overdue)


def deposit_revisions(running: Context) -> None:
    """Has the revisions of those reviews deposited that are to have DOIs, each review's one after the other. Where one
    does not get on, those after it wait. No transaction is open while the archive is asked; what was begun is kept by
    its id before it is published, so that whoever comes after a crash publishes that and no other."""
    dois = running.resource(Dois)
    if dois.archive is None:
        return
    with each("review") as failures:
        for review in dois.reviews:
            with failures.apart(review):
                while running.leading and not running.stopping.is_set() and _deposit_next(running, dois, review):
                    pass


def _deposit_next(running: Context, dois: Dois, review: str) -> bool:
    """Gets on with the next deposit of a review; answers whether it may be another's turn."""
    archive = cast(Archive, dois.archive)
    try:
        with running.work(_DEPOSITING) as work:
            due = deposits.due_deposit(work, review, archive.name, dois.public_url, dois.wall.now())
    except NotFound:  # Its protocol has not come yet.
        return False
    if due is None:
        return False
    try:
        reserved = archive.reserve(due.about, due.after) if due.deposit is None else None
        if reserved is not None:
            with running.work(_DEPOSITING) as work:
                deposits.note_reserved(work, due, archive.name, reserved)
        if running.stopping.is_set() or not running.leading:
            return False
        with running.work(_DEPOSITING, readonly=True) as work:
            deposit, name, make = deposits.package(work, due, archive.name)
        assigned = archive.publish(deposit, due.about, name, make())
    except Gone as gone:
        with running.work(_DEPOSITING) as work:
            deposits.note_gone(work, due, archive.name)
        return _in_trouble(running, dois, due, gone)
    except NotDeposited as trouble:
        return _in_trouble(running, dois, due, trouble)
    with running.work(_DEPOSITING) as work:
        deposits.note_assigned(work, due, archive.name, assigned)
    return True


def _in_trouble(running: Context, dois: Dois, due: deposits.Due, trouble: NotDeposited) -> bool:
    """Keeps why a deposit does not get on, and has those after it wait."""
    with running.work(_DEPOSITING) as work:
        deposits.note_trouble(work, due, cast(Archive, dois.archive).name, trouble, dois.wall.now())
    return False


def _each(running: Context, actor: str, reviews: Iterable[str], effect: Callable[[Work, str], None]) -> None:
    """Does each review; one that fails does not keep the others waiting, and is told in the end."""
    with each("review") as failures:
        for review in reviews:
            with failures.apart(review), running.work(actor) as work:
                effect(work, review)


def triggers_of_earlier_cycles(work: Work, before: datetime, limit: int) -> int:
    """Rules that fired, of cycles that are over: a cycle that still runs fires each of its own once.

    They bear the platform's time, so that their age is reckoned by that.
    """
    age = datetime.now(UTC) - before
    return store.forget_triggers(work, work.now - age, limit)


def tell_if_overdue(work: Work, review_id: str) -> None:
    """Logs that a revision is due, and tells once for each due day that it is overdue."""
    review, today = store.review_to_change(work, review_id), work.now.date()
    state, day = standing(review.next_due, today, review.course), review.next_due.isoformat()
    if state not in ("due", "overdue"):
        return
    fired = [Fired(SCHEDULE_DUE, day, f"a revision was due on {day}")]
    if state == "overdue":
        fired.append(Fired(CADENCE_BREACHED, day, f"no revision was published by {day}"))
    log_triggers(work, review, fired)
    if state == "overdue" and review.overdue_told != review.next_due:
        review.overdue_told = review.next_due
        work.emit(ReviewOverdue(review=review_id, due=review.next_due, last_published=review.last_published))
