"""Faults of a database's file: what SQLite says of one that is damaged, read-only or on a full disk, told so that
whoever reads it knows which file it is and what to do."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from shared.storage import Fault, fault_of

_RESTORE = (
    "Stop the platform, move the file away with what lies beside it under its name (-wal, -shm), and put a copy of it "
    "back; docs/architecture.md says how a service goes on from an older one, or without one"
)


class FileFault(OperationalError):
    """An error of SQLite that is about the database's file. `reason` says which, why, and what to do."""

    def __init__(self, fault: Fault, error: BaseException) -> None:
        super().__init__(None, None, error, hide_parameters=True)
        self.slug = fault.slug
        # Not `detail`: SQLAlchemy keeps a list under that name, to which it adds where an error came up.
        self.reason = f"the database {fault.detail}" + (f". {_RESTORE}" if fault.damaged else "")

    def __str__(self) -> str:
        return self.reason


class DatabaseFile:
    """The file that a database was opened with, and is held to while it is open. A connection to one that was removed
    or replaced would still take every change and keep none, and a new one would make an empty file in its place."""

    def __init__(self, path: Path) -> None:
        self._path, self._known = path, None

    _known: tuple[int, int] | None

    def require(self) -> None:
        """Raises FileFault unless it is the file of the first time."""
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise self._gone(error) from error
        now = status.st_dev, status.st_ino
        self._known = self._known or now
        if now != self._known:
            raise self._gone(FileExistsError(f"{self._path} is another file"))

    def require_known(self) -> None:
        """The same, where there was a first time."""
        if self._known is not None:
            self.require()

    def forget(self) -> None:
        self._known = None

    def _gone(self, error: OSError) -> FileFault:
        reason = f"{self._path} was removed or replaced while it was in use: put it back, or start the platform again, "
        return FileFault(Fault("not_there", f"{reason}which holds what is there against the log"), error)


def file_fault(url: URL, error: BaseException) -> FileFault | None:
    """None for an error that is not about the file, and on other databases."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    fault = fault_of(Path(url.database), error)
    return FileFault(fault, error) if fault is not None else None
