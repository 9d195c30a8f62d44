"""Notices: what happens to a published report after it appeared, and what that does to its evidence."""

from __future__ import annotations

from typing import Literal

from shared.events.ingest import NoticeKind

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


def effect_of(kind: NoticeKind) -> Effect:
    return _EFFECTS[kind]
