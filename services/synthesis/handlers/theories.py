"""Theories: takes the CMOCs of each protocol version into the synthesis, and keeps what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.synthesis import store
from services.synthesis.domain.cadence import next_due
from services.synthesis.domain.states import PARTS
from services.synthesis.domain.triggers import PROTOCOL_AMENDED, Fired
from services.synthesis.handlers.ledger import Happening, log_triggers, mark_due, tell_theories
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
    tell_theories(work, review, list(_adopt_cmocs(event, work)))
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


def _adopt_cmocs(event: VersionPublished, work: Work) -> Iterator[Happening]:
    """Brings the review's CMOCs to the protocol's; gives what that does to each."""
    known = store.cmocs(work, event.review)
    for position, cmoc in enumerate(event.protocol.cmocs):
        worded = cmoc.model_dump(exclude={"id"}) | {"position": position, "set_aside_at": None}
        row = known.pop(cmoc.id, None)
        if row is None:
            work.add(CmocRow(review=event.review, cmoc=cmoc.id, **worded))
            yield Happening(cmoc.id, "proposed", cmoc.lineage_note or "the protocol proposes it", after=_told(cmoc))
        else:
            yield from _compared(row, cmoc, event.version)
            row.sqlmodel_update(worded)
    for row in known.values():
        if row.set_aside_at is None:
            row.set_aside_at = work.now
            why = f"protocol version {event.version} no longer has it"
            yield Happening(row.cmoc, "set_aside", why, before=_told(row))


def _compared(row: CmocRow, cmoc: Cmoc, version: int) -> Iterator[Happening]:
    """What a protocol version does to a CMOC that is known."""
    if row.set_aside_at is not None:
        yield Happening(cmoc.id, "reinstated", f"protocol version {version} has it again", after=_told(cmoc))
    changed = [part for part in ("theory", *PARTS) if getattr(row, part) != getattr(cmoc, part)]
    if changed:
        why = f"protocol version {version} words it anew"
        yield Happening(cmoc.id, "refined", why, before=_told(row, changed), after=_told(cmoc, changed))


def _told(cmoc: Cmoc | CmocRow, parts: Sequence[str] = PARTS) -> str:
    """A CMOC's parts as one text: `context: ...`, a line each."""
    return "\n".join(f"{part}: {getattr(cmoc, part)}" for part in parts)
