"""Things of a review: a row in every table of every service, so that there is something to be found out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, Integer, LargeBinary, Table, insert

from services.catalog import SERVICES
from shared.db.tables import DeadLetterRow, HeldKeyRow, OutboxRow, ParkedEventRow, PutOffEventRow
from shared.db.types import Instant
from shared.runtime.platform import Platform

#: The id of each, and one of nothing; of equal lengths, and in no other text.
THING, ABSENT = "qthing", "qblank"

#: Who finds what is somebody's own and nobody else's.
OWNER = "root"

#: The number of what has one instead.
NUMBER = 4711

#: Tables that know no review: what is kept of a source for all of them together tells of none.
_OF_THE_PLATFORM = {"quotas", "parked_sources"}

_OF_ALL_SERVICES = (OutboxRow, DeadLetterRow, HeldKeyRow, ParkedEventRow, PutOffEventRow)


def plant(platform: Platform, review: str) -> None:
    """Gives a review one of each thing that a service keeps, all under one id; what is there already stays."""
    for service in SERVICES:
        tables = [*service.tables.sorted_tables, *(row.__table__ for row in _OF_ALL_SERVICES)]
        with platform.running[service.name].database.engine.begin() as connection:
            for table in (each for each in tables if each.name not in _OF_THE_PLATFORM):
                row = {column.name: _value(column, table, service.name, review) for column in table.columns}
                connection.execute(insert(table).prefix_with("OR IGNORE").values(row))


def _value(column: Column[Any], table: Table, service: str, review: str) -> Any:
    known = {"review": review, "consumer": service, "state": "waiting" if table.name == "dead_letters" else "open"}
    if column.name in known:
        return known[column.name]
    if (table.name, column.name) == ("saved_searches", "owner"):
        return OWNER
    if column.nullable:
        return None
    kind = column.type
    if isinstance(kind, Instant):
        return datetime.now(UTC)
    if isinstance(kind, JSON):
        return {}
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer):  # Also of a BigInteger.
        return NUMBER if column.name in ("number", "version") else 1
    if isinstance(kind, Date):
        return date.today()
    if isinstance(kind, LargeBinary):
        return THING.encode()
    return THING
