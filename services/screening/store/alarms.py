"""Alarms: of whom it is told that they agree less than their stage asks for."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from services.screening.models import AlarmRow
from shared.db.work import Work


def alarms(work: Work, review: str) -> list[AlarmRow]:
    """Of whom it is told that they agree too little."""
    return list(work.session.scalars(select(AlarmRow).where(col(AlarmRow.review) == review)))


def forget_alarm(work: Work, row: AlarmRow) -> None:
    work.session.delete(row)
