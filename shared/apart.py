"""Apart: where a job does many things, one that fails stands in the way of none of the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: Of how many that failed the reasons are told in a line; the group has all.
_NAMED = 3


class Failures:
    """What failed of several things of a kind (`review`), each done under its name."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._errors: list[Exception] = []

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """Within the block, an error is kept for the end, and whoever does the next thing goes on."""
        try:
            yield
        except Exception as error:
            error.add_note(f"{self._kind} {name}")
            self._errors.append(error)

    def end_with(self, error: Exception) -> None:
        """Keeps what ended the whole beside what had failed before; raises it where nothing had."""
        if not self._errors:
            raise error
        error.add_note("then")
        self._errors.append(error)

    def raise_any(self) -> None:
        """Raises ExceptionGroup where anything failed."""
        if self._errors:
            reasons = "; ".join(map(_reason_of, self._errors[:_NAMED]))
            raise ExceptionGroup(f"{len(self._errors)} failed: {reasons}", self._errors)


@contextmanager
def each(kind: str) -> Iterator[Failures]:
    """Things of a kind, of which each is done apart; in the end raises ExceptionGroup of those that failed, also where
    the block itself fails then."""
    failures = Failures(kind)
    try:
        yield failures
    except Exception as error:
        failures.end_with(error)
    failures.raise_any()


def _reason_of(error: Exception) -> str:
    """What failed and why, in one line, without the statement that a database's error brings along."""
    why, _, _ = str(error).partition("\n[SQL:")
    return f"{error.__notes__[-1]}: {type(error).__name__}: {' '.join(why.split())}"
