"""Comments: what members say of a line of a draft, of its words as they were then."""

from __future__ import annotations

from typing import Final

from shared.states import States
from shared.wire.synthesis import CommentState

#: What a line is of (a CMOC or a programme theory), and which part of that it is.
Line = tuple[str, str]

#: How many comments of a review may be open, and how many answers one may have: more are no review of a draft.
MOST_OPEN, MOST_ANSWERS = 500, 50


class CommentStates(States[CommentState]):
    """A comment on a line of a draft."""

    OPEN: Final = "open"
    RESOLVED: Final = "resolved"

    what = "comment"
    moves = {
        (None, OPEN): "a member says something of a line",
        (OPEN, RESOLVED): "who made it, or a lead, says what became of it",
    }
