"""Queries about notices: retractions, corrections and the like."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlmodel import col

from services.ingest.models import NoticeRow
from services.ingest.store.common import batches
from shared.db.said import Said
from shared.db.work import Work

#: Said in words, since every arrival asks so, mostly in vain.
_WAITING = Said(
    "SELECT id FROM notices WHERE review = :review AND record IS NULL AND waits_for {among}",
    sqlite={"among": "IN (SELECT value FROM json_each(:keys))"},
    postgresql={"among": "= ANY(:keys)"},
)


def notices_of(work: Work, records: Iterable[str]) -> list[NoticeRow]:
    """The notices of these records in the order in which they were told, those last that never were."""
    order = col(NoticeRow.told_at).is_(None), col(NoticeRow.told_at), col(NoticeRow.id)
    return [
        row
        for batch in batches(records)
        for row in work.session.execute(
            select(NoticeRow).where(col(NoticeRow.record).in_(batch)).order_by(*order)
        ).scalars()
    ]


def claims_of(work: Work, review: str, source: str, carriers: Iterable[str]) -> list[NoticeRow]:
    """What these source records claim and still stands."""
    mine = select(NoticeRow).where(
        col(NoticeRow.review) == review, col(NoticeRow.source) == source, col(NoticeRow.stands).is_(True)
    )
    return [
        row
        for batch in batches(carriers)
        for row in work.session.execute(
            mine.where(col(NoticeRow.carrier).in_(batch)).order_by(col(NoticeRow.id))
        ).scalars()
    ]


def notices_carried_by(work: Work, review: str, source: str, carriers: Iterable[str]) -> list[NoticeRow]:
    """What these source records have ever claimed of the record that they are in."""
    mine = select(NoticeRow).where(
        col(NoticeRow.review) == review, col(NoticeRow.source) == source, col(NoticeRow.waits_for).is_(None)
    )
    return [
        row
        for batch in batches(carriers)
        for row in work.session.execute(
            mine.where(col(NoticeRow.carrier).in_(batch)).order_by(col(NoticeRow.id))
        ).scalars()
    ]


def waiting_notices(work: Work, review: str, keys: Iterable[str]) -> list[NoticeRow]:
    """Notices that strike a work found by one of these keys and have no record yet."""
    found = work.rows.read(_WAITING, {"review": review, "keys": sorted(set(keys))})
    return [
        row
        for batch in batches(sorted(notice for (notice,) in found))
        for row in work.session.execute(
            select(NoticeRow).where(col(NoticeRow.id).in_(batch)).order_by(col(NoticeRow.id))
        ).scalars()
    ]
