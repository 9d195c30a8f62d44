"""Queries about what sources are asked ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import col

from services.ingest.models import PreviewedRow, PreviewRow
from services.ingest.store.common import inserting
from shared.db.work import Work
from shared.errors import NotFound


def preview_under_way(work: Work, review: str, person: str) -> PreviewRow | None:
    """The one of a person in a review whose strings are not all answered."""
    mine = select(PreviewRow).where(
        col(PreviewRow.review) == review, col(PreviewRow.asked_by) == person, col(PreviewRow.ended_at).is_(None)
    )
    return work.session.scalars(mine).first()


def begin_preview(work: Work, row: PreviewRow) -> bool:
    """Keeps a preview; answers whether its person had none under way."""
    begun = inserting(work, PreviewRow).values(row.model_dump()).on_conflict_do_nothing().returning(col(PreviewRow.id))
    return work.session.execute(begun).first() is not None


def preview_of(work: Work, review: str, preview: str) -> PreviewRow:
    """A review's preview. Raises NotFound."""
    row = work.session.get(PreviewRow, preview)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no preview {preview!r}; they are kept for a day or so")
    return row


def strings_of(work: Work, preview: str) -> list[PreviewedRow]:
    """What is asked, in its order."""
    mine = select(PreviewedRow).where(col(PreviewedRow.preview) == preview).order_by(col(PreviewedRow.number))
    return list(work.session.scalars(mine))


def sources_asked_ahead(work: Work, but: Collection[str]) -> list[str]:
    """The sources that have strings to answer, without some: each is found by a step in an index."""
    found, after = list[str](), ""
    while True:
        waiting = select(col(PreviewedRow.source)).where(
            col(PreviewedRow.answered_at).is_(None), col(PreviewedRow.source) > after
        )
        source = work.session.scalars(waiting.order_by(col(PreviewedRow.source)).limit(1)).first()
        if source is None:
            return found
        after = source
        if source not in but:
            found.append(source)


def next_string(work: Work, source: str) -> PreviewedRow | None:
    """The string that a source has been asked longest without an answer, locked until the end of the transaction."""
    waiting = select(PreviewedRow).where(col(PreviewedRow.answered_at).is_(None), col(PreviewedRow.source) == source)
    first = waiting.order_by(col(PreviewedRow.preview), col(PreviewedRow.number)).limit(1)
    return work.session.scalars(first.with_for_update()).first()


def lock_preview(work: Work, preview: str) -> PreviewRow | None:
    """A preview as it is now, locked until the end of the transaction; None where it is forgotten."""
    return work.session.get(PreviewRow, preview, with_for_update=True, populate_existing=True)


def unanswered(work: Work, preview: str, source: str | None = None) -> Sequence[PreviewedRow]:
    """Those of a preview's strings that have no answer; at one source if given."""
    mine = select(PreviewedRow).where(col(PreviewedRow.preview) == preview, col(PreviewedRow.answered_at).is_(None))
    if source is not None:
        mine = mine.where(col(PreviewedRow.source) == source)
    return work.session.scalars(mine.order_by(col(PreviewedRow.number))).all()


def forget_previews(work: Work, before: datetime, limit: int) -> int:
    """Takes away those that were asked for before then, the oldest first; answers how many."""
    old = select(col(PreviewRow.id)).where(col(PreviewRow.asked_at) < before).order_by(col(PreviewRow.asked_at))
    ids = list(work.session.scalars(old.limit(limit)))
    if ids:
        work.session.execute(delete(PreviewedRow).where(col(PreviewedRow.preview).in_(ids)))
        work.session.execute(delete(PreviewRow).where(col(PreviewRow.id).in_(ids)))
    return len(ids)
