"""Queries about what people corrected of descriptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.description import Correction
from services.ingest.models import CorrectionRow
from services.ingest.store.keys import rows_about
from shared.db.work import Work
from shared.errors import NotFound


def corrections_of(work: Work, review: str, of: Iterable[SourceKey]) -> list[CorrectionRow]:
    """What was ever corrected of these source records, the oldest first."""
    return rows_about(work, CorrectionRow, review, of)


def standing_corrections(work: Work, review: str, of: Iterable[SourceKey]) -> Mapping[SourceKey, list[Correction]]:
    """What stands corrected of these source records."""
    work.session.flush()
    standing: defaultdict[SourceKey, list[Correction]] = defaultdict(list)
    for row in corrections_of(work, review, of):
        if row.undone_at is None:
            standing[row.source, row.source_id].append(Correction(row.id, row.field, row.value[0]))
    return standing


def correction_of(work: Work, review: str, correction: str) -> CorrectionRow:
    """A review's correction. Raises NotFound."""
    row = work.session.get(CorrectionRow, correction)
    if row is None or row.review != review:
        raise NotFound(f"review {review!r} has no correction {correction!r}")
    return row
