"""Queries about where records stand in screening, which many are told of at once: a few statements for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cache

from sqlalchemy import func, select, update
from sqlmodel import col

from services.ingest.models import RecordRow, ReviewRow
from shared.db.many import as_json
from shared.db.said import LOCK, Said
from shared.db.work import Work

_HOLD = Said(
    "SELECT id FROM records WHERE id {among} ORDER BY id {lock}",
    sqlite={"among": "IN (SELECT value FROM json_each(:ids))", "lock": ""},
    postgresql={"among": "= ANY(:ids)", **LOCK},
)


def note_standings(work: Work, standings: Mapping[tuple[str, str], Mapping[str, object]]) -> None:
    """Notes where records (review, id) stand in screening, each in columns of its own, and so whether what sources
    change about it matters."""
    alike: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
    for (review, record), standing in sorted(standings.items()):
        alike[tuple(sorted(standing))].append({"id": record, "review": review, **standing})
    if alike:
        work.session.flush()
        # In the order in which a session writes rows: else a pull and a listener wait for each other.
        _HOLD.run(work.rows.connection, {"ids": sorted(record for _, record in standings)})
    for names, rows in alike.items():
        _noting(names).run(work.rows.connection, {"rows": as_json(rows)})


@cache
def _noting(names: tuple[str, ...]) -> Said:
    """The statement that writes these columns of many records."""
    sets = ", ".join(f"{name} = given.{name}" for name in names)
    values = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in ("id", "review", *names))
    return Said(
        f"UPDATE records SET {sets} FROM {{given}} AS given"
        " WHERE records.id = given.id AND records.review = given.review",
        sqlite={"given": f"(SELECT {values} FROM json_each(:rows))"},
        postgresql={"given": "json_populate_recordset(NULL::records, CAST(:rows AS json))"},
    )


def pass_no_more(work: Work, review: str, record: str, stage: str) -> None:
    """Where this stage is the last that a record passed, it is no more. Which one it passed before is not kept, but the
    first it did, unless this is the first."""
    first = select(func.nullif(col(ReviewRow.first_stage), stage)).where(col(ReviewRow.review) == review)
    mine = update(RecordRow).where(
        col(RecordRow.review) == review, col(RecordRow.id) == record, col(RecordRow.stage) == stage
    )
    work.session.execute(mine.values(stage=first.scalar_subquery()))


def excluded_on(work: Work, review: str, record: str) -> date | None:
    """The day on which a record was excluded last; None for one that never was."""
    mine = select(col(RecordRow.excluded_on)).where(col(RecordRow.review) == review, col(RecordRow.id) == record)
    return work.session.execute(mine).scalar()
