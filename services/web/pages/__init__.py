"""The pages: each module is one table of those that belong together."""

from __future__ import annotations

from services.web.pages import (
    account,
    conflicts,
    duplicates,
    entrance,
    findings,
    flow,
    people,
    record,
    records,
    reviews,
    screening,
)

ALL = [
    entrance.pages,
    account.pages,
    reviews.pages,
    screening.pages,
    conflicts.pages,
    records.pages,
    record.pages,
    duplicates.pages,
    findings.pages,
    people.pages,
    flow.pages,
]
