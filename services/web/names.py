"""Names: what members of a review are called, as whoever looks may know it."""

from __future__ import annotations

import re
from collections.abc import Callable

from services.web.page import Asked

#: Ids of persons as sentences of the API have them.
_PERSON = re.compile(r"\bperson_[0-9a-f]{32}\b")


async def called_in(asked: Asked, review: str) -> Callable[[str], str]:
    """What an id's person is called there; an id that is nobody's there stays one."""
    members = asked.api.people.members(review, left=True)
    names = {member.person: member.name async for member in members}
    return lambda id: names.get(id, id)


def naming(called: Callable[[str], str], sentence: str) -> str:
    """A sentence of the API's, with what people are called in the stead of their ids."""
    return _PERSON.sub(lambda found: called(found[0]), sentence)
