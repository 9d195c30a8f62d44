"""Keeps folders and files whole when runs are interrupted or overlap."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MARKER = ".complete"


def is_complete(folder: Path) -> bool:
    """Says whether a folder was built to its end."""
    return (folder / MARKER).is_file()


def build_once(folder: Path, build: Callable[[Path], None]) -> bool:
    """Fills a folder unless it is complete; what an interrupted run left is thrown away first."""
    if is_complete(folder):
        return False
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    build(folder)
    (folder / MARKER).touch()
    return True


def write_whole(path: Path, text: str) -> None:
    """Replaces a file in one step, so that a reader sees the old text or the new, never half."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def tail(path: Path, lines: int) -> str:
    """The last lines of a text file, or nothing when there is no such file."""
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def locked(path: Path, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Holds a file lock, which the system takes back when its holder dies, however it dies."""
    while True:
        with path.open("a") as file:
            _acquire(file.fileno(), when_waiting)
            if _still_has_that_name(file.fileno(), path):
                yield
                return


def _acquire(descriptor: int, when_waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        when_waiting()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _still_has_that_name(descriptor: int, path: Path) -> bool:
    """`down --wipe` deletes the lock it holds: whoever waited for it must lock the new file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
