"""Cadence: the two clocks of a living review, how far it searched and when it must publish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from shared.wire.synthesis import Course, ReviewStanding


@dataclass(frozen=True, slots=True)
class Watch:
    """How far one watch of a source has been searched, and under which protocol version."""

    source: str
    protocol_version: int
    searched_through: date


def searched_through(watches: Iterable[Watch]) -> dict[str, date]:
    """How far each source is searched: as far as the least of its watches.

    Only watches under the newest protocol version that the source was searched with: a strategy that the
    protocol dropped is not searched any more, and must not hold the day back for ever.
    """
    newest: dict[str, Watch] = {}
    for watch in sorted(watches, key=lambda watch: (watch.source, -watch.protocol_version, watch.searched_through)):
        newest.setdefault(watch.source, watch)
    return {source: watch.searched_through for source, watch in newest.items()}


@dataclass(frozen=True, slots=True)
class Manual:
    """A strategy that people search by hand: the day on which it was first asked for as it is now, and the last one on
    which it was searched for that, if ever."""

    strategy: str
    database: str
    every_days: int
    asked_on: date
    searched_on: date | None

    @property
    def due(self) -> date:
        """The day on which it is due: at once at first."""
        return self.asked_on if self.searched_on is None else self.searched_on + timedelta(days=self.every_days)

    def standing(self, today: date) -> Literal["searched", "due", "overdue"]:
        if today < self.due:
            return "searched"
        return "due" if today == self.due else "overdue"


def next_due(started: date, last_published: date | None, every_days: int) -> date:
    """The day by which the next revision is due."""
    return (last_published or started) + timedelta(days=every_days)


#: What a review is until a lead says otherwise, and what it publishes nothing more as.
LIVING: Final = "living"
RETIRED: Final = "retired"


def standing(due: date, today: date, course: Course = LIVING) -> ReviewStanding:
    """Where a review stands: one that is paused or retired is never late."""
    if course != LIVING:
        return course
    if today < due:
        return "active"
    return "due" if today == due else "overdue"
