"""The flow of records at any date, in figures and as a picture."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from fastapi import Response

from services.screening import store, views
from services.screening.api import diagram
from services.screening.api.listings import Review
from services.screening.api.router import Reading, router
from shared.db.work import Work
from shared.errors import Invalid
from shared.http.auth import Reader
from shared.http.parameters import AskedNumber, Day
from shared.wire.screening import FlowView

_RUNS_NOTHING = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class Svg(Response):
    """An image that runs and loads nothing, wherever it is opened."""

    media_type = "image/svg+xml"


@router.get("/reviews/{review}/flow")
def show_flow(
    review: Review, work: Reading, person: Reader, on: Day | None = None, cycle: AskedNumber | None = None
) -> FlowView:
    """The flow of records as it was at the end of a day (UTC), which is today where none is given; or what changed
    within a cycle, which ends with the day on which its first revision was signed."""
    return _flow(work, review, on, cycle)


@router.get("/reviews/{review}/flow.svg", response_class=Svg)
def show_flow_picture(
    review: Review, work: Reading, person: Reader, on: Day | None = None, cycle: AskedNumber | None = None
) -> Svg:
    """The same, drawn as a PRISMA 2020 flow diagram."""
    protocol = views.known_plan(work, review).protocol
    return Svg(diagram.drawn(protocol, _flow(work, review, on, cycle)), headers=_RUNS_NOTHING)


def _flow(work: Work, review: str, on: date | None, cycle: int | None) -> FlowView:
    plan, today = views.known_plan(work, review), work.now.astimezone(UTC).date()
    if cycle is None:
        day = on or today
        return views.flow_view(plan.protocol, store.flowed(work, review, day), day)
    if on is not None:
        raise Invalid.of("cycle", "is given beside a day; give one of the two")
    first, last = store.days_of_cycle(work, review, cycle)
    since, day = None if first == date.min else first, min(last, today)
    before = store.flowed(work, review, since - timedelta(days=1)) if since else []
    return views.flow_view(plan.protocol, store.flowed(work, review, day), day, cycle=cycle, since=since, before=before)
