"""The relay: carries a service's committed events from its outbox to the log, in order, forever."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from shared.bus.port import EventLog, Message
from shared.db import places
from shared.db.engine import Database
from shared.db.many import each_of
from shared.db.said import Said
from shared.db.tables import OutboxRow

_WAITING = Said(
    'SELECT seq, event_id, topic, "key", payload FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT :limit'
)


def relay_once(database: Database, log: EventLog, *, limit: int) -> int:
    """Appends the oldest waiting events to the log, then marks them and keeps their places; answers how many.

    It asks for what is not marked, never for what lies behind a high-water mark: a transaction that took
    an earlier number and committed later is not missed. When the marking fails the events are appended
    again, and every inbox knows them. Raises LogUnavailable when the log is down.
    """
    with database.session(readonly=True) as session:
        waiting = _WAITING.run(session.connection(), {"limit": limit}).fetchall()
    if not waiting:
        return 0
    last = log.append([Message(topic, key, payload.encode()) for _, _, topic, key, payload in waiting])
    with database.session() as session:
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.seq.in_(select(each_of(session, [seq for seq, *_ in waiting], OutboxRow.seq))))
            .values(published_at=datetime.now(UTC)),
            execution_options={"synchronize_session": False},
        )
        places.published(session, last, [event_id for _, event_id, *_ in waiting])
        session.commit()
    return len(waiting)
