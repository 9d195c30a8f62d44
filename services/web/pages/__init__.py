"""The pages: each module is one table of those that belong together."""

from __future__ import annotations

from services.web.pages import (
    account,
    conflicts,
    entrance,
    figures,
    findings,
    flow,
    mine,
    people,
    reviews,
    screening,
    training,
)

ALL = [
    entrance.pages,
    account.pages,
    reviews.pages,
    screening.pages,
    training.pages,
    mine.pages,
    conflicts.pages,
    findings.pages,
    people.pages,
    figures.pages,
    flow.pages,
]
