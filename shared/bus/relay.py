"""The relay: carries a service's committed events from its outbox to the log, in order, forever."""

from __future__ import annotations

import orjson
from sqlalchemy import delete, select

from shared.bus.port import ROOM, EventLog, Message
from shared.db import places
from shared.db.engine import Database
from shared.db.many import each_of, is_sqlite
from shared.db.said import Said
from shared.db.tables import WaitingRow

#: The oldest that wait, until they fill the room; on SQLite in one row (`shared/db/many.py` says why).
_WAITING = Said(
    """SELECT {all} FROM
       (SELECT turn, event_id, topic, "key", payload, sum({size}) OVER (ORDER BY turn) - {size} AS before
        FROM outbox_waiting JOIN outbox USING (event_id) ORDER BY turn LIMIT :limit) AS oldest
       WHERE before < :room""",
    sqlite={
        "all": 'json_group_array(json_array(turn, event_id, topic, "key", payload))',
        "size": "length(CAST(payload AS BLOB))",
    },
    postgresql={"all": 'turn, event_id, topic, "key", payload', "size": "octet_length(payload)"},
)


def relay_once(database: Database, log: EventLog, *, limit: int) -> int:
    """Appends the oldest waiting events to the log, then takes them from what waits and keeps their places; answers
    how many: at most `limit`, and no more once they fill the room that the log reads at a time.

    It asks for what waits, never for what lies behind a high-water mark: a transaction that took an earlier turn
    and committed later is not missed. When taking them out fails the events are appended again, and every inbox
    knows them. Raises LogUnavailable when the log is down.
    """
    with database.session(readonly=True) as session:
        found = _WAITING.run(session.connection(), {"limit": limit, "room": ROOM}).fetchall()
        waiting = orjson.loads(found[0][0]) if is_sqlite(session) else found
    if not waiting:
        return 0
    last = log.append([Message(topic, key, payload.encode()) for _, _, topic, key, payload in waiting])
    with database.session() as session:
        turns = each_of(session, [turn for turn, *_ in waiting], WaitingRow.turn)
        session.execute(
            delete(WaitingRow).where(WaitingRow.turn.in_(select(turns))),  # type: ignore[union-attr]
            execution_options={"synchronize_session": False},
        )
        places.published(session, last, [event_id for _, event_id, *_ in waiting])
        session.commit()
    return len(waiting)
