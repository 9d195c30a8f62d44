"""Theories: takes the CMOCs of each protocol version into the synthesis, and keeps what becomes of them."""

from __future__ import annotations

from services.synthesis import store
from services.synthesis.domain.cadence import next_due
from services.synthesis.domain.states import PARTS
from services.synthesis.domain.triggers import PROTOCOL_AMENDED, Fired
from services.synthesis.handlers.ledger import log_triggers, mark_due, tell_theory
from services.synthesis.models import CmocRow, ReviewRow
from shared.db.work import Work
from shared.events.protocol import Cmoc, VersionPublished


def adopt_theories(event: VersionPublished, work: Work) -> None:
    """Makes a protocol's theories and CMOCs the review's. One that it no longer has is set aside, never deleted."""
    review = store.review_if_known(work, event.review)
    if review is not None and event.version <= review.protocol_version:
        return
    amended = review is not None
    review = _adopt_plan(event, review, work)
    known = store.cmocs(work, event.review)
    for position, cmoc in enumerate(event.protocol.cmocs):
        _adopt_cmoc(review, known.pop(cmoc.id, None), cmoc, position, work)
    for left in known.values():
        _set_aside(review, left, event.version, work)
    if amended:
        log_triggers(work, review, [Fired(PROTOCOL_AMENDED, str(event.version), f"protocol version {event.version}")])
    mark_due(work, event.review, work.causation or "")


def _adopt_plan(event: VersionPublished, review: ReviewRow | None, work: Work) -> ReviewRow:
    protocol = event.protocol
    started = review.started_on if review else work.now.date()
    plan = {
        "title": protocol.title,
        "protocol_version": event.version,
        "protocol_sha256": event.sha256,
        "theories": [
            {"theory": theory.id, "heading": theory.heading, "statement": theory.statement}
            for theory in protocol.theories
        ],
        "publish_every_days": protocol.publish_every_days,
        "next_due": next_due(started, review.last_published if review else None, protocol.publish_every_days),
    }
    if review is not None:
        return review.sqlmodel_update(plan)
    return work.add(ReviewRow(review=event.review, started_on=started, **plan))


def _adopt_cmoc(review: ReviewRow, known: CmocRow | None, cmoc: Cmoc, position: int, work: Work) -> None:
    worded = cmoc.model_dump(exclude={"id"}) | {"position": position}
    if known is None:
        work.add(CmocRow(review=review.review, cmoc=cmoc.id, **worded))
        tell_theory(
            work, review, cmoc.id, "proposed", cmoc.lineage_note or "the protocol proposes it", after=_told(cmoc)
        )
        return
    if known.set_aside_at is not None:
        tell_theory(work, review, cmoc.id, "reinstated", "the protocol has it again", after=_told(cmoc))
    changed = [part for part in ("theory", *PARTS) if getattr(known, part) != worded[part]]
    if changed:
        tell_theory(
            work, review, cmoc.id, "refined", f"protocol version {review.protocol_version} words it anew",
            before=_told(known, changed), after=_told(cmoc, changed),
        )  # fmt: skip
    known.sqlmodel_update(worded | {"set_aside_at": None})


def _set_aside(review: ReviewRow, cmoc: CmocRow, version: int, work: Work) -> None:
    if cmoc.set_aside_at is None:
        cmoc.set_aside_at = work.now
        tell_theory(
            work, review, cmoc.cmoc, "set_aside", f"protocol version {version} no longer has it", before=_told(cmoc)
        )


def _told(cmoc: Cmoc | CmocRow, parts: list[str] | tuple[str, ...] = PARTS) -> str:
    """A CMOC's parts as one text: `context: ...`, a line each."""
    return "\n".join(f"{part}: {getattr(cmoc, part)}" for part in parts)
