"""Caps on the votes of a day, and how many somebody has cast on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import col

from services.screening.models import CapRow
from services.screening.store.plans import forget_what_is_known
from shared.db.said import Said
from shared.db.work import Work

_CAPS_OF = Said(
    "SELECT stage, votes FROM caps WHERE review = :review AND person IN ('', :person) ORDER BY stage, person"
)
_CAST_SINCE = Said(
    """
SELECT tasks.stage, count(*) FROM votes JOIN tasks ON tasks.id = votes.cast_on
WHERE votes.person = :person AND votes.cast_at >= :since AND NOT votes.deciding
    AND (votes.ended IS NULL OR votes.ended <> 'taken_back') AND tasks.review = :review
GROUP BY tasks.stage
"""
)
_SET_CAP = Said(
    """
INSERT INTO caps (review, person, stage, votes) VALUES (:review, :person, :stage, :votes)
ON CONFLICT (review, person, stage) DO UPDATE SET votes = excluded.votes
"""
)


def caps_of(work: Work, review: str, person: str) -> dict[str, int]:
    """What holds for somebody by stage, '' being the whole review: their own, or else what holds for everybody."""
    # Their own come after everybody's, and take their turn.
    return {stage: votes for stage, votes in work.rows.read(_CAPS_OF, {"review": review, "person": person})}


def cast_since(work: Work, review: str, person: str, since: datetime) -> dict[str, int]:
    """How many independent votes somebody has cast since then by stage, without those they took back."""
    given = {"review": review, "person": person, "since": since}
    return {stage: int(n) for stage, n in work.rows.read(_CAST_SINCE, given)}


def set_cap(work: Work, review: str, person: str, stage: str, votes: int | None) -> None:
    """Sets a cap; None takes it away."""
    forget_what_is_known(work)
    if votes is not None:
        given = {"review": review, "person": person, "stage": stage, "votes": votes}
        work.rows.later(_SET_CAP, given)
        return
    of = (col(CapRow.review) == review, col(CapRow.person) == person, col(CapRow.stage) == stage)
    work.session.execute(delete(CapRow).where(*of))


def all_caps(work: Work, review: str) -> list[CapRow]:
    query = select(CapRow).where(col(CapRow.review) == review).order_by(col(CapRow.stage), col(CapRow.person))
    return list(work.session.scalars(query))
