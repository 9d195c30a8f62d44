"""Caps: how many votes are left of somebody's day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

#: The stage of a cap that is of the whole review.
WHOLE_REVIEW = ""


def left_of_day(stage: str, caps: Mapping[str, int], used: Mapping[str, int]) -> int | None:
    """How many records more may be given to somebody at a stage on a day whose votes, and what they hold, have used so
    many of it by stage; None is any number."""
    left = [caps[stage] - used.get(stage, 0)] if stage in caps else []
    if WHOLE_REVIEW in caps:
        left.append(caps[WHOLE_REVIEW] - sum(used.values()))
    return max(0, min(left)) if left else None


def midnight(now: datetime) -> datetime:
    """When this day began (UTC)."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
