"""When what is gathered is told: on whose morning, and never twice whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.wire.notify import Every

#: The hour at which a digest is told, where whoever reads it is.
MORNING = time(8)

#: Nothing is gathered for longer: what is due later was written while the clock was wrong.
LONGEST = timedelta(days=8)


def due_after(now: datetime, every: Every, zone: str) -> datetime | None:
    """When what comes now is told: None where that is no time, but the end of a cycle. An hour that a zone's clocks
    leave out is the one after it."""
    if every == "cycle":
        return None
    if every == "at once":
        return now
    here = now.astimezone(ZoneInfo(zone))
    day = here.date()
    while True:
        due = datetime.combine(day, MORNING, here.tzinfo).astimezone(UTC)
        if due > now and (every == "daily" or day.weekday() == 0):
            return due
        day += timedelta(days=1)
