"""The relay: carries a service's committed events from its outbox to the log, in order, forever."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlmodel import Session, col

from shared.bus import positions
from shared.bus.port import BYTES_AT_ONCE, EventLog, Message
from shared.db.engine import Database
from shared.db.many import each_of, is_sqlite
from shared.db.said import Said
from shared.db.tables import WaitingRow
from shared.tracing import headers_of

#: Rows that SQLite puts into one, so that it hands them over in one step (`shared/db/many.py` says why).
_AT_ONCE = 50

_WAITING = Said(
    """SELECT {all} FROM
       (SELECT turn, event_id, topic, "key", payload, traceparent {size}
        FROM outbox_waiting JOIN outbox USING (event_id)
        WHERE turn > :after ORDER BY turn LIMIT :limit) AS oldest {fits}""",
    sqlite={
        "all": 'json_group_array(json_array(turn, event_id, topic, "key", payload, traceparent))',
        "size": "",
        "fits": "",
    },
    postgresql={
        "all": 'turn, event_id, topic, "key", payload, traceparent',
        "size": ", sum(octet_length(payload)) OVER (ORDER BY turn) - octet_length(payload) AS before",
        "fits": "WHERE before < :most_bytes",
    },
)  # fmt: skip


def relay_once(database: Database, log: EventLog, *, limit: int) -> int:
    """Appends the oldest waiting events to the log, then takes them from what waits and keeps their positions; answers
    how many: at most `limit`, and no more once they fill the room that the log reads at a time.

    It asks for what waits, never for what lies behind a high-water mark: a transaction that took an earlier turn
    and committed later is not missed. When taking them out fails the events are appended again, and every inbox
    knows them. Raises LogUnavailable when the log is down.
    """
    with database.session(readonly=True) as session:
        waiting = _oldest(session, limit)
    if not waiting:
        return 0
    last = log.append(
        [Message(topic, key, payload.encode(), headers_of(trace)) for _, _, topic, key, payload, trace in waiting]
    )
    with database.session() as session:
        turns = each_of(session, [turn for turn, *_ in waiting], WaitingRow.turn)
        session.execute(
            delete(WaitingRow).where(col(WaitingRow.turn).in_(select(turns))),
            execution_options={"synchronize_session": False},
        )
        positions.published(session, last, [event_id for _, event_id, *_ in waiting])
        session.commit()
    return len(waiting)


def _oldest(session: Session, limit: int) -> list[Any]:
    """What waits, as (turn, event id, topic, key, payload, traceparent), until it fills the room."""
    connection = session.connection()
    if not is_sqlite(session):
        return list(_WAITING.run(connection, {"after": 0, "limit": limit, "most_bytes": BYTES_AT_ONCE}).fetchall())
    waiting: list[Any] = []
    size = 0
    while size < BYTES_AT_ONCE and len(waiting) < limit:
        asked = {"after": waiting[-1][0] if waiting else 0, "limit": min(_AT_ONCE, limit - len(waiting))}
        ((text,),) = _WAITING.run(connection, asked).fetchall()
        more = orjson.loads(text)
        waiting += more
        size += len(text)
        if len(more) < asked["limit"]:
            break
    return waiting
