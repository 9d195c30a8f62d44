"""Positions: how far a service has told and heard on the log, kept in the very transactions that make it so.

At its next start the log is held against them (`shared/runtime/checks.py`): what stood there must stand there still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, text
from sqlmodel import Session

from shared.db.many import is_sqlite
from shared.db.types import Instant
from shared.errors import Rejected
from shared.events.base import Envelope

if TYPE_CHECKING:
    from shared.bus.port import Delivery, Last, Partition

_SQLITE = (
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), "
    "json_extract(value, '$[3]'), :at{more} FROM json_each(:rows) WHERE true"
)
_POSTGRESQL = (
    "SELECT value->>0, CAST(value->>1 AS integer), CAST(value->>2 AS bigint), value->>3, "
    "CAST(:at AS timestamptz){more} FROM json_array_elements(CAST(:rows AS json)) AS value"
)


def published(session: Session, last: Mapping[Partition, Last], event_ids: Sequence[str]) -> None:
    """Keeps where an append put the last event of each partition; `event_ids` are those appended, in order."""
    rows = [(*partition, it.offset, event_ids[it.index]) for partition, it in sorted(last.items())]
    _keep(session, "published_up_to", rows)


def heard(session: Session, consumer: str, deliveries: Sequence[Delivery]) -> None:
    """Keeps that the consumer is done with these deliveries, which the transaction of this session makes true."""
    last = {delivery.topic_partition: delivery for delivery in sorted(deliveries, key=lambda it: it.offset)}
    rows = [(*partition, it.offset, event_id(it)) for partition, it in sorted(last.items())]
    _keep(session, "heard_up_to", rows, consumer=consumer)


def event_id(delivery: Delivery) -> str | None:
    """The id of the event that a delivery carries; None when it carries none."""
    try:
        return Envelope.from_json(delivery.value).id
    except Rejected:
        return None


def _keep(session: Session, table: str, rows: Sequence[tuple[str, int, int, str | None]], **also: str) -> None:
    """Writes rows of (topic, partition, offset, event id), one statement for all; a position never goes back."""
    if not rows:
        return
    columns = ["topic", "partition", '"offset"', "event_id", "at", *also]
    select = (_SQLITE if is_sqlite(session) else _POSTGRESQL).format(more="".join(f", :{name}" for name in also))
    statement = text(
        f"INSERT INTO {table} ({', '.join(columns)}) {select} ON CONFLICT ({', '.join([*also, 'topic', 'partition'])}) "
        'DO UPDATE SET "offset" = excluded."offset", event_id = excluded.event_id, at = excluded.at '
        f'WHERE {table}."offset" < excluded."offset"'
    ).bindparams(bindparam("at", type_=Instant))
    about = {"rows": orjson.dumps(rows).decode(), "at": datetime.now(UTC), **also}
    session.connection().execute(statement, about)
