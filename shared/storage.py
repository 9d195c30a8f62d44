"""Storage: what keeps a file of ours from its use, told with the file's name and what to do about it.

SQLite says "unable to open database file" of a disk that is full, mounted read-only or another user's alike; whoever is
to mend it needs to know which. So where it fails, we look around the file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from shared.errors import Invalid, Unavailable

Slug = Literal["damaged", "disk_full", "read_only", "forbidden", "not_there", "disk_fails"]

#: What may be wrong with a file, for whoever asks whether waiting helps: a person must do something.
SLUGS: tuple[Slug, ...] = get_args(Slug)

#: SQLite needs this many bytes at least to open a file at all: its index of the write-ahead log is made first.
_LEAST = 64 * 1024

#: Result codes of SQLite, by their beginnings, that are about the file and not about what was asked of it.
_DAMAGE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
_TROUBLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_PERM")

#: What the system says when it is about the file.
_NUMBERS = {
    errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOENT, errno.ENOTDIR,
    errno.EISDIR,
}  # fmt: skip

#: What SQLite keeps beside a file, and a process of another user may have left there.
_BESIDE = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file: `slug` for programs, `detail` for people, which begins with the file's path."""

    slug: Slug
    detail: str

    @property
    def damaged(self) -> bool:
        return self.slug == "damaged"


def fault_of(path: Path, error: BaseException) -> Fault | None:
    """What an error of SQLite or of the system says about a file; None where it is about something else, or may pass
    by itself, such as another process's lock."""
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return (obstacle(path) or _by_number(path, error, reason)) if error.errno in _NUMBERS else None
    code = str(getattr(error, "sqlite_errorname", None) or "")
    if code.startswith(_DAMAGE):
        return Fault("damaged", f"{path} is damaged ({error})")
    if code.startswith(_TROUBLE):
        return obstacle(path) or _by_code(path, code, str(error))
    return None


def unusable(path: Path, error: OSError) -> Unavailable:
    """The error that a file which cannot be made or written becomes."""
    fault = fault_of(path, error)
    if fault is None:
        return Unavailable(f"{path} cannot be written: {error.strerror or error}")
    return Unavailable(fault.detail, slug=fault.slug)


def content(path: Path, most: int) -> bytes:
    """What a file of somebody else's holds, of at most so many bytes. Raises Invalid with its path: a pipe or a device
    is no file, and would keep us for ever."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Invalid(f"{path} is no file")
            held = file.read(most + 1)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror or error}") from error
    if len(held) > most:
        raise Invalid(f"{path} is too large: more than {most} bytes are not read")
    return held


def sync_folder(folder: Path) -> None:
    """Brings to the disk which files a folder has: a rename is durable after it. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def obstacle(path: Path) -> Fault | None:
    """What stands in the way of writing a file, or of making it; None where nothing is seen."""
    if os.path.isdir(path):
        return Fault("not_there", f"{path} cannot be a file: it is a folder")
    return _obstacle(path, path.parent, _there(path))


def obstacle_in(folder: Path) -> Fault | None:
    """What stands in the way of making files in a folder that is there; None where nothing is seen."""
    return _obstacle(folder, folder, ())


def _obstacle(path: Path, folder: Path, files: Iterable[Path]) -> Fault | None:
    if os.path.lexists(folder) and not os.path.isdir(folder):
        return Fault("not_there", f"{path} is not there: {folder} is no folder")
    try:
        for where in (folder, *files):
            if os.statvfs(where).f_flag & os.ST_RDONLY:
                return Fault(
                    "read_only",
                    f"{path} cannot be written: {where} is on a file system that is mounted read-only. Mount it for "
                    "writing, or keep the data elsewhere (LIVING_DATA_DIR)",
                )
            wanted = os.R_OK | os.W_OK | (os.X_OK if where == folder else 0)
            if not os.access(where, wanted, effective_ids=True):
                return _forbidden(path, where)
        return _full(path, folder) if _free(folder) < _LEAST else None
    except (FileNotFoundError, NotADirectoryError):
        nearest = next((it for it in folder.absolute().parents if os.path.isdir(it)), None)
        kept = _obstacle(path, nearest, ()) if nearest is not None else None
        return kept or Fault("not_there", f"{path} is not there: there is no folder {folder} (any more)")
    except PermissionError:
        return _forbidden(path, folder)
    except OSError as error:
        return Fault("disk_fails", f"{path} cannot be looked at: {error.strerror}")


def _there(path: Path) -> list[Path]:
    return [file for end in _BESIDE if os.path.lexists(file := Path(f"{path}{end}"))]


def _free(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def _full(path: Path, folder: Path) -> Fault:
    return Fault("disk_full", f"{path} cannot be written: the disk of {folder} is full. Make room there")


def _forbidden(path: Path, where: Path) -> Fault:
    return Fault(
        "forbidden",
        f"{path} cannot be written: the user of this process (number {os.geteuid()}) may not write {where}. Give it to "
        "that user, or run as the one whose it is",
    )


def _by_number(path: Path, error: OSError, reason: str) -> Fault:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path, path.parent)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _forbidden(path, path)
    if error.errno == errno.EROFS:
        # Nothing else tells it where the system took writing away because the disk failed.
        return Fault("read_only", f"{path} can only be read now, not written: its file system is read-only ({reason})")
    return Fault("disk_fails", f"{path} cannot be used: {reason}")


def _by_code(path: Path, code: str, reason: str) -> Fault:
    """What only SQLite knows, such as of a limit on files' sizes or of a disk that fails now and then."""
    if code.startswith("SQLITE_FULL"):
        return _full(path, path.parent)
    if code.startswith("SQLITE_READONLY"):
        return Fault("read_only", f"{path} can only be read now, not written: it is read-only ({reason})")
    if code.startswith("SQLITE_IOERR"):
        return Fault("disk_fails", f"{path} cannot be used: its disk fails ({reason}, {code})")
    return Fault("disk_fails", f"{path} cannot be opened ({reason})")
