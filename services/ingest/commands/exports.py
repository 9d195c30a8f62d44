"""Files of records that leave: anybody of a review asks for one, and it is made later."""

from __future__ import annotations

from services.ingest import store
from services.ingest.models import ExportRow, ReviewRow
from shared.db.work import Work
from shared.errors import Conflict, Invalid, TooMany
from shared.ids import new_id
from shared.wire.ingest import NewExport

#: Exports of one person that wait at once, in a review.
_MOST = 5


def request_export(work: Work, review: str, asked: NewExport) -> ExportRow:
    """Begins one; the same again, while it waits, answers that one. Raises UnknownReview, TooMany, Invalid for a stage
    that the protocol lacks, and Conflict for one where an earlier release heard the protocol, which did not keep the
    first one: better none than half a file.
    """
    known = store.review_of(work, review)
    if asked.stage is not None:
        _require_stage(known, asked.stage)
    waiting = [row for row in store.waiting_exports(work, review) if row.asked_by == work.actor]
    wanted = (asked.format, asked.stage, asked.standing)
    for row in waiting:
        if (row.format, row.stage, row.standing) == wanted:
            return row
    if len(waiting) >= _MOST:
        raise TooMany(f"{len(waiting)} exports of yours are not made yet: wait for them", slug="exports_wait")
    row = ExportRow(
        id=new_id("export"), review=review, format=asked.format, stage=asked.stage, standing=asked.standing,
        asked_by=work.actor, asked_at=work.now,
    )  # fmt: skip
    return work.add(row)


def _require_stage(known: ReviewRow, stage: str) -> None:
    if known.first_stage is None:
        why = "which stage is the first is not known here before the next version of the protocol is applied"
        raise Conflict(f"{why}; export without --stage", slug="stages_unknown")
    if known.stages is not None and stage not in known.stages:
        why = f"{stage!r} is no stage of {known.review!r}, which has {', '.join(sorted(known.stages))}"
        raise Invalid.of("stage", why, slug="unknown_stage")


def user(export: str) -> str:
    """What uses the blob of an exported file."""
    return f"{export}/file"
