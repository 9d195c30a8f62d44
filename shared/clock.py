"""The clock: time comes in as an argument, so that a review's five years can be lived through in a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Promises aware datetimes in UTC."""

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
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._at, self._stamp = parse_instant(self._path.read_text().strip()), stamp
        return self._at

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
