"""Queries about what sources were asked, and which are left alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlmodel import col

from services.ingest.models import ParkedRow, QuotaRow
from services.ingest.store.common import inserting
from shared.db.paging import read_page
from shared.db.work import Work
from shared.paging import Found, PageAsked


def quota_of(work: Work, source: str, day: str) -> QuotaRow:
    """The row of a source and day, locked until the end of the transaction; a new one where there is none."""
    first = QuotaRow(source=source, day=day, heard_at=work.now).model_dump()
    work.session.execute(inserting(work, QuotaRow).values(first).on_conflict_do_nothing())
    return work.session.get_one(QuotaRow, (source, day), with_for_update=True)


def quotas_of_day(work: Work, day: str) -> list[QuotaRow]:
    return list(work.session.scalars(select(QuotaRow).where(col(QuotaRow.day) == day).order_by(col(QuotaRow.source))))


def page_of_quotas(work: Work, page: PageAsked) -> Found[QuotaRow]:
    """Sources and days, the newest day first."""
    return read_page(work, select(QuotaRow), page, col(QuotaRow.day), col(QuotaRow.source), descending=True)


def forget_quotas(work: Work, before: str, limit: int) -> int:
    """Takes away what is of days before this one, the oldest first; answers how many rows."""
    key = tuple_(col(QuotaRow.day), col(QuotaRow.source))
    old = select(col(QuotaRow.day), col(QuotaRow.source)).where(col(QuotaRow.day) < before)
    rows = work.session.execute(old.order_by(col(QuotaRow.day), col(QuotaRow.source)).limit(limit)).all()
    if rows:
        work.session.execute(delete(QuotaRow).where(key.in_([tuple(row) for row in rows])))
    return len(rows)


def parked_source(work: Work, source: str) -> ParkedRow | None:
    """That a source is left alone, also where its time is over, locked until the end of the transaction."""
    return work.session.get(ParkedRow, source, with_for_update=True)


def parked_sources(work: Work, now: datetime) -> list[ParkedRow]:
    """The sources that are left alone now, by name."""
    parked = select(ParkedRow).where(col(ParkedRow.until) > now)
    return list(work.session.scalars(parked.order_by(col(ParkedRow.source))))


def unpark(work: Work, source: str) -> None:
    """Has a source be asked again."""
    work.session.execute(delete(ParkedRow).where(col(ParkedRow.source) == source))


def unpark_due(work: Work, *, but: str) -> None:
    """Forgets those that were left alone for as long as they asked, `but` one that is known to answer again by its
    answer alone."""
    work.session.execute(delete(ParkedRow).where(col(ParkedRow.until) <= work.now, col(ParkedRow.source) != but))
