"""Confidence: how sure people are of a CMOC, by the four parts of GRADE-CERQual; the last judgement holds."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.commands.history import mark_due
from services.synthesis.models import ConfidenceRow
from shared.db.work import Work
from shared.errors import Conflict, NotFound
from shared.events.synthesis import ConfidenceJudged
from shared.wire.synthesis import NewConfidence


def judge(work: Work, review: str, cmoc: str, judged: NewConfidence) -> ConfidenceRow:
    """Keeps how confident somebody is; the same as they said last changes nothing.

    Raises NotFound, and Conflict for a CMOC that the protocol has no more.
    """
    store.review_to_change(work, review)
    known = store.known_cmocs(work, review, [cmoc])
    if cmoc not in known:
        raise NotFound(f"review {review!r} has no CMOC {cmoc!r}", slug="unknown_cmoc")
    if known[cmoc]:
        raise Conflict(
            f"the protocol has CMOC {cmoc!r} no more: nobody is asked how sure they are of it", slug="cmoc_gone"
        )
    last, said = store.newest_confidences(work, review, [cmoc]).get(cmoc), judged.model_dump()
    if last is not None and last.model_dump(include={*said, "by"}) == {**said, "by": work.actor}:
        return last
    before = last.confidence if last is not None else None
    event_id = work.emit(ConfidenceJudged(review=review, cmoc=cmoc, before=before, by=work.actor, **said))
    mark_due(work, review, event_id, [cmoc])
    return work.add(ConfidenceRow(review=review, cmoc=cmoc, by=work.actor, at=work.now, event_id=event_id, **said))
