"""When what is gathered is told: on whose morning, and never twice whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.wire.notify import Every

#: The hour at which a digest is told, where whoever reads it is.
MORNING = time(8)

#: Nothing is gathered for longer: what is due later was written while the clock was wrong.
LONGEST = timedelta(days=8)


def zone_of(name: str) -> ZoneInfo | None:
    """A zone by its name; None where this machine's zone data does not have it, or cannot be read."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def has_morning(every: Every) -> bool:
    """Whether it depends on a zone when it is told."""
    return every in ("daily", "weekly")


def due_after(now: datetime, every: Every, zone: str) -> datetime | None:
    """When what comes now is told: None where that is no time, but the end of a cycle. An hour that a zone's clocks
    leave out is the one after it. Where nobody here knows the zone it is told by UTC: that is late or early by hours,
    and not lost."""
    if every == "cycle":
        return None
    if every == "at once":
        return now
    here = now.astimezone(zone_of(zone) or UTC)
    day = here.date()
    while True:
        due = datetime.combine(day, MORNING, here.tzinfo).astimezone(UTC)
        if due > now and (every == "daily" or day.weekday() == 0):
            return due
        day += timedelta(days=1)
