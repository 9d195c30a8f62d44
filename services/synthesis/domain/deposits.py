"""Deposits: which revisions get a DOI, in which order, and when what failed is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.pauses import no_less_than_asked, pause_after
from shared.states import States
from shared.wire.synthesis import DepositState

#: Seconds until another try: of what failed by the way, and of what the archive wants otherwise, which a person mends.
FIRST, LONGEST, REFUSED = 60.0, 3600.0, 86_400.0


class DepositStates(States[DepositState]):
    """The deposit of a revision in an archive."""

    WAITING: Final = "waiting"
    RESERVED: Final = "reserved"
    ASSIGNED: Final = "assigned"
    NEEDLESS: Final = "needless"

    what = "deposit"
    moves = {
        (None, WAITING): "it is the revision's turn",
        (None, NEEDLESS): "the revision changed nothing, is an exercise, or is withdrawn",
        (WAITING, RESERVED): "the archive began it, and says which DOI it will have",
        (WAITING, NEEDLESS): "the revision was withdrawn before the archive began it",
        (RESERVED, WAITING): "somebody discarded it at the archive before it was published",
        (RESERVED, ASSIGNED): "the archive published it",
    }


#: What there is something to do for.
OPEN: tuple[DepositState, ...] = (DepositStates.WAITING, DepositStates.RESERVED)


def wants_doi(head: Mapping[str, Any]) -> bool:
    """Whether a revision gets a DOI: one that says something else than the one before it, in earnest."""
    return head["change_class"] != "NONE" and not head["drill"]


def pause(tries: int, *, refused: bool, asked: float | None) -> float:
    """Seconds until what failed so often is tried again."""
    if refused:
        return REFUSED
    return no_less_than_asked(pause_after(tries, first=FIRST, longest=LONGEST), asked, most=REFUSED)
