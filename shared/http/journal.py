"""The route every service has for its journal: what it told."""
# No postponed annotations here: FastAPI must see the types that `routes` makes.

import orjson
from fastapi import APIRouter
from sqlalchemy import select

from shared.db.tables import CauseRow, OutboxRow
from shared.db.work import Work
from shared.http.auth import Lead
from shared.http.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from shared.http.parameters import Name, Seq, Word, Words
from shared.http.route import Route
from shared.http.units import reading_of
from shared.service import Service
from shared.wire.common import JournalEntry


def routes(service: Service) -> APIRouter:
    """The journal of one service."""
    router = APIRouter(prefix=f"/{service.name}", tags=[service.name], route_class=Route)
    Reading = reading_of(service.name)

    @router.get("/reviews/{review}/events", operation_id=f"{service.name}_events")
    def list_events(
        review: Name,
        work: Reading,
        person: Lead,
        correlation: Word | None = None,
        event: Word | None = None,
        cause: Words = None,
        after: Seq | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Page[JournalEntry]:
        """What the service told, oldest first: all of a review, of one flow, one event, or what some events
        led to; `after` is the last `seq` the asker has."""
        query = select(OutboxRow).where(OutboxRow.review == review).order_by(OutboxRow.seq).limit(limit + 1)
        if correlation is not None:
            query = query.where(OutboxRow.correlation == correlation)
        if event is not None:
            query = query.where(OutboxRow.event_id == event)
        if cause is not None:
            query = query.where(OutboxRow.event_id.in_(select(CauseRow.event_id).where(CauseRow.cause.in_(cause))))
        place = decode_cursor(cursor, int) or [after]
        if place[0] is not None:
            query = query.where(OutboxRow.seq > place[0])
        rows = list(work.session.execute(query).scalars())
        more, rows = len(rows) > limit, rows[:limit]
        return Page(items=_entries(work, rows), next=encode_cursor(rows[-1].seq) if more else None)

    return router


def _entries(work: Work, rows: list[OutboxRow]) -> list[JournalEntry]:
    causes: dict[str, list[str]] = {}
    named = select(CauseRow).where(CauseRow.event_id.in_([row.event_id for row in rows]))
    for row in work.session.execute(named).scalars():
        causes.setdefault(row.event_id, []).append(row.cause)
    return [
        JournalEntry(seq=row.seq or 0, event=orjson.loads(row.payload), because=causes.get(row.event_id, []))
        for row in rows
    ]
