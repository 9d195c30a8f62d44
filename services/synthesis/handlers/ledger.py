"""The ledgers that every other effect writes into: the history of the theories, what arrived, what fired."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.synthesis import store
from services.synthesis.domain.triggers import Fired
from services.synthesis.models import ArrivalRow, ReviewRow, TheoryEventRow, TriggerRow
from shared.db.work import Work
from shared.events.synthesis import TheoryChanged


def tell_theory(
    work: Work,
    review: ReviewRow,
    cmoc: str,
    happened: str,
    why: str,
    *,
    before: str | None = None,
    after: str | None = None,
    links: Sequence[str] = (),
    drill: bool = False,
) -> str:
    """Writes into a CMOC's history, and tells it; answers the event's id."""
    event_id = work.emit(
        TheoryChanged(
            review=review.review, cmoc=cmoc, happened=happened, before=before, after=after, why=why, drill=drill
        )
    )
    work.add(
        TheoryEventRow(
            review=review.review, cmoc=cmoc, cycle=review.cycle, happened=happened, before=before, after=after,
            why=why, links=list(links), actor=work.actor, at=work.now, drill=drill, event_id=event_id,
        )
    )  # fmt: skip
    return event_id


def mark_due(work: Work, review: str, cause: str) -> None:
    """Something arrived that the synthesis must take in; it does so by itself, soon."""
    work.add(ArrivalRow(review=review, cause=cause, arrived_at=work.now))


def log_triggers(work: Work, review: ReviewRow, fired: Iterable[Fired], *, drill: bool = False) -> None:
    """Writes down the rules that fired, once a cycle for each subject."""
    known = {(row.rule, row.subject) for row in store.triggers_of_cycle(work, review.review, review.cycle)}
    for one in fired:
        if (one.rule, one.subject) not in known:
            work.add(
                TriggerRow(
                    review=review.review, cycle=review.cycle, rule=one.rule, subject=one.subject, why=one.why,
                    drill=drill, at=work.now,
                )
            )  # fmt: skip
