"""What files state was decided before, and of which record each of these statements is now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Subquery, func, select
from sqlmodel import col

from services.screening.models import RecordRow, StatementRow
from shared.db.many import each_of
from shared.db.said import Said
from shared.db.work import Work
from shared.events.ingest import DecisionStated, SourceRef

#: A statement that was told of a record before its source record was parted from that is of the other one.
_KEEP = Said(
    """
INSERT INTO statements (id, review, record, source, source_id, stage, answer, "by", reason, imported, file_sha256, line,
    mapping_sha256, brought_by, homed_at)
VALUES (:id, :review, coalesce((
        SELECT record FROM parted_sources
        WHERE review = CAST(:review AS varchar) AND source = CAST(:source AS varchar)
          AND source_id = CAST(:source_id AS varchar) AND at >= :homed_at
    ), :record), :source, :source_id, :stage, :answer, :by, :reason, :imported, :of_file, :line, :of_mapping,
    :brought_by, :homed_at)
ON CONFLICT (id) DO NOTHING RETURNING id
"""
)

_OF_SOURCES = {
    "sqlite": {
        "of_sources": """(SELECT json_extract(value, '$.source') AS source, json_extract(value, '$.id') AS id
    FROM json_each(:sources)) AS given"""
    },
    "postgresql": {"of_sources": "json_to_recordset(CAST(:sources AS json)) AS given(source text, id text)"},
}

#: What is stated of these source records, and was told to be another record's before then.
_MOVE = Said(
    """
UPDATE statements SET record = :record, homed_at = :at
WHERE review = :review AND homed_at <= :at AND record <> CAST(:record AS varchar)
  AND (source, source_id) IN (SELECT given.source, given.id FROM {of_sources}) RETURNING id
""",
    sqlite=_OF_SOURCES["sqlite"],
    postgresql=_OF_SOURCES["postgresql"],
)

_PART = Said(
    """
INSERT INTO parted_sources (review, source, source_id, record, at)
SELECT :review, given.source, given.id, :record, :at FROM {of_sources} WHERE true
ON CONFLICT (review, source, source_id) DO UPDATE SET record = excluded.record, at = excluded.at
WHERE parted_sources.at <= excluded.at RETURNING record
""",
    sqlite=_OF_SOURCES["sqlite"],
    postgresql=_OF_SOURCES["postgresql"],
)


def keep_statement(work: Work, event: DecisionStated, at: datetime) -> bool:
    """Keeps what a file states, with the record that its source record is in; answers whether it is new."""
    given: dict[str, Any] = event.model_dump(exclude={"statement", "column", "said"})
    given |= {"id": event.statement, "homed_at": at}
    given |= {"of_file": given.pop("file_sha256"), "of_mapping": given.pop("mapping_sha256")}
    return bool(work.rows.read(_KEEP, given))


def move_statements(work: Work, review: str, record: str, sources: Sequence[SourceRef], at: datetime) -> None:
    """Has what is stated of these source records be of the record that they are in, as was told at an instant."""
    work.rows.read(_MOVE, _given(review, record, sources, at))


def part_sources(work: Work, review: str, record: str, sources: Sequence[SourceRef], at: datetime) -> None:
    """The same of a record that was parted from another, also for what is heard later and was told before."""
    work.rows.read(_PART, _given(review, record, sources, at))
    move_statements(work, review, record, sources, at)


def _given(review: str, record: str, sources: Sequence[SourceRef], at: datetime) -> dict[str, Any]:
    named = orjson.dumps([{"source": it.source, "id": it.id} for it in sources]).decode()
    return {"review": review, "record": record, "sources": named, "at": at}


def homes_stated(
    review: str,
    stage: str,
    answers: Collection[str] | None,
    imported: str | None = None,
    *,
    records: ColumnElement[str] | None = None,
) -> Subquery:
    """Each statement at a stage with the `record` that its own lives on in: of these answers or all, of one file or
    all, of these records or all."""
    of_record = (col(RecordRow.review) == StatementRow.review) & (col(RecordRow.id) == StatementRow.record)
    home = func.coalesce(col(RecordRow.merged_into), col(StatementRow.record))
    query: Select[*tuple[Any, ...]] = (
        select(col(StatementRow.id).label("statement"), home.label("record"))
        .outerjoin(RecordRow, of_record)
        .where(col(StatementRow.review) == review, col(StatementRow.stage) == stage)
    )
    if answers is not None:
        query = query.where(col(StatementRow.answer).in_(answers))
    if imported is not None:
        query = query.where(col(StatementRow.imported) == imported)
    if records is not None:
        absorbed = select(col(RecordRow.id)).where(
            col(RecordRow.review) == review, col(RecordRow.merged_into).in_(select(records))
        )
        here = col(StatementRow.record)
        query = query.where(here.in_(select(records).union(absorbed)))
    return query.subquery("homes")


def files_of(work: Work, review: str, imports: Collection[str]) -> dict[str, str]:
    """The SHA-256 of the file of each of these imports."""
    wanted = each_of(work.session, sorted(imports), col(StatementRow.imported))
    file = (
        select(col(StatementRow.file_sha256))
        .where(col(StatementRow.review) == review, col(StatementRow.imported) == wanted)
        .limit(1)
        .scalar_subquery()
    )
    return {imported: sha256 for imported, sha256 in work.session.execute(select(wanted, file)) if sha256}


def answers_stated_by(work: Work, review: str, imported: str, stage: str) -> set[str]:
    """The answers that a file states at a stage."""
    query = select(col(StatementRow.answer)).where(
        col(StatementRow.review) == review, col(StatementRow.imported) == imported, col(StatementRow.stage) == stage
    )
    return set(work.session.scalars(query.distinct()))
