"""The inbox: which events a service has heard, so that hearing one twice does it once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlmodel import Session, col

from shared.db.many import GIVEN, as_json, each_of, is_sqlite
from shared.db.said import Said
from shared.db.tables import InboxRow

#: A message's id and position are the four parts of `value`.
_PUT = Said(
    '{given} INSERT INTO inbox (consumer, event_id, heard_at, topic, "partition", "offset") '
    "SELECT :consumer, {id}, :at, {topic}, {partition}, {offset} FROM {events} ON CONFLICT DO NOTHING {told}",
    sqlite={
        "id": "json_extract(value, '$[0]')", "topic": "json_extract(value, '$[1]')",
        "partition": "json_extract(value, '$[2]')", "offset": "json_extract(value, '$[3]')",
        "given": GIVEN.format(given=":events"), "events": "given WHERE true", "told": "",
    },
    postgresql={
        "id": "value ->> 0", "topic": "value ->> 1",
        "partition": "CAST(value ->> 2 AS int)", "offset": "CAST(value ->> 3 AS bigint)",
        "given": "", "events": "json_array_elements(CAST(:events AS json)) AS value", "told": "RETURNING event_id",
    },
)  # fmt: skip
_THERE = Said(
    "SELECT event_id FROM inbox WHERE consumer = :consumer "
    "AND event_id IN (SELECT json_extract(value, '$[0]') FROM json_each(:events))"
)

#: Messages before the last one heard whose inbox rows are kept, whatever their age: a log that was mended gives them
#: again, since transactions of one moment may have come to it in another order than that of their journal.
OVERLAP = 1000


class InboxEntry(NamedTuple):
    """An event's id and its position on the log, as far as it is known."""

    event_id: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


def unseen(session: Session, consumer: str, entries: Sequence[InboxEntry]) -> set[str]:
    """Writes these into the consumer's inbox and answers the ids of those that were not there yet.

    When two members hear the same event at once, the slower one waits for the other's commit and then finds
    it here.
    """
    connection = session.connection()
    given = {
        "consumer": consumer,
        "events": as_json([tuple(event) for event in entries]),
        "at": datetime.now(UTC),
    }
    if not is_sqlite(session):
        return {id for (id,) in _PUT.run(connection, given).fetchall()}
    # It has one writer at a time, and would hand over each new id in a step of its own (see `shared/db/many.py`).
    there = {id for (id,) in _THERE.run(connection, given).fetchall()}
    _PUT.run(connection, given)
    return {event.event_id for event in entries} - there


def forget(session: Session, consumer: str, event_ids: Collection[str]) -> None:
    """Takes events out of the inbox that were written there in this transaction and will be heard again."""
    of_these = select(each_of(session, event_ids, InboxRow.event_id))
    session.execute(
        delete(InboxRow).where(col(InboxRow.consumer) == consumer, col(InboxRow.event_id).in_(of_these)),
        execution_options={"synchronize_session": False},
    )
