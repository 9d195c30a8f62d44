"""Sending: files that people bring are looked at before anything is asked, and handed over piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import Invalid

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Bytes of a file that are sent at once.
_PIECE = 256 * 1024


def size_of(path: Path) -> int:
    """The bytes of a file. Raises Invalid for what is none, and for an empty one."""
    if not path.is_file():
        raise Invalid(f"{path} is no file that is there")
    if not (size := path.stat().st_size):
        raise Invalid(f"{path} is empty")
    return size


def pieces_of(path: Path, bar: Progress, task: TaskID) -> Callable[[], Iterator[bytes]]:
    """Reads a file from its beginning, as often as it is sent, and shows how much of it went."""

    def pieces() -> Iterator[bytes]:
        bar.reset(task)
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
                bar.advance(task, len(piece))

    return pieces
