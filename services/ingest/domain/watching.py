"""What becomes of watches and their runs: when one is pulled again, and what window of days it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from shared.pauses import no_less_than_asked, pause_after
from shared.states import States
from shared.wire.ingest import (
    Acceptance,
    ExportState,
    ImportState,
    Purpose,
    ReparseState,
    RunState,
    SearchState,
    Standing,
    WatchState,
)


class WatchStates(States[WatchState]):
    """One strategy of a protocol at one source."""

    ACTIVE: Final = "active"
    PAUSED: Final = "paused"
    RETIRED: Final = "retired"

    what = "watch"
    moves = {
        (None, ACTIVE): "the protocol has its strategy, a first file of a database comes, or a first record is added",
        (ACTIVE, PAUSED): "a lead pauses it",
        (PAUSED, ACTIVE): "a lead resumes it",
        (ACTIVE, RETIRED): "the protocol has its strategy no more",
        (PAUSED, RETIRED): "the protocol has its strategy no more",
        (RETIRED, ACTIVE): "the protocol has its strategy again",
    }


class RunStates(States[RunState]):
    """One pull of a watch."""

    RUNNING: Final = "running"
    COMPLETE: Final = "complete"
    PARTIAL: Final = "partial"
    INCOMPLETE: Final = "incomplete"

    what = "run"
    moves = {
        (None, RUNNING): "its watch is due, its file is opened, or a record is added",
        (
            RUNNING,
            COMPLETE,
        ): "its last page or what was added is taken in, and what came adds up, or a lead accepted what lacks",
        (RUNNING, PARTIAL): "its last page is taken in, and less came than its source says it has",
        (RUNNING, INCOMPLETE): "its source or its file fails, or a fault of ours comes again and again",
    }


class ReparseStates(States[ReparseState]):
    """Kept answers that are read again."""

    WAITING: Final = "waiting"
    RUNNING: Final = "running"
    DONE: Final = "done"
    FAILED: Final = "failed"

    #: Those in which it is not over.
    UNFINISHED = (WAITING, RUNNING)

    what = "reparse"
    moves = {
        (None, WAITING): "a lead asks for it",
        (WAITING, RUNNING): "its turn has come",
        (RUNNING, DONE): "every answer has been read",
        (RUNNING, FAILED): "an error, which it keeps",
    }


class ImportStates(States[ImportState]):
    """A file whose records are taken in."""

    WAITING: Final = "waiting"
    RUNNING: Final = "running"
    DONE: Final = "done"
    FAILED: Final = "failed"

    #: Those in which it is not over.
    UNFINISHED = (WAITING, RUNNING)

    what = "import"
    moves = {
        (None, WAITING): "a lead asks for it",
        (WAITING, RUNNING): "its file is opened",
        (WAITING, FAILED): "its file is none that can be read",
        (RUNNING, DONE): "every record of the file is taken in or rejected",
        (RUNNING, FAILED): "the file cannot be read further",
    }


class SearchStates(States[SearchState]):
    """A search that people make by hand."""

    OPEN: Final = "open"
    FULFILLED: Final = "fulfilled"
    SUPERSEDED: Final = "superseded"

    what = "search"
    moves = {
        (None, OPEN): "somebody says what was searched, and its files are to come",
        (
            OPEN,
            FULFILLED,
        ): "all its files are in and add up, a lead accepts what lacks, or a person signs that nothing is new",
        (OPEN, SUPERSEDED): "its files are in and do not add up, and another one of its day or later was made",
    }


class ExportStates(States[ExportState]):
    """A file that is made of a review's records."""

    WAITING: Final = "waiting"
    DONE: Final = "done"
    FAILED: Final = "failed"

    what = "export"
    moves = {
        (None, WAITING): "somebody asks for it",
        (WAITING, DONE): "every record is written",
        (WAITING, FAILED): "an error, which it keeps",
    }


class Standings(States[Standing]):
    """Where a record stands in screening, as ingest hears of it."""

    WAITING: Final = "waiting"
    INCLUDED: Final = "included"
    EXCLUDED: Final = "excluded"

    what = "standing"
    column = "standing"
    moves = {
        (None, WAITING): "it is discovered",
        (WAITING, INCLUDED): "it passes the last stage",
        (WAITING, EXCLUDED): "people or a rule exclude it",
        (INCLUDED, WAITING): "its decision stands no more",
        (EXCLUDED, WAITING): "its decision stands no more",
    }


#: How far back a strategy is searched whose protocol names no first day.
LONG_AGO = timedelta(days=3650)

#: How far around a protocol's dates a whole walk asks: a work may be online two years before the issue that it is dated
#: by, and be dated by an issue of next year.
_BEFORE, _AFTER = timedelta(days=730), timedelta(days=366)

#: No source knows an earlier year, whatever a protocol says.
_FIRST_YEAR = date(1000, 1, 1)

#: Waits longer than this are an error of the source, which is then asked again.
LONGEST_WAIT = timedelta(days=30)

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)

#: A source that goes on giving less than it says it has is asked for the whole window again at most this often.
LONGEST_PAUSE_OF_PARTIAL = timedelta(days=1)

#: Ids of missing works that a run keeps, and what it keeps behind them where there are more.
MOST_MISSING, MORE_MISSING = 1_000, "... and more than are kept"


def window(
    *, searched_through: date | None, search_from: date | None, overlap_days: int, today: date
) -> tuple[date, date]:
    """The first and last day to ask for: from the last day searched through, or the protocol's first day, less
    the overlap (papers are indexed late), to today."""
    start = searched_through or search_from or today - LONG_AGO
    start = max(min(start, today), _FIRST_YEAR)
    return max(start - timedelta(days=overlap_days), _FIRST_YEAR), today


def whole_window(*, search_from: date | None, today: date) -> tuple[date, date]:
    """The first and last day of a walk over all of a protocol's dates, with room around them."""
    start = search_from or today - LONG_AGO
    return max(min(start, today), _FIRST_YEAR + _BEFORE) - _BEFORE, today + _AFTER


def is_whole_due(*, walked: datetime | None, every_days: int, now: datetime) -> bool:
    """Whether a strategy is to be walked whole: the first time, and every so many days after the last one."""
    return walked is None or now - walked >= timedelta(days=every_days)


def is_turn_of_new(failures: int) -> bool:
    """Whether, while whole walks fail, a try is for what is new: every fourth, so that it comes all the same."""
    return failures % 4 == 3


def lacks(*, reported: int | None, received: int, slack: float) -> int:
    """How many works a source has by its own count and did not give; 0 where they are within the share by which its
    count may be off."""
    lack = (reported or 0) - received
    return lack if lack > (reported or 0) * slack else 0


def accepting(
    accepted: Collection[Acceptance], *, lacking: int, missing: Collection[str], purpose: Purpose, since: date
) -> list[Acceptance]:
    """By what a lead accepted all that a run lacks: each id, and, where it lacks more than its ids tell, the number;
    nothing where not all of it was.

    What nobody can name must not hide what another run loses, so a number holds as `Acceptance` says.
    """
    named = [each for each in accepted if not set(missing).isdisjoint(each.missing)]
    if not set(missing) <= {one for each in named for one in each.missing}:
        return []
    if lacking <= len(missing):
        return named
    # A chase is of no days: it asks for all that there is, each time.
    counted = (it for it in accepted if it.purpose == purpose and (purpose == "citations" or since <= it.until))
    by_number = next((it for it in counted if lacking <= it.lacking), None)
    return [*(each for each in named if each != by_number), by_number] if by_number is not None else []


def next_pull(searched_through: date, every_days: int) -> datetime:
    """When a strategy is due again after a complete window: the beginning of that day, UTC."""
    return datetime.combine(searched_through + timedelta(days=every_days), time(), UTC)


def next_try(
    now: datetime, failures: int, retry_after: float | None = None, *, longest: timedelta = _LONGEST_PAUSE
) -> datetime:
    """When to try again after so many failures in a row: a minute, two, four ... `longest`, and never before the
    source's own `retry_after` (seconds)."""
    pause = pause_after(failures, first=_FIRST_PAUSE.total_seconds(), longest=longest.total_seconds())
    return now + timedelta(seconds=no_less_than_asked(pause, retry_after, most=LONGEST_WAIT.total_seconds()))
