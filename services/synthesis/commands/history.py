"""The history of the theories, what arrived and what fired, into which all else writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.synthesis import store
from services.synthesis.domain.triggers import Fired
from services.synthesis.models import ArrivalRow, ReviewRow, TriggerRow
from shared.db.work import Work
from shared.events.synthesis import Happened, TheoryChanged

#: What happens to a CMOC by what becomes of the fragments that speak to it.
_OF_FRAGMENTS: frozenset[Happened] = frozenset(
    {
        "reinstated",
        "evidence_withdrawn",
        "evidence_restored",
        "evidence_moved",
        "studies_joined",
        "studies_parted",
    }
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a CMOC, and the links it is about."""

    cmoc: str
    happened: Happened
    why: str
    before: str | None = None
    after: str | None = None
    links: Sequence[str] = ()
    into: Sequence[str] = ()


def tell_theories(work: Work, review: ReviewRow, happenings: Iterable[Happening], *, drill: bool = False) -> list[str]:
    """Writes into the history of each CMOC, and tells it; answers the events' ids."""
    each = list(happenings)
    rows = [_history_row(work, review, one, drill) for one in each]
    store.add_theory_events(work, rows)
    store.mark_undescribed_by_links(
        work, sorted({link for one in each if one.happened in _OF_FRAGMENTS for link in one.links})
    )
    return [row["event_id"] for row in rows]


def _history_row(work: Work, review: ReviewRow, one: Happening, drill: bool) -> dict[str, Any]:
    event_id = work.emit(
        TheoryChanged(
            review=review.review, cmoc=one.cmoc, happened=one.happened, before=one.before, after=one.after,
            why=one.why, drill=drill, into=list(one.into),
            links=list(one.links) if one.happened == "evidence_withdrawn" else [],
        )
    )  # fmt: skip
    return {
        "review": review.review,
        "cmoc": one.cmoc,
        "cycle": review.cycle,
        "happened": one.happened,
        "before": one.before,
        "after": one.after,
        "why": one.why,
        "links": list(one.links),
        "actor": work.actor,
        "at": work.now,
        "drill": drill,
        "event_id": event_id,
    }


def mark_due(work: Work, review: str, cause: str, cmocs: Iterable[str] | None, *, drill: bool = False) -> None:
    """Something arrived that the synthesis must take in, for these CMOCs or for all, perhaps by an exercise; it does so
    by itself, soon."""
    store.hold_arrivals(work, review, alone=False)
    concerned = None if cmocs is None else sorted(set(cmocs))
    work.add(ArrivalRow(review=review, cause=cause, cmocs=concerned, arrived_at=work.now, drill=drill))


def log_triggers(work: Work, review: ReviewRow, fired: Iterable[Fired], *, drill: bool = False) -> None:
    """Writes down the rules that fired, once a cycle for each subject."""
    rules = list(fired)
    known = store.fired_before(work, review.review, review.cycle, {one.subject for one in rules})
    for one in rules:
        if (one.rule, one.subject) not in known:
            work.add(
                TriggerRow(
                    review=review.review, cycle=review.cycle, rule=one.rule, subject=one.subject, why=one.why,
                    drill=drill, at=work.now,
                )
            )  # fmt: skip
