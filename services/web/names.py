"""Names: what members of a review are called, as whoever looks may know it."""

from __future__ import annotations

from collections.abc import Callable

from services.web.page import Asked
from shared.naming import naming


async def called_in(asked: Asked, review: str) -> Callable[[str], str]:
    """What an id's person is called there; an id that is nobody's there stays one."""
    members = asked.api.people.members(review, left=True)
    names = {member.person: member.name async for member in members}
    return lambda id: names.get(id, id)


__all__ = ["called_in", "naming"]
