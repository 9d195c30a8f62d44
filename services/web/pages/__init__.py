"""The pages: each module is one table of those that belong together."""

from __future__ import annotations

from services.web.pages import (
    account,
    conflicts,
    course,
    decisions,
    duplicates,
    entrance,
    exports,
    findings,
    flow,
    founding,
    imports,
    people,
    protocol,
    record,
    records,
    reviews,
    screening,
    sources,
    subscriptions,
)

ALL = [
    entrance.pages,
    account.pages,
    founding.pages,
    reviews.pages,
    screening.pages,
    conflicts.pages,
    subscriptions.pages,
    course.pages,
    records.pages,
    record.pages,
    duplicates.pages,
    findings.pages,
    people.pages,
    flow.pages,
    protocol.pages,
    sources.pages,
    imports.pages,
    decisions.pages,
    exports.pages,
]
