"""Called: what whoever decided something is called, where people look; everywhere else there are ids alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.errors import LivingError

if TYPE_CHECKING:
    from shared.client import Client


def called_in(living: Client, review: str) -> Callable[[str], str]:
    """What the members of a review are called, as whoever asks may know it; an id that is nobody's there stays one.

    Asked for at once, and once, since what it is for is printed when the client is closed.
    """
    try:
        names = {member.person: member.name for member in living.people.members(review, left=True)}
    except LivingError:  # Whoever may not ask, or cannot now, sees ids: names are no reason to show nothing.
        names = {}
    return lambda id: names.get(id, id)
