"""What a review's people lack to do what its protocol asks, as its status says it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.errors import LivingError

if TYPE_CHECKING:
    from shared.client import Client


def lacks_of_team(living: Client, review: str) -> list[str]:
    """What the members of a review lack, and who is none though the protocol names them: a sentence each. Nothing where
    whoever asks may not see them, or the protocol is of a later release."""
    from pydantic import ValidationError

    from services.protocol.domain import lacking, missing
    from shared.events.protocol import Protocol

    try:
        members = list(living.people.members(review))
        # Through JSON, as the plain client has it.
        protocol = Protocol.read(json.dumps(living.protocol.newest(review).protocol, default=str))
    except (LivingError, ValidationError):
        return []
    names = {member.person: member.name for member in members}
    absent = [_named(line, names) for line in missing(protocol, {member.person: member.role for member in members})]
    return [*lacking(protocol.stages, {member.person: member.role for member in members}), *absent]


def _named(line: str, names: dict[str, str]) -> str:
    """With the name of a member for the id that the line begins with."""
    person, _, rest = line.partition(" ")
    return f"{names.get(person, person)} {rest}"
