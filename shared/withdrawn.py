"""What was withdrawn, as far as this process knows it, and how old that knowledge is: a look-up, never a question."""

from __future__ import annotations

import time

from shared.errors import Unauthenticated, Unavailable
from shared.tokens import Person

#: Seconds without word from the log after which nothing is decided any more: a key may have been withdrawn meanwhile.
OLDEST = 60.0


def withdrawn_since() -> Unauthenticated:
    """What whoever asks by a token of before is told."""
    return Unauthenticated(
        "what this token was made from was withdrawn or changed; exchange your key for a new one", slug="withdrawn"
    )


class Withdrawn:
    """Keys and persons of whom earlier tokens count no more. Written by one thread (`shared.runtime.withdrawals`), read
    at every request."""

    def __init__(self, oldest: float | None = None) -> None:
        self._oldest = OLDEST if oldest is None else oldest
        self._numbers: dict[str, int] = {}
        self._as_of: float | None = None

    def add(self, subject: str, number: int) -> bool:
        """What was told: a token made when fewer than `number` were withdrawn does not count for this key or person.
        Answers whether that is more than was known."""
        if number <= self._numbers.get(subject, 0):
            return False
        self._numbers[subject] = number
        return True

    def forget(self, subject: str, number: int) -> None:
        """No token is left that was made before: it need not be known any more, unless more was withdrawn since."""
        if self._numbers.get(subject) == number:
            del self._numbers[subject]

    def know_all(self, as_of: float) -> None:
        """Says that nothing is missing that was on the log at that moment (`time.monotonic`)."""
        self._as_of = as_of

    def require_standing(self, person: Person) -> None:
        """Raises Unauthenticated when something of this key or person was withdrawn since the token was made: whatever
        it was, a new token says what is left."""
        withdrawn = max(self._numbers.get(person.id, 0), self._numbers.get(person.key or "", 0))
        if person.number < withdrawn:
            raise withdrawn_since()

    @property
    def age(self) -> float | None:
        """Seconds since nothing was missing; None when that was never so."""
        return None if self._as_of is None else max(0.0, time.monotonic() - self._as_of)

    def require_current(self) -> None:
        """Raises Unavailable where something may have been withdrawn that is not known here."""
        age = self.age
        if age is not None and age <= self._oldest:
            return
        since = "was never read since the start" if age is None else f"is {age:.0f} seconds old"
        raise Unavailable(
            f"the list of withdrawn keys {since}, since the log does not give it: until it does, nothing is decided, "
            "voted on, signed or administered here; reading goes on",
            slug="withdrawals_unknown",
        )
