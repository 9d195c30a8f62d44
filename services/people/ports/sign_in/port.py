"""What signing in by a password promises, whatever hashes it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Passwords(Protocol):
    """Hashes passwords so that they are slow to guess."""

    def hashed(self, password: str) -> str:
        """What is kept of a password; another text each time. Takes tens of milliseconds, and as many megabytes."""
        ...

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one of which this was kept. Takes as long where nothing was kept, and answers
        no."""
        ...
