"""Cycles: from one signed revision to the next, as screening hears of them."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from sqlalchemy import func, select
from sqlmodel import col

from services.screening.models import CycleRow
from shared.db.work import Work


def note_cycle(work: Work, review: str, cycle: int) -> None:
    """Keeps when the first revision of a cycle was signed."""
    if work.session.get(CycleRow, (review, cycle)) is None:
        work.add(CycleRow(review=review, cycle=cycle, ended_at=work.occurred))


def days_of_this_cycle(work: Work, review: str) -> tuple[date, date]:
    """The first day (UTC) after the last cycle that ended, and no last one."""
    ended = work.session.scalar(select(func.max(col(CycleRow.ended_at))).where(col(CycleRow.review) == review))
    return ended.astimezone(UTC).date() + timedelta(days=1) if ended else date.min, date.max


def days_of_cycle(work: Work, review: str, cycle: int) -> tuple[date, date]:
    """The first and the last day (UTC) of a cycle, or of what comes after those that have ended."""
    query = (
        select(col(CycleRow.cycle), col(CycleRow.ended_at))
        .where(col(CycleRow.review) == review, col(CycleRow.cycle) <= cycle)
        .order_by(col(CycleRow.cycle).desc())
        .limit(2)
    )
    ended = {number: at.astimezone(UTC).date() for number, at in work.rows.read(query)}
    last = ended.pop(cycle, None)
    before = max(ended.values(), default=None)
    return before + timedelta(days=1) if before else date.min, last or date.max
