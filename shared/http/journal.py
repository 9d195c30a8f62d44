"""The route every service has for its journal: what it told."""
# No postponed annotations here: FastAPI must see the types that `routes` makes.

from functools import cache
from typing import Annotated

import orjson
from fastapi import APIRouter
from sqlalchemy import select
from sqlmodel import col

from shared.db.paging import read_page
from shared.db.tables import CauseRow, OutboxRow
from shared.db.work import Work
from shared.http.auth import EventReader
from shared.http.paging import Hundred
from shared.http.parameters import Name, Seq, Word, Words
from shared.http.route import Route
from shared.http.units import reading_of
from shared.paging import Page
from shared.service import Service
from shared.wire.common import JournalEntry


@cache
def routes(service: Service) -> APIRouter:
    """The journal of one service."""
    router = APIRouter(prefix=f"/{service.name}", tags=[service.name], route_class=Route)
    reading = reading_of(service.name)

    @router.get("/reviews/{review}/events")
    def list_events(
        review: Name,
        work: Annotated[Work, reading],
        person: EventReader,
        page: Hundred,
        correlation: Word | None = None,
        event: Word | None = None,
        cause: Words = None,
        after: Seq | None = None,
    ) -> Page[JournalEntry]:
        """What the service told, oldest first: all of a review, of one flow, one event, or what some events
        led to; `after` is the last `seq` the asker has. Whoever is no lead sees of what is not decided yet neither
        votes nor who gave them."""
        query = select(OutboxRow).where(col(OutboxRow.review) == review)
        if correlation is not None:
            query = query.where(col(OutboxRow.correlation) == correlation)
        if event is not None:
            query = query.where(col(OutboxRow.event_id) == event)
        if cause is not None:
            led_to = select(col(CauseRow.event_id)).where(col(CauseRow.cause).in_(cause))
            query = query.where(col(OutboxRow.event_id).in_(led_to))
        page = page.from_position(None if after is None else [after])
        found = read_page(work, query, page, col(OutboxRow.seq))
        entries = _entries(work, found.rows)
        if not person.has("lead"):
            service.hide(work, [entry.event for entry in entries])
        return found.shown_as(entries)

    return router


def _entries(work: Work, rows: list[OutboxRow]) -> list[JournalEntry]:
    causes: dict[str, list[str]] = {}
    named = select(CauseRow).where(col(CauseRow.event_id).in_([row.event_id for row in rows]))
    for row in work.session.execute(named).scalars():
        causes.setdefault(row.event_id, []).append(row.cause)
    return [
        JournalEntry(seq=row.seq or 0, event=orjson.loads(row.payload), because=causes.get(row.event_id, []))
        for row in rows
    ]
