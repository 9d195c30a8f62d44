"""The clock: time comes in as an argument, so that a review's five years can be lived through in a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from shared.errors import Unavailable

#: The years a file's clock may show. Far enough from both ends of the calendar that what we add to an instant, or take
#: from it - leases, paces, windows, what is kept for how long: decades at most - is an instant too.
FIRST_YEAR, LAST_YEAR = 1900, 2999

#: Characters of a clock's file that are read: an instant has fewer.
_LONGEST = 100


class Clock(Protocol):
    """Tells the time. Promises aware datetimes in UTC, or raises Unavailable while it cannot be read."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to move; for tests."""

    def __init__(self, at: datetime | str = "2018-01-01T00:00:00+00:00") -> None:
        self._at = parse_instant(at) if isinstance(at, str) else at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime | str) -> None:
        self._at = parse_instant(at) if isinstance(at, str) else at.astimezone(UTC)

    def advance(self, **parts: float) -> None:
        """Moves on by a `timedelta(**parts)`, such as `hours=2`."""
        self._at += timedelta(**parts)


class FileClock:
    """A clock that several processes share: it shows the instant written in one file.

    The demo moves it from year to year. Only someone who can write the file can move time; no
    HTTP route can. Between two writes time stands still.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._at = datetime(1970, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Raises Unavailable with the file and the reason while it is not there or shows no instant of our years: a
        platform whose clock stands nowhere waits, since whatever it wrote down would be of no time."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._at, self._stamp = self._read(), stamp
        except OSError as error:
            raise self._unreadable(error.strerror or type(error).__name__) from error
        except ValueError as error:
            raise self._unreadable(str(error)) from error
        return self._at

    def _read(self) -> datetime:
        with self._path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LONGEST).strip()
        if not text:
            raise ValueError("it is empty")
        try:
            at = parse_instant(text)
        except ValueError as error:
            raise ValueError(f"it shows {text[:40]!r}, which is no instant") from error
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise ValueError(f"it shows {text[:40]!r}, which is not between the years {FIRST_YEAR} and {LAST_YEAR}")
        return at

    def _unreadable(self, why: str) -> Unavailable:
        return Unavailable(
            f"the clock cannot be read: {self._path}: {why}. Write an instant such as 2026-05-01T12:00:00+00:00 into "
            "it, or start without LIVING_CLOCK",
            slug="clock_unreadable",
        )

    @staticmethod
    def write(path: Path, at: datetime) -> None:
        """Sets the clock for every process that reads `path`, in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".new")
        draft.write_text(at.astimezone(UTC).isoformat())
        draft.replace(path)


def open_clock(url: str) -> Clock:
    """Opens the clock a setting names: `system`, or `file:/path/to/clock`."""
    if url == "system":
        return SystemClock()
    scheme, _, path = url.partition(":")
    if scheme == "file" and path:
        return FileClock(Path(path))
    raise ValueError(f"LIVING_CLOCK is {url!r}; it must be 'system' or 'file:/path'")


def parse_instant(text: str) -> datetime:
    """Reads an ISO 8601 instant; one without an offset is taken as UTC. Raises ValueError, also for an instant
    that lies before the year 1 or after 9999 in UTC."""
    at = datetime.fromisoformat(text)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of the calendar") from error


def parse_zoned(text: str) -> datetime:
    """The same for text that must have an offset. Raises ValueError."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"{text!r} is an instant without a zone")
    return parse_instant(text)
