"""The pages: each module is one table of those that belong together."""

from __future__ import annotations

from services.web.pages import account, conflicts, entrance, findings, flow, imports, people, reviews, screening

ALL = [
    entrance.pages,
    account.pages,
    reviews.pages,
    screening.pages,
    conflicts.pages,
    findings.pages,
    people.pages,
    flow.pages,
    imports.pages,
]
