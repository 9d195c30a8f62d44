"""Report texts: what reports say where only people can say it; the last that was written holds."""

from __future__ import annotations

import hashlib

from services.synthesis import store
from services.synthesis.models import ReportTextRow
from shared.db.work import Work
from shared.errors import Conflict, NotFound
from shared.events.synthesis import ReportTextWritten
from shared.reporting.checklists import AUTHORED
from shared.wire.synthesis import NewReportText


def write(work: Work, review_id: str, item: str, given: NewReportText) -> ReportTextRow:
    """Keeps what an item says, with when; the same words confirm it as it is, and change nothing where nothing came
    since. Raises NotFound, and Conflict where somebody wrote meanwhile."""
    require_authored(item)
    review = store.review_to_change(work, review_id)
    last = store.newest_report_text(work, review_id, item)
    same = last is not None and last.text == given.text
    if last is not None and same and not last.is_behind(review):
        return last
    if last is not None and given.seen is not None and given.seen != last.event_id:
        raise Conflict(
            f"{item}: somebody wrote it anew meanwhile, and nothing of theirs was written over: read that first",
            slug="text_changed",
        )
    row = ReportTextRow(
        review=review_id, item=item, text=given.text, confirmed=same, by=work.actor, at=work.now,
        revision=review.revisions, protocol_version=review.protocol_version, event_id="",
    )  # fmt: skip
    row.event_id = work.emit(
        ReportTextWritten(
            review=review_id, item=item, sha256=hashlib.sha256(given.text.encode()).hexdigest(), confirmed=same,
            revision=row.revision, protocol_version=row.protocol_version, by=work.actor,
        )
    )  # fmt: skip
    return work.add(row)


def require_authored(item: str) -> None:
    """Raises NotFound for what no report has people write."""
    if item not in AUTHORED:
        raise NotFound(
            f"no report has people write {item!r}; these are written: {', '.join(sorted(AUTHORED))}",
            slug="unknown_report_text",
        )
