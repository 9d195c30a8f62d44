"""Keeping what a file states was decided about its records: each thing once, told on the flow of its record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from services.ingest import store
from services.ingest.domain.clusters import SourceKey
from services.ingest.domain.mappings import Mapped
from services.ingest.domain.statements import Misfit, stated
from services.ingest.models import ImportRow
from services.ingest.ports.libraries.port import Entry
from shared.db.work import Work
from shared.events.ingest import DecisionStated
from shared.ids import id_of

#: What stands for the source in the id of a statement about a record of ours that left and came back.
_OURS = "living"


def keep_statements(
    work: Work, row: ImportRow, mapped: Sequence[Mapped], entries: Collection[Entry], ours: Collection[str | None]
) -> None:
    """Keeps what these entries state, whose records were taken in; `ours` are those that came back, by their ids. The
    review must be locked."""
    carriers = _carriers(work, [one.exported for one in entries if one.exported in ours])
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        about = (_OURS, entry.exported) if entry.exported in ours else (entry.record.source, entry.record.source_id)
        carrier = carriers[entry.exported] if entry.exported in ours else (entry.record.source, entry.record.source_id)
        for one in _rows(work, row, mapped, entry, about, carrier):
            row.stated += 1
            found.setdefault(one["id"], one)
    known = store.known_statements(work, list(found))
    fresh = [one for one in found.values() if one["id"] not in known]
    row.kept += len(fresh)
    store.add_statements(work, fresh)
    _tell(work, row.review, fresh)


def _carriers(work: Work, records: Iterable[str | None]) -> dict[str | None, SourceKey]:
    """The source record that carries what is stated of each of these records: the first of those that it is made of."""
    rows = store.records(work, {record for record in records if record is not None})
    lives_in = {record: row.merged_into or record for record, row in rows.items()}
    first: dict[str, SourceKey] = {}
    for member in store.members_of(work, sorted(set(lives_in.values()))):
        first.setdefault(member.record, (member.source, member.source_id))
    return {record: first[live] for record, live in lives_in.items()}


def _rows(
    work: Work, row: ImportRow, mapped: Sequence[Mapped], entry: Entry, about: Sequence[str | None], carrier: SourceKey
) -> Iterable[dict[str, Any]]:
    """The rows of what an entry states. What an id is made of is what makes a decision another one: not the file, and
    not what was said besides."""
    for one in stated(mapped, entry.fields):
        if isinstance(one, Misfit):  # The whole file was held against the mapping before.
            continue
        what = (*about, one.stage, one.by, one.answer, one.column)
        yield {
            "id": id_of("statement", row.review, *(each or "" for each in what)),
            "review": row.review,
            "source": carrier[0],
            "source_id": carrier[1],
            "stage": one.stage,
            "answer": one.answer,
            "column": one.column,
            "said": one.said,
            "by": one.by,
            "reason": one.reason,
            "imported": row.id,
            "file_sha256": row.sha256,
            "line": entry.line,
            "mapping_sha256": row.mapping_sha256,
            "brought_by": row.asked_by,
            "brought_at": work.now,
        }


def _tell(work: Work, review: str, fresh: Sequence[dict[str, Any]]) -> None:
    homes = store.homes_of(work, review, {(one["source"], one["source_id"]) for one in fresh})
    for one in fresh:
        record = homes[one["source"], one["source_id"]]
        said = {name: one[name] for name in DecisionStated.model_fields if name in one}
        with work.following(record, None):
            work.emit(DecisionStated(record=record, statement=one["id"], **said))
