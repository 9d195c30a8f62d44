"""The inbox: which events a service has heard, so that hearing one twice does it once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from sqlalchemy import bindparam, text
from sqlmodel import Session

from shared.db.many import is_sqlite
from shared.db.types import Instant
from shared.events.base import Envelope

_SQLITE = "SELECT :consumer, value, :at FROM json_each(:ids) WHERE true"
_POSTGRESQL = "SELECT :consumer, value, :at FROM json_array_elements_text(CAST(:ids AS json)) AS value"


def unseen(session: Session, consumer: str, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """Writes these into the consumer's inbox and gives back, in order, those that were not there yet.

    When two members hear the same event at once, the slower one waits for the other's commit and then finds
    it here.
    """
    by_id = {envelope.id: envelope for envelope in envelopes}
    rows = _SQLITE if is_sqlite(session) else _POSTGRESQL
    statement = text(
        f"INSERT INTO inbox (consumer, event_id, heard_at) {rows} ON CONFLICT DO NOTHING RETURNING event_id"
    ).bindparams(bindparam("at", type_=Instant))
    about = {"consumer": consumer, "ids": orjson.dumps(list(by_id)).decode(), "at": datetime.now(UTC)}
    fresh = set(session.connection().execute(statement, about).scalars())
    return [envelope for event_id, envelope in by_id.items() if event_id in fresh]
