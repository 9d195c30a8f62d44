"""What is known of a work's open copies, in one vocabulary."""

from __future__ import annotations

from typing import Final, get_args

from shared.wire.ingest import Availability

OPEN: Final = "open"
CLOSED: Final = "closed"
UNKNOWN: Final = "unknown"

FOUND: tuple[Availability, ...] = get_args(Availability)


def availability(*, is_known: bool, has_copy: bool) -> Availability:
    """Whether a work can be read by anybody. One that is said to be open where nobody can follow is closed to us."""
    if not is_known:
        return UNKNOWN
    return OPEN if has_copy else CLOSED


def fetches(*, wanted: bool, contact: str) -> bool:
    """Whether copies are fetched from where they are open: whoever is asked for them is to know who asks."""
    return wanted and bool(contact)
