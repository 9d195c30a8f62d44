"""Triggers: rules that say when a review needs another look; each has an id, and is logged when it fires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.synthesis.domain.states import PARTS
from shared.events.protocol import ENOUGH_DOUBTS, ENOUGH_NEW_SUPPORTS
from shared.wire.synthesis import Statement

SCHEDULE_DUE = "schedule_due"
CADENCE_BREACHED = "cadence_breached"
PROTOCOL_AMENDED = "protocol_amended"
REPORT_NOTICED = "report_noticed"
DOUBT_ARRIVED = "contradiction_or_bound_arrived"
INFERRED_NOW_EXPLICIT = "inferred_element_now_explicit"
FIRST_EVIDENCE = "set_aside_cmoc_has_evidence"
NEW_SUPPORTS = "new_supports_without_new_wording"
PROPOSED = "theory_change_proposed"


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule, what it fired for (a CMOC, a notice, a day ...), and why."""

    rule: str
    subject: str
    why: str


def fired(
    before: Statement | None,
    now: Statement,
    *,
    new_supports: int = ENOUGH_NEW_SUPPORTS,
    doubts_needed: int = ENOUGH_DOUBTS,
) -> Iterator[Fired]:
    """The rules on evidence that fire for a CMOC, comparing what is published of it with what is said now, by how much
    the protocol asks for."""
    doubts = set(now.challenges) - set(before.challenges if before else ())
    if len(doubts) >= doubts_needed:
        yield Fired(DOUBT_ARRIVED, now.cmoc, f"{len(doubts)} new links contradict or bound it")
    if before is None:
        return
    for part in PARTS:
        if (before.elements[part], now.elements[part]) == ("inferred", "explicit"):
            yield Fired(
                INFERRED_NOW_EXPLICIT, f"{now.cmoc}:{part}", f"its {part} was inferred and now has explicit evidence"
            )
    new = set(now.studies) - set(before.studies)
    if len(new) >= new_supports and all(getattr(before, part) == getattr(now, part) for part in PARTS):
        yield Fired(NEW_SUPPORTS, now.cmoc, f"{len(new)} more studies speak to it, and its words are the same")
    if before.status == "no_evidence" and now.support:
        yield Fired(
            FIRST_EVIDENCE, now.cmoc, f"it was set aside for want of evidence; {now.support} studies speak to it"
        )
