"""Roles: what a page offers to whoever looks. What they may do says the API, when they do it."""

from __future__ import annotations

from shared.tokens import Person
from shared.wire.people import Me


def is_at_least(me: Me, role: str, review: str) -> bool:
    """Whether somebody's role in a review is this one or more."""
    return Person(me.person, me.roles).asking_about(review).has(role)
