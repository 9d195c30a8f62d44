"""Walks a window in slices of days, for sources that give no more than so many items of one question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from services.ingest.ports.sources.port import Page, SourceRefused
from services.ingest.ports.sources.reading import AGAIN, read_cursor, whole
from shared.events.base import Value
from shared.events.bounds import Count

#: Days between which every record of any source came, for windows that are of other days.
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)


class Position(Value):
    """Where a walk stands: in which slice, and behind how many of its items.

    `total` is the slice's count when it was last asked, `reported` that of the whole window; `begun` is how often the
    slice was begun again.
    """

    since: date
    until: date
    start: Count = 0
    total: Count | None = None
    reported: Count | None = None
    begun: Count = 0


@dataclass(frozen=True, kw_only=True)
class Slices:
    """How a source is asked for the pages of a slice: `size` items each, `ceiling` items of one question at most.

    `ask` gives the page at a position, its `reported` being the slice's own count. Where pages are numbered a short one
    takes the place of a full one; else the next page begins behind what came.
    """

    source: str
    size: int
    ceiling: int
    ask: Callable[[Position], Page]
    numbered: bool = False

    def walk(self, since: date, until: date, cursor: str | None) -> Iterator[Page]:
        """Every page of the window, from the place that the cursor names or else from the beginning.

        A slice with more items than the ceiling is halved; slices grow again where there is little. A page with fewer
        items than the count says is asked for again; a slice whose count falls is begun again, since whatever left it
        moved the others up by a position. Raises SourceRefused where one day has more items than the ceiling.
        """
        window = Position(since=since, until=until)
        position: Position | None = _position_of(window, cursor)
        while position is not None:
            page = whole(partial(self.ask, position), partial(self._is_whole, position))
            total = page.reported or 0
            alone = (position.since, position.until) == (since, until)
            position = position.model_copy(update={"reported": total if alone else position.reported})
            if total > self.ceiling:
                position = self._halved(position, total)
                continue
            if position.total is not None and total < position.total and position.begun < AGAIN:
                position = position.model_copy(update={"start": 0, "total": None, "begun": position.begun + 1})
                continue
            following = self._following(position, page, total, until)
            cursor = following.model_dump_json() if following else None
            yield page.model_copy(update={"reported": position.reported, "cursor": cursor})
            position = following

    def _is_whole(self, position: Position, page: Page) -> bool:
        total = page.reported or 0
        return total > self.ceiling or page.found >= min(self.size, total - position.start)

    def _halved(self, position: Position, total: int) -> Position:
        if position.since == position.until:
            words = f"{self.source} has {total} records of {position.since} alone, and gives {self.ceiling} at most"
            raise SourceRefused(f"{words}; narrow the strategy", source=self.source)
        middle = middle_of(position.since, position.until)
        return Position(since=position.since, until=middle, reported=position.reported)

    def _following(self, position: Position, page: Page, total: int, end: date) -> Position | None:
        """The place after this page: further on in the slice, the next slice, or none."""
        start = position.start + (self.size if self.numbered else page.found or self.size)
        if start < total:
            return position.model_copy(update={"start": start, "total": total})
        slice_ = next_slice(position.since, position.until, end, grows=2 * total <= self.ceiling)
        return slice_ and Position(since=slice_[0], until=slice_[1], reported=position.reported)


def middle_of(since: date, until: date) -> date:
    """The last day of the first half of a slice of more than one day."""
    return since + (until - since) // 2


def next_slice(since: date, until: date, end: date, *, grows: bool) -> tuple[date, date] | None:
    """The first and the last day of the slice behind one, as long or twice as long; None behind the window's end."""
    if until >= end:
        return None
    days = ((until - since).days + 1) * (2 if grows else 1)
    first = until + timedelta(days=1)
    return first, first + timedelta(days=min(days - 1, (end - first).days))


def _position_of(window: Position, cursor: str | None) -> Position:
    """The place a cursor names, or the window's beginning when it names none within this window."""
    position = read_cursor(cursor, Position)
    if position is None:
        return window
    return position if window.since <= position.since <= position.until <= window.until else window
