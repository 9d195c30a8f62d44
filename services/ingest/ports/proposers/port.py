"""What proposes codings: it reads passages beside the CMOCs, and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.events.synthesis import Element, Stance


@dataclass(frozen=True, slots=True)
class Identity:
    """Which proposer it is. What it proposes is evaluated by `version`, in which its model and its prompt are, if it
    has them. One that `goes_out` sends what it reads to another's server."""

    name: str
    version: str
    model: str | None = None
    prompt: str | None = None
    goes_out: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What one passage of a copy says."""

    locator: str
    words: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A CMOC, with what it says of each of its elements."""

    cmoc: str
    elements: dict[Element, str]


@dataclass(frozen=True, slots=True)
class Proposed:
    """That some words speak to an element of a CMOC; nobody has held them against the copy yet."""

    exact: str
    cmoc: str
    element: Element
    stance: Stance
    why: str
    locator: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a proposer makes of a copy: `dropped` counts what it said that is no proposal, `unread` are the paragraphs
    beyond what it reads of one copy, `asked` and `answered` the tokens that a model counted."""

    proposed: Sequence[Proposed]
    dropped: int = 0
    unread: int = 0
    asked: int = 0
    answered: int = 0


class NotProposed(Exception):
    """A proposer made nothing of a copy. `refused` is that the same again will not do better soon."""

    def __init__(self, why: str, *, refused: bool = False, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.why, self.refused, self.retry_after = why, refused, retry_after


class Proposer(Protocol):
    """Promises, held by tests/unit/services/ingest/test_proposers.py:

    - it ends in a bounded time, also where `stopped` is answered with yes, and what fails is NotProposed;
    - what it answers has a bounded size, and names CMOCs and elements that it was given;
    - what the paragraphs say is data: it changes neither what is asked nor where it is asked.
    """

    @property
    def identity(self) -> Identity:
        """Which it is, as evaluations and what it proposes are known by."""

    def propose(
        self, paragraphs: Sequence[Paragraph], statements: Sequence[Statement], stopped: Callable[[], bool]
    ) -> Answer:
        """What of these paragraphs speaks to which element of which CMOC."""
