"""The inbox: which events a service has heard, so that hearing one twice does it once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, delete, select, text
from sqlmodel import Session

from shared.db.many import each_of, is_sqlite
from shared.db.tables import InboxRow
from shared.db.types import Instant

_SQLITE = """SELECT :consumer, json_extract(value, '$[0]'), :at, json_extract(value, '$[1]'),
                    json_extract(value, '$[2]'), json_extract(value, '$[3]')
             FROM json_each(:events) WHERE true"""
_POSTGRESQL = """SELECT :consumer, value ->> 0, :at, value ->> 1, CAST(value ->> 2 AS int), CAST(value ->> 3 AS bigint)
                 FROM json_array_elements(CAST(:events AS json)) AS value"""

#: Messages before the last one heard whose inbox rows are kept, whatever their age: a log that was mended gives them
#: again, since transactions of one moment may have come to it in another order than that of their journal.
OVERLAP = 1000


class Told(NamedTuple):
    """An event's id and its place on the log, as far as it is known."""

    event_id: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


def unseen(session: Session, consumer: str, told: Sequence[Told]) -> set[str]:
    """Writes these into the consumer's inbox and answers the ids of those that were not there yet.

    When two members hear the same event at once, the slower one waits for the other's commit and then finds
    it here.
    """
    rows = _SQLITE if is_sqlite(session) else _POSTGRESQL
    statement = text(
        f'INSERT INTO inbox (consumer, event_id, heard_at, topic, "partition", "offset") {rows} '
        "ON CONFLICT DO NOTHING RETURNING event_id"
    ).bindparams(bindparam("at", type_=Instant))
    about = {
        "consumer": consumer,
        "events": orjson.dumps([tuple(event) for event in told]).decode(),
        "at": datetime.now(UTC),
    }
    return set(session.connection().execute(statement, about).scalars())


def forget(session: Session, consumer: str, event_ids: Collection[str]) -> None:
    """Takes events out of the inbox that were written there in this transaction and will be heard again."""
    of_these = select(each_of(session, event_ids, InboxRow.event_id))
    session.execute(
        delete(InboxRow).where(InboxRow.consumer == consumer, InboxRow.event_id.in_(of_these)),
        execution_options={"synchronize_session": False},
    )
