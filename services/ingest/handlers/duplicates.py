"""Duplicates: what matching left to a person, and what the person decided."""

from __future__ import annotations

from typing import Literal

from services.ingest import store
from services.ingest.handlers.ledger import Ledger
from services.ingest.models import Duplicate
from shared.db.work import Work
from shared.errors import Conflict


def decide_duplicate(
    work: Work, review: str, duplicate: str, verdict: Literal["same", "different"], reason: str
) -> Duplicate:
    """Settles whether two records are one; a later pull never overturns it.

    `different` may become `same` later; what is one record already cannot be parted. Raises NotFound or
    Conflict.
    """
    row = store.lock_review(work.session, review)
    pair = store.duplicate_of(work.session, review, duplicate)
    if pair.state == "same":
        raise Conflict(f"pair {duplicate!r} is one record already, which cannot be parted again", slug="merged_already")
    pair.state, pair.reason = verdict, reason
    pair.decided_by, pair.decided_at = work.actor, work.now
    if verdict == "same":
        ledger = Ledger(work, row)
        ledger.load(homes=[pair.first, pair.second])
        ledger.unite(pair.first, pair.second, (*pair.evidence, f"{work.actor} decided that they are one: {reason}"))
        ledger.close()
    return pair
