"""Duplicates: what matching left to a person, and what the person decided."""

from __future__ import annotations

from services.ingest import store
from services.ingest.commands.deduplication import unite
from services.ingest.domain.clusters import PairStates
from services.ingest.models import DuplicateRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.wire.ingest import PairVerdict


def decide_duplicate(work: Work, review: str, duplicate: str, verdict: PairVerdict, reason: str) -> DuplicateRow:
    """Settles whether two records are one; a later pull never overturns it.

    `different` may become `same` later; what is one record already cannot be parted. Raises NotFound or
    Conflict.
    """
    row = store.lock_review(work, review)
    pair = store.duplicate_of(work, review, duplicate)
    if pair.state == PairStates.SAME:
        raise Conflict(f"pair {duplicate!r} is one record already, which cannot be parted again", slug="merged_already")
    PairStates.turn(pair, verdict)
    pair.reason, pair.decided_by, pair.decided_at = reason, work.actor, work.now
    if verdict == PairStates.SAME:
        evidence = (*pair.evidence, f"{work.actor} decided that they are one: {reason}")
        unite(work, row, pair.first, pair.second, evidence)
    return pair
