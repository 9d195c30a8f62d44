"""Deduplication: source records are sorted into a review's canonical records, so that each work is one record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.ingest import store
from services.ingest.commands.writing import Deduplication, Entered, Stored, write
from services.ingest.domain.clusters import Assignment, Pair, Pool, SourceKey
from services.ingest.domain.description import Contribution
from services.ingest.domain.matching import Citation, cite
from services.ingest.models import ReviewRow
from services.ingest.ports.sources import port
from shared.db.work import Work
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Incoming:
    """A source record that is new or has changed: its content hash, and the record that it is in if it is known."""

    record: port.SourceRecord
    content_hash: str
    home: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source record: it is `updated` if it was known before, else it began a `new` record or was
    `merged` into one; and the record it is in."""

    what: Literal["new", "merged", "updated"]
    record: str


def take_in(
    work: Work, review: ReviewRow, run: str, changed: Sequence[Incoming]
) -> tuple[dict[SourceKey, Outcome], int]:
    """Sorts in what a run brings, writes every row that it changes and tells every event. The review must be locked.

    Answers where each source record went, and how many pairs are left to a person.
    """
    if not changed:
        return {}, 0
    citations = [cite(one.record) for one in changed]
    keys = {key for citation in citations for key in citation.keys}
    homes = {one.home for one in changed if one.home is not None}
    pool, stored = _gather(work, review.review, keys, homes)
    entered = _assign(pool, zip(changed, citations, strict=True))
    write(work, Deduplication(review, run, pool, stored, entered))
    went = {key: _outcome(one.assignment, pool.homes[key], known=key in stored.rows) for key, one in entered.items()}
    return went, len(pool.doubts)


def unite(work: Work, review: ReviewRow, one: str, other: str, evidence: tuple[str, ...]) -> None:
    """Makes two records one: the older takes in the younger. The review must be locked."""
    pool, stored = _gather(work, review.review, (), {one, other})
    pool.merge(one, other, evidence)
    write(work, Deduplication(review, None, pool, stored, {}))


def _gather(work: Work, review: str, keys: Iterable[str], homes: set[str]) -> tuple[Pool, Stored]:
    """These records, and every record that holds a telling one of these keys: as a pool, and as they are stored."""
    rivals, common = store.holders_of(work, review, sorted(keys))
    wanted = sorted(rivals | homes)
    pool, stored = Pool(common=common), Stored()
    for row in store.members_of(work, wanted):
        record = port.SourceRecord.model_validate(row.content)
        citation = cite(record)
        stored.rows[citation.key] = row
        stored.contributions[citation.key] = Contribution(record, row.run)
        stored.keys[row.record].update(citation.keys)
        pool.know(row.record, [citation])
    for pair in store.known_pairs(work, wanted):
        pool.pairs[Pair((pair.first, pair.second))] = pair.state
    return pool, stored


def _assign(pool: Pool, cited: Iterable[tuple[Incoming, Citation]]) -> dict[SourceKey, Entered]:
    """Finds the record of each; of one that comes twice, the first time tells where it went, the last what it says."""
    entered: dict[SourceKey, Entered] = {}
    for one, citation in cited:
        assignment = pool.assign(citation, lambda: new_id("rec"))
        if before := entered.get(citation.key):
            assignment = before.assignment
        entered[citation.key] = Entered(one.record, one.content_hash, assignment)
    return entered


def _outcome(assignment: Assignment, record: str, *, known: bool) -> Outcome:
    if known:
        return Outcome("updated", record)
    return Outcome("new" if assignment.new and assignment.record == record else "merged", record)
