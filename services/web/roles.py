"""Roles: what a page offers to whom. Whether they may do it is the API's to say, whatever a page offered."""

from __future__ import annotations

from shared.tokens import Person
from shared.wire.people import Me


def has_role(me: Me, role: str, review: str) -> bool:
    """Whether somebody's role in a review is this one or more."""
    return Person(me.person, me.roles).asking_about(review).has(role)
