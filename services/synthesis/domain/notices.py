"""Notices: what happens to a published report after it appeared, and what that does to its evidence."""

from __future__ import annotations

from typing import Final, Literal

from shared.events.ingest import NoticeKind
from shared.states import States
from shared.wire.synthesis import RejudgementState

Effect = Literal["suspends", "lifts", "flags"]

#: A report that was retracted, withdrawn or replaced speaks no longer. A correction, a concern or a partial
#: retraction leaves it standing, since most of it may hold: people must look, and say so fragment by fragment.
_EFFECTS: dict[NoticeKind, Effect] = {
    "retraction": "suspends",
    "withdrawal": "suspends",
    "replacement": "suspends",
    "reinstatement": "lifts",
    "correction": "flags",
    "expression_of_concern": "flags",
    "partial_retraction": "flags",
}

#: The kinds whose re-judgements a reinstatement makes needless.
SUSPENDING = tuple(kind for kind, effect in _EFFECTS.items() if effect == "suspends")


class RejudgementStates(States[RejudgementState]):
    """A CMOC that a person should judge anew."""

    OPEN: Final = "open"
    CLOSED: Final = "closed"

    what = "re-judgement"
    moves = {
        (None, OPEN): "a notice concerns a report that speaks to the CMOC",
        (OPEN, CLOSED): "a person judges, or a reinstatement makes it needless",
    }


def effect_of(kind: NoticeKind) -> Effect:
    return _EFFECTS[kind]
