"""Saving: files that the platform gives are written whole or not at all, and over nothing that is there."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import click

from shared.errors import Conflict, Invalid, Unavailable

#: Has a file be handed over, piece by piece.
HandOver = Callable[[Callable[[bytes], object]], None]


def require_writable(to: Path, *, force: bool, as_json: bool) -> None:
    """Raises Conflict for a file that is there, and Invalid for a folder that is not, before anything is asked for."""
    if str(to) == "-":
        if as_json:
            raise click.UsageError("--json and --to - would both write to the standard output")
    elif to.exists() and not force:
        raise Conflict(f"{to} is there already: --force writes over it")
    elif not to.parent.is_dir():
        raise Invalid(f"{to.parent} is no folder that is there")


def save(to: Path, hand_over: HandOver, sha256: str | None) -> None:
    """Writes a file as it comes; `-` is the standard output. Raises Unavailable for one that is not whole."""
    if str(to) == "-":
        _write(sys.stdout.buffer, hand_over, sha256)
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            _write(file, hand_over, sha256)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _write(file: BinaryIO, hand_over: HandOver, sha256: str | None) -> None:
    digest = hashlib.sha256()

    def keep(piece: bytes) -> None:
        file.write(piece)
        digest.update(piece)

    hand_over(keep)
    if digest.hexdigest() != sha256:
        raise Unavailable("the file broke off on its way: ask again")
