"""Roles: what a page offers to whom. Whether they may do it is the API's to say, whatever a page offered."""

from __future__ import annotations

from services.web.drawing import ROOMS
from shared.tokens import Person
from shared.wire.people import Me

#: The least role of those for whom a room has anything, where it has nothing for every member.
_FROM = {"mine": "reviewer"}


def has_role(me: Me, role: str, review: str) -> bool:
    """Whether somebody's role in a review is this one or more."""
    return Person(me.person, me.roles).asking_about(review).has(role)


def rooms_of(me: Me, review: str) -> tuple[str, ...]:
    """The rooms of a review to which its pages lead somebody, in their order."""
    return tuple(name for name in ROOMS if name not in _FROM or has_role(me, _FROM[name], review))
