"""Who codes a report: what the pages about its evidence and its study have in common."""

from __future__ import annotations

from services.web.page import Asked
from shared.wire.synthesis import ExtractionView


async def extraction_of(asked: Asked) -> ExtractionView | None:
    """Who codes the report: what whoever asks codes of it, else what others do; None where nobody is asked to."""
    review, record = asked.path["review"], asked.path["record"]
    found = await asked.first(asked.api.synthesis.extractions(review, record=record))
    asked_for = [it for it in found.items if it.state != "withdrawn"]
    return next((it for it in asked_for if it.mine), next(iter(asked_for), None))


def is_kept_from(it: ExtractionView) -> bool:
    """Whether nothing is coded of a report by whoever asks: two others do, or they have finished before the other."""
    if it.coders < 2:
        return False
    return it.until is None if it.state == "open" else not it.mine
