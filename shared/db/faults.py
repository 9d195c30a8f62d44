"""Faults of a database's file: what SQLite says of one that is damaged, read-only or on a full disk, told so that
whoever reads it knows which file it is and what to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from shared.storage import Fault, fault_of

_RESTORE = (
    "Stop the platform, move the file away with what lies beside it under its name (-wal, -shm), and put a copy of it "
    "back; docs/architecture.md says how a service goes on from an older one, or without one"
)


class FileFault(OperationalError):
    """An error of SQLite that is about the database's file. `detail` tells which, why, and what to do."""

    def __init__(self, fault: Fault, error: BaseException) -> None:
        super().__init__(None, None, error, hide_parameters=True)
        self.slug = fault.slug
        self.detail = f"the database {fault.told}" + (f". {_RESTORE}" if fault.damaged else "")

    def __str__(self) -> str:
        return self.detail


def file_fault(url: URL, error: BaseException) -> FileFault | None:
    """None for an error that is not about the file, and on other databases."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    fault = fault_of(Path(url.database), error)
    return FileFault(fault, error) if fault is not None else None
