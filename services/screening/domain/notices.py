"""Which notices about a report stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def standing(notices: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The notices that stand, oldest first: a reinstatement clears those before it, a drill's only a drill's."""
    left: list[Mapping[str, Any]] = []
    for notice in notices:
        if notice["kind"] == "reinstatement":
            left = [earlier for earlier in left if earlier["drill"] != notice["drill"]]
        else:
            left.append(notice)
    return left
