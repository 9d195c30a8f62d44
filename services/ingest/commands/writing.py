"""What deduplication comes to is written down and told, in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.ingest import store
from services.ingest.commands import notices
from services.ingest.domain.clusters import Assignment, Merger, PairStates, Pool, SourceKey
from services.ingest.domain.description import Contribution, changes, describe
from services.ingest.domain.notices import found_by
from services.ingest.domain.watching import Standings
from services.ingest.models import DuplicateRow, MergeRow, RecordRow, ReviewRow, SourceRecordRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.events.ingest import Bibliography, RecordDiscovered, RecordMerged, RecordUpdated
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Stored:
    """Records as they were before: their source records, as rows and as contributions, and each one's keys."""

    rows: dict[SourceKey, SourceRecordRow] = field(default_factory=dict)
    contributions: dict[SourceKey, Contribution[port.SourceRecord]] = field(default_factory=dict)
    keys: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, slots=True)
class Entered:
    """A source record that came in, new or changed: its content hash, and where it went at first."""

    record: port.SourceRecord
    content_hash: str
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Deduplication:
    """Records of a review as they were `stored` and as they are in the `pool` now, with the source records that
    `entered` in between. Nothing enters without a run; a person who unites two records has none."""

    review: ReviewRow
    run: str | None
    pool: Pool
    stored: Stored
    entered: dict[SourceKey, Entered]

    @property
    def bringing(self) -> str:
        """The run that brings source records."""
        assert self.run is not None
        return self.run

    def contribution(self, key: SourceKey) -> Contribution[port.SourceRecord]:
        """What a source record says now, and the run that first brought it."""
        stored, entered = self.stored.contributions.get(key), self.entered.get(key)
        if entered is None:
            return self.stored.contributions[key]
        return Contribution(entered.record, stored.run if stored else self.bringing)


def write(work: Work, deduplication: Deduplication) -> None:
    """Writes every row that has changed, and tells every event."""
    pool, stored = deduplication.pool, deduplication.stored
    mergers = [merger for merger in pool.mergers if merger.absorbed in stored.keys]
    _write_source_records(work, deduplication)
    for merger in mergers:
        store.absorb(work, merger.absorbed, merger.into)
        _move_pairs(work, merger)
    touched = sorted(
        {pool.home(merger.into) for merger in pool.mergers} | {pool.homes[key] for key in deduplication.entered}
    )
    _write_keys(work, deduplication, touched, mergers)
    changed = [record for record in touched if record in stored.keys]
    rows = store.records(work, [*changed, *(merger.absorbed for merger in mergers)])
    _write_records(work, deduplication, touched, rows)
    for merger in mergers:
        _write_merger(work, deduplication, merger, rows[merger.absorbed])
    _write_doubts(work, deduplication)
    _hear_claims(work, deduplication, mergers)


def _write_source_records(work: Work, deduplication: Deduplication) -> None:
    fresh = []
    for key, entered in deduplication.entered.items():
        content = entered.record.model_dump(mode="json", exclude_defaults=True)
        if row := deduplication.stored.rows.get(key):
            row.content, row.content_hash = content, entered.content_hash
            continue
        fresh.append(
            {
                "review": deduplication.review.review,
                "source": entered.record.source,
                "source_id": entered.record.source_id,
                "record": deduplication.pool.homes[key],
                "content_hash": entered.content_hash,
                "content": content,
                "because": list(_because(entered.assignment, deduplication.pool.mergers)),
                "run": deduplication.run,
                "seen_in": deduplication.run,
            }
        )
    work.session.flush()
    store.add_all(work, SourceRecordRow, fresh)
    deduplication.review.source_records += len(fresh)


def _because(assignment: Assignment, mergers: Sequence[Merger]) -> tuple[str, ...]:
    """Why a source record is its record's; for the one that begins a record, nothing."""
    absorbed = (merger.evidence for merger in mergers if merger.absorbed == assignment.record)
    return next(absorbed, ()) if assignment.new else assignment.evidence


def _write_keys(work: Work, deduplication: Deduplication, touched: Sequence[str], mergers: Sequence[Merger]) -> None:
    review, held = deduplication.review.review, deduplication.stored.keys
    for merger in mergers:
        store.remove_keys(work, review, merger.absorbed, sorted(held[merger.absorbed]))
    added: list[tuple[str, str]] = []
    for record in touched:
        keys = {key for citation in deduplication.pool.members[record].values() for key in citation.keys}
        before = held.get(record, set())
        added += ((key, record) for key in sorted(keys - before))
        store.remove_keys(work, review, record, sorted(before - keys))
    store.add_keys(work, review, added)


def _write_records(
    work: Work, deduplication: Deduplication, touched: Sequence[str], rows: Mapping[str, RecordRow]
) -> None:
    fresh = []
    for record in touched:
        bibliography = describe(deduplication.contribution(key) for key in deduplication.pool.members[record])
        if row := rows.get(record):
            _update(work, row, bibliography, deduplication.run)
            continue
        fresh.append(_new_row(work, deduplication, record, bibliography))
        with work.following(record, None):
            work.emit(
                RecordDiscovered(
                    review=deduplication.review.review, record=record, revision=1, run=deduplication.bringing,
                    bibliography=bibliography,
                )
            )  # fmt: skip
    store.add_all(work, RecordRow, fresh)
    deduplication.review.records += len(fresh)


def _new_row(work: Work, deduplication: Deduplication, record: str, bibliography: Bibliography) -> dict[str, Any]:
    return {
        "id": record,
        "review": deduplication.review.review,
        "revision": 1,
        "bibliography": bibliography.model_dump(mode="json"),
        "run": deduplication.run,
        "discovered_at": work.now,
        "merged_into": None,
        "followed": True,
        "standing": Standings.WAITING,
        "stage": None,
        "excluded_on": None,
        "at_stage": None,
        "reason": None,
        "doi": bibliography.identifiers.doi,
    }


def _update(work: Work, row: RecordRow, bibliography: Bibliography, run: str | None) -> None:
    changed = changes(Bibliography.model_validate(row.bibliography), bibliography)
    if not changed:
        return
    row.bibliography, row.doi = bibliography.model_dump(mode="json"), bibliography.identifiers.doi
    row.revision += 1
    with work.following(row.id, None):
        work.emit(
            RecordUpdated(
                review=row.review, record=row.id, revision=row.revision, run=run or row.run,
                bibliography=bibliography, changed=changed,
            )
        )  # fmt: skip


def _write_merger(work: Work, deduplication: Deduplication, merger: Merger, row: RecordRow) -> None:
    into = deduplication.pool.home(merger.into)
    row.merged_into = into
    row.revision += 1
    deduplication.review.records -= 1
    work.add(
        MergeRow(
            absorbed=row.id, review=row.review, into=merger.into, evidence=list(merger.evidence), run=deduplication.run,
            merged_by=work.actor, merged_at=work.now,
        )
    )  # fmt: skip
    with work.following(row.id, None):
        work.emit(
            RecordMerged(
                review=row.review, record=row.id, revision=row.revision, into=into, evidence=list(merger.evidence)
            )
        )


def _write_doubts(work: Work, deduplication: Deduplication) -> None:
    for pair, evidence in deduplication.pool.doubts.items():
        first, second = sorted(pair)
        work.add(
            DuplicateRow(
                id=new_id("dup"), review=deduplication.review.review, first=first, second=second,
                evidence=list(evidence), run=deduplication.run, opened_at=work.now,
            )
        )  # fmt: skip


def _hear_claims(work: Work, deduplication: Deduplication, mergers: Sequence[Merger]) -> None:
    pool, before = deduplication.pool, deduplication.stored.contributions
    for merger in mergers:
        notices.move(work, merger.absorbed, pool.home(merger.into))
    heard = [
        notices.Heard(pool.homes[key], before[key].record if key in before else None, entered.record)
        for key, entered in deduplication.entered.items()
    ]
    entered = [entered.record for entered in deduplication.entered.values()]
    keys = [key for record in entered for key in found_by(record.identifiers, record.title)]
    notices.hear_claims(work, deduplication.review.review, heard, keys)


def _move_pairs(work: Work, merger: Merger) -> None:
    """Carries what is known of an absorbed record's pairs over to its survivor; a person's word stands."""
    into, absorbed = merger.into, merger.absorbed
    kept = {_other(pair, into): pair for pair in store.known_pairs(work, [into])}
    for pair in store.known_pairs(work, [absorbed]):
        other = _other(pair, absorbed)
        if other == into:
            PairStates.turn(pair, PairStates.SAME)
            pair.decided_by, pair.decided_at = work.actor, work.now
        elif other not in kept:
            pair.first, pair.second = sorted((other, into))
        else:
            if pair.state == PairStates.DIFFERENT:
                twin = kept[other]
                PairStates.turn(twin, PairStates.DIFFERENT)
                twin.reason, twin.decided_by, twin.decided_at = pair.reason, pair.decided_by, pair.decided_at
            store.remove_pair(work, pair)


def _other(pair: DuplicateRow, record: str) -> str:
    return pair.second if pair.first == record else pair.first
