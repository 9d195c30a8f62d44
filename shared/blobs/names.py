"""Names: which blobs are in use, and by what; in the transaction of the row that refers to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col

from shared.blobs.port import Blobs
from shared.db.tables import BlobNameRow
from shared.db.work import Work

#: Names that are looked at in one query.
_BATCH = 500


def keep(work: Work, blobs: Blobs, sha256: str, *, by: str) -> None:
    """Says that a blob, which was put before this work began, is used by something from now on. Raises BlobMissing
    when it is not there any more: then nothing may refer to it.

    What makes the sweep safe: a blob is made young in the very transaction that names it. So one that is old and has
    no name that anybody sees has none that is about to be seen either.
    """
    blobs.touch(work, sha256)
    work.add(BlobNameRow(sha256=sha256, used_by=by, since=datetime.now(UTC)))


def let_go(work: Work, sha256: str, *, by: str) -> None:
    """Says that it is not used by that any more. A blob that nothing uses is swept, a day after at the earliest."""
    work.session.execute(delete(BlobNameRow).where(col(BlobNameRow.sha256) == sha256, col(BlobNameRow.used_by) == by))


def named(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of a batch that are in use."""
    return set(session.execute(select(col(BlobNameRow.sha256)).where(col(BlobNameRow.sha256).in_(hashes))).scalars())


def newest(session: Session, limit: int) -> dict[str, str]:
    """The blobs that were named last, each with what uses it."""
    rows = session.execute(select(BlobNameRow).order_by(col(BlobNameRow.since).desc()).limit(limit)).scalars()
    return {row.sha256: row.used_by for row in rows}


def every(session: Session) -> Iterator[dict[str, str]]:
    """All blobs in use, each with one thing that uses it, in batches."""
    last = ""
    while True:
        query = (
            select(BlobNameRow).where(col(BlobNameRow.sha256) > last).order_by(col(BlobNameRow.sha256)).limit(_BATCH)
        )
        rows = session.execute(query).scalars().all()
        if not rows:
            return
        last = rows[-1].sha256
        yield {row.sha256: row.used_by for row in rows}
