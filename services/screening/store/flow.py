"""The flow of records: each step of theirs counted on its day, so that the sum until a day is how things stood then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date

from sqlalchemy import text

from services.screening.domain.flow import Flowed, Standing, standings
from services.screening.models import Record
from services.screening.store.counts import FLOW, counts
from shared.db.work import Work


def count_standing(work: Work, record: Record, n: int) -> None:
    """Counts where a record stands now (`n` is 1), or that it stands there no more (-1)."""
    found = standings(
        record.state, record.stage, record.rule, record.excluded_for, record.passed, record.text, record.decided_before
    )
    add_to_flow(work, record.review, record.source, found, n)


def add_to_flow(
    work: Work, review: str, source: str | None, found: Iterable[tuple[str, Standing, str]], n: int = 1
) -> None:
    counted, day = counts(work), work.now.astimezone(UTC).date().isoformat()
    for stage, what, reason in found:
        counted.add(review, stage, FLOW, f"{day}\n{what}", f"{source or ''}\n{reason}", n=n)


#: Sums and changes in one look, since a fold may come between two. A change has its source and reason as one.
_FLOWED = text(
    f"""
SELECT stage, what, source, reason, sum(n) AS n FROM (
    SELECT stage, what, source, reason, n FROM flow WHERE review = :review AND day <= :day
    UNION ALL
    SELECT stage, substr(first, 12) AS what, second AS source, NULL AS reason, n FROM count_changes
    WHERE review = :review AND what = '{FLOW}' AND substr(first, 1, 10) <= :day
) AS parts GROUP BY stage, what, source, reason HAVING sum(n) <> 0
"""
)


def flowed(work: Work, review: str, day: date) -> list[Flowed]:
    """How the records of a review stood at the end of a day (UTC). The same may come in several parts."""
    found = []
    for row in work.rows.read(_FLOWED, {"review": review, "day": day.isoformat()}):
        source, reason = (row.source, row.reason) if row.reason is not None else row.source.split("\n", 1)
        found.append(Flowed(row.stage, row.what, reason, source, int(row.n)))
    return found
