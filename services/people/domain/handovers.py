"""Handovers: what becomes of the proposal that somebody else leads a review."""

from __future__ import annotations

from typing import Final

from shared.states import States
from shared.wire.people import HandoverState


class HandoverStates(States[HandoverState]):
    """The proposal that a member takes a review over."""

    OPEN: Final = "open"
    ACCEPTED: Final = "accepted"
    DECLINED: Final = "declined"
    TAKEN_BACK: Final = "taken_back"

    what = "handover"
    moves = {
        (None, OPEN): "a lead proposes it, and says why",
        (OPEN, ACCEPTED): "whom it names accepts, and leads the review from then on",
        (OPEN, DECLINED): "whom it names declines, or leaves",
        (OPEN, TAKEN_BACK): "a lead takes it back, leaves, or has whom it names leave",
    }
