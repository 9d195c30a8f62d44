"""Blobs in a folder: a gzip file each, under its hash, for one machine."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from io import FileIO
from pathlib import Path

from shared.blobs.packing import (
    CHUNK,
    Blob,
    BlobDamaged,
    BlobMissing,
    Draft,
    checked,
    is_name,
    refuse_larger,
    stated_size,
    unpacked,
)
from shared.blobs.port import Blobs
from shared.db.work import Work
from shared.errors import Lost, Unavailable
from shared.ids import new_id
from shared.storage import obstacle_in, sync_folder, unusable


class FolderBlobs(Blobs):
    """`FOLDER/ab/ab12….gz` for each blob, `FOLDER/drafts` for those being written, and a lock.

    A draft is synced before it gets its name, and the folder after, so that a name never leads to half a blob. The
    modification time of a file is when its blob was put or named last. The lock is held for the moment in which that
    time is looked at or set, and never while bytes move.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._drafts = folder, folder / "drafts"

    def ready(self) -> None:
        try:
            self._drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(256):
                (self._folder / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._folder)
            sync_folder(self._folder.parent)
        except OSError as error:
            raise unusable(self._folder, error) from error
        self.ping()

    def ping(self) -> None:
        for folder in (self._folder, self._drafts):
            if fault := obstacle_in(folder):
                raise Unavailable(f"blobs: {fault.detail}", slug=fault.slug)

    def draft(self, limit: int, expected: str | None = None) -> Draft:
        return Draft(_File(self, self._drafts / new_id("draft")), limit, expected)

    def open(self, sha256: str, limit: int) -> Iterator[bytes]:
        file = self._opened(sha256)
        try:
            blob = Blob(sha256, _size(sha256, file))
            if blob.size > limit:
                refuse_larger(blob, limit, _pieces(sha256, file))
        except BaseException:
            file.close()
            raise

        def chunks() -> Iterator[bytes]:
            with file:
                yield from unpacked(blob, _pieces(sha256, file))

        return chunks()

    def size(self, sha256: str) -> int:
        with self._opened(sha256) as file:
            return _size(sha256, file)

    def lost(self, hashes: Collection[str]) -> dict[str, Lost]:
        found: dict[str, Lost] = {}
        for sha256 in hashes:
            try:
                self.size(sha256)
            except Lost as error:
                found[sha256] = error
        return found

    def touch(self, work: Work, sha256: str) -> None:
        path = self._path(sha256)
        with self._locked():
            try:
                os.utime(path)
            except FileNotFoundError:
                raise BlobMissing(sha256) from None
            except OSError as error:
                raise unusable(path, error) from error

    def older(self, before: datetime, bucket: str) -> Iterator[str]:
        for file in sorted(os.listdir(self._folder / bucket)):
            name = file.removesuffix(".gz")
            # Another process may remove it meanwhile. What others have put there is theirs.
            with suppress(FileNotFoundError):
                if is_name(name) and os.stat(self._folder / bucket / file).st_mtime < before.timestamp():
                    yield name

    def remove(self, sha256: str, before: datetime) -> bool:
        path = self._path(sha256)
        try:
            with self._locked():
                if path.stat().st_mtime >= before.timestamp():
                    return False
                path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unusable(path, error) from error
        return True

    def drop_drafts(self, before: datetime) -> int:
        dropped = 0
        for path in self._drafts.iterdir():
            # One that is being written is as young as its last piece.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    dropped += 1
        return dropped

    def keep(self, draft: Path, sha256: str) -> None:
        """Gives a draft that is synced its name. Where a file has it already, that one goes: it may be damaged, and who
        reads it has it open."""
        path = self._path(sha256)
        with self._locked():
            # Its time is that of its last piece, which may have been long ago.
            os.utime(draft)
            draft.rename(path)
        sync_folder(path.parent)

    def _opened(self, sha256: str) -> FileIO:
        """The file of a blob, to be read. Raises BlobMissing; BlobDamaged for what is no file."""
        path = self._path(sha256)
        try:
            # Not blocking: a pipe by that name would keep us for ever.
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise BlobMissing(sha256) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):  # A link, a socket.
                raise BlobDamaged(sha256, f"{path} is no file") from None
            raise unusable(path, error) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise BlobDamaged(sha256, f"{path} is no file")
        return FileIO(file)

    def _path(self, sha256: str) -> Path:
        return self._folder / checked(sha256)[:2] / f"{sha256}.gz"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among all threads and processes of this folder; a process that dies lets go."""
        try:
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(self._folder / "lock", error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class _File:
    """The sink of one draft: a file, made with its first piece."""

    def __init__(self, blobs: FolderBlobs, path: Path) -> None:
        self._blobs, self._path = blobs, path
        self._file: int | None = None

    def write(self, piece: bytes) -> None:
        with self._named_faults():
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def keep(self, blob: Blob) -> None:
        assert self._file is not None  # Even an empty blob has a piece.
        with self._named_faults():
            os.fsync(self._file)
            self._close()
            self._blobs.keep(self._path, blob.sha256)

    def drop(self) -> None:
        with suppress(OSError):
            self._close()
            self._path.unlink()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    @contextmanager
    def _named_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unusable(self._path, error) from error


def _size(sha256: str, file: FileIO) -> int:
    """The uncompressed size, as head and end of a file tell it. Raises BlobDamaged."""
    number = file.fileno()
    try:
        length = os.fstat(number).st_size
        head, end = os.pread(number, 4, 0), os.pread(number, 4, max(0, length - 4))
    except OSError as error:
        raise _unreadable(sha256, error) from error
    return stated_size(sha256, length, head, end)


def _pieces(sha256: str, file: FileIO) -> Iterator[bytes]:
    try:
        while piece := file.read(CHUNK):
            yield piece
    except OSError as error:
        raise _unreadable(sha256, error) from error


def _unreadable(sha256: str, error: OSError) -> BlobDamaged:
    return BlobDamaged(sha256, f"its file cannot be read ({error.strerror})")
