"""What a search that people make by hand has brought, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol, Self

from services.ingest.domain.watching import ImportStates, WatchStates
from shared.wire.ingest import ImportState, ManualStanding, WatchState


class File(Protocol):
    """A file of a search, how far it is taken in, and how many records it holds."""

    @property
    def sha256(self) -> str: ...
    @property
    def state(self) -> ImportState: ...
    @property
    def entries(self) -> int: ...


@dataclass(frozen=True)
class Found:
    """What the files of a search hold that could be read: the hash of each, and all their records; `waiting` and
    `failed` are how many are not in yet, and could not be read."""

    hashes: list[str]
    entries: int
    waiting: int
    failed: int

    @classmethod
    def of(cls, files: Iterable[File]) -> Self:
        files = list(files)
        done = [file for file in files if file.state == ImportStates.DONE]
        return cls(
            [file.sha256 for file in done],
            sum(file.entries for file in done),
            sum(file.state in ImportStates.UNFINISHED for file in files),
            sum(file.state == ImportStates.FAILED for file in files),
        )


def lacks(reported: int | None, lacking: int, found: Found) -> str | None:
    """What a search lacks, in words; None where its files hold what was found, but for so many that it may lack."""
    words = []
    if found.waiting:
        words.append(f"{_counted(found.waiting, 'file')} still to be taken in")
    if not found.hashes:
        words.append("no file of it is in")
    elif found.entries != (reported or 0) - lacking:
        there = _counted(found.entries, "record")
        words.append(f"{there} in {_counted(len(found.hashes), 'file')}, of {reported} that were found")
    if words and found.failed:
        words.append(f"{_counted(found.failed, 'file')} could not be read")
    return "; ".join(words) or None


def differs(planned: str, searched: str) -> bool:
    """Whether a string is another than the planned one; how it is broken into lines does not matter."""
    return planned.split() != searched.split()


def standing_of(state: WatchState, due_at: datetime, now: datetime) -> ManualStanding:
    """Where a manual strategy stands by the platform's clock: due on its day (UTC), overdue after it."""
    if state == WatchStates.PAUSED:
        return "paused"
    if state == WatchStates.RETIRED:
        return "retired"
    due, today = _day(due_at), _day(now)
    if today < due:
        return "searched"
    return "due" if today == due else "overdue"


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
