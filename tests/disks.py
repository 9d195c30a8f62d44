"""Disks: small ones of a test's own, to be filled and mounted read-only; only where this user may mount."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import eventually


class Disk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def turn(self, mode: str) -> None:
        """Mounts it anew: `ro` or `rw`; once the last who writes to it has closed its file, which a look at health does
        by itself soon after a stop."""
        again = ["mount", "-o", f"remount,{mode}", str(self.folder)]
        eventually(lambda: subprocess.run(again, capture_output=True).returncode == 0)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        self.turn("ro")
        try:
            yield
        finally:
            self.turn("rw")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is left."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        try:
            yield
        finally:
            filler.unlink()


@contextmanager
def mounted(folder: Path, size: str = "8m") -> Iterator[Disk]:
    """A disk at a folder that is made for it; skips where this user may not mount one."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip("this user may not mount a disk")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def by_nobody() -> Iterator[None]:
    """What is done within is done by a user whose nothing is, also where the tests are run by root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was == 0:
            os.seteuid(was)
