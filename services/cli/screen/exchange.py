"""Exchange: what a session asks of the platform, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.cli.screen.cards import Card
from shared.errors import LivingError


@dataclass(frozen=True)
class Ballot:
    """What is said of a card."""

    answer: str
    reason: str | None = None
    fields: dict[str, str | int | float | list[str]] = field(default_factory=dict)
    excluded_for: str | None = None
    judged_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Asks for tasks, up to so many in hand."""

    count: int


@dataclass(frozen=True)
class Cast:
    """Casts a vote."""

    card: Card
    ballot: Ballot
    key: str


@dataclass(frozen=True)
class Skip:
    """Gives a card back for now, since its reviewer wants another."""

    card: Card
    key: str


@dataclass(frozen=True)
class Park:
    """Puts a card away, with a reason, until a day or until somebody brings it back."""

    card: Card
    reason: str
    until: date | None
    key: str


@dataclass(frozen=True)
class Note:
    """Writes something down about a card, for oneself."""

    card: Card
    text: str
    key: str


@dataclass(frozen=True)
class TakeBack:
    """Takes a vote back that was cast before."""

    card: Card
    ballot: Ballot
    key: str


@dataclass(frozen=True)
class Train:
    """Answers an item of a training set."""

    card: Card
    ballot: Ballot
    key: str


@dataclass(frozen=True)
class NextItem:
    """Asks for the next item of a training set."""


@dataclass(frozen=True)
class Renew:
    """Keeps a lease for longer."""

    lease: str


@dataclass(frozen=True)
class Look:
    """Asks how much is left."""


@dataclass(frozen=True)
class Release:
    """Gives a card back, since its reviewer leaves."""

    lease: str
    key: str


#: What changes something that the reviewer waits for: one at a time, and keys are dead meanwhile.
Act = Cast | Train | Skip | Park | Note | TakeBack
Request = Act | Claim | NextItem | Renew | Look | Release


@dataclass(frozen=True)
class Left:
    """How much waits: so many `or_more`, for whoever asks or, where that is not known, for anybody."""

    count: int
    or_more: bool
    for_me: bool


@dataclass(frozen=True)
class Done:
    """What the platform answered: cards to a claim, `Left` to a look, seconds to a renewal, a card or None to what
    was taken back and to the next item, what is right of an item as lines, else None."""

    request: Request
    result: Any = None


@dataclass(frozen=True)
class Failed:
    """Why the platform did not do it."""

    request: Request
    error: LivingError
