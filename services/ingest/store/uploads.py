"""Queries about who sent the bytes of which file."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select, tuple_
from sqlmodel import col

from services.ingest.models import UploadRow
from services.ingest.store.common import inserting
from shared.db.work import Work

_KEY = (col(UploadRow.review), col(UploadRow.sha256), col(UploadRow.sent_by))


def note_upload(work: Work, review: str, sha256: str) -> None:
    """Keeps that whoever acts sent these bytes, just now."""
    row = {"review": review, "sha256": sha256, "sent_by": work.actor, "sent_at": datetime.now(UTC)}
    sent = inserting(work, UploadRow).values(row)
    again = sent.on_conflict_do_update(index_elements=list(_KEY), set_={"sent_at": row["sent_at"]})
    work.session.execute(again)


def was_sent(work: Work, review: str, sha256: str) -> bool:
    """Whether whoever acts sent these bytes to a review."""
    return work.session.get(UploadRow, (review, sha256, work.actor)) is not None


def forget_uploads(work: Work, before: datetime, limit: int) -> int:
    """Takes away those of before, the oldest first; answers how many."""
    old = select(*_KEY).where(col(UploadRow.sent_at) < before).order_by(col(UploadRow.sent_at)).limit(limit)
    rows = work.session.execute(old).all()
    if rows:
        work.session.execute(delete(UploadRow).where(tuple_(*_KEY).in_([tuple(row) for row in rows])))
    return len(rows)
