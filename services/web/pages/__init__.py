"""The pages: each module is one table of those that belong together."""

from __future__ import annotations

from services.web.pages import (
    account,
    conflicts,
    course,
    entrance,
    findings,
    flow,
    people,
    reviews,
    screening,
    subscriptions,
)

ALL = [
    entrance.pages,
    account.pages,
    reviews.pages,
    screening.pages,
    conflicts.pages,
    subscriptions.pages,
    course.pages,
    findings.pages,
    people.pages,
    flow.pages,
]
