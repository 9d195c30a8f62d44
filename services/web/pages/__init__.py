"""The pages: each module is one table of those that belong together."""

from __future__ import annotations

from services.web.pages import (
    account,
    conflicts,
    decisions,
    entrance,
    exports,
    findings,
    flow,
    founding,
    imports,
    people,
    protocol,
    reviews,
    screening,
    sources,
)

ALL = [
    entrance.pages,
    account.pages,
    founding.pages,
    reviews.pages,
    screening.pages,
    conflicts.pages,
    findings.pages,
    people.pages,
    flow.pages,
    protocol.pages,
    sources.pages,
    imports.pages,
    decisions.pages,
    exports.pages,
]
