"""Archives: what keeps a file for good under a DOI, and the DOIs of its versions under one of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class About:
    """What an archive is told of a revision. `identifier` is our own name of it, by which it is found again."""

    identifier: str
    title: str
    summary: str
    creator: str
    version: str
    published_on: date
    address: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """A deposit that is begun: what the archive calls it, and the DOI that it will have."""

    deposit: str
    doi: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """The DOI of a version, and that of all its versions."""

    doi: str
    concept_doi: str


class NotDeposited(Exception):
    """A deposit did not get on.

    `refused` is that the archive wants something else, as another word in the metadata: the same again will not do
    better soon. `retry_after` are the seconds that it asks to be left alone for.
    """

    def __init__(self, why: str, *, refused: bool = False, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.why, self.refused, self.retry_after = why, refused, retry_after


class Gone(NotDeposited):
    """A deposit that was begun is not there any more: somebody discarded it at the archive."""


class Archive(Protocol):
    """Keeps files for good. Promises, held by tests/unit/services/synthesis/test_dois.py:

    - `reserve` and `publish` may be called again at any time, also where nobody heard the answer of the last call or it
      ended half-way: one deposit is published, and one DOI assigned, for each identifier whose deposit was kept;
    - nothing is public before `publish`;
    - what fails is NotDeposited, in a bounded time.
    """

    #: What tells this archive from others; deposits of one are none of another.
    name: str

    def reserve(self, about: About, after: str | None) -> Reserved:
        """Begins a deposit, or finds the one that was begun for it: the first, or a version `after` another deposit."""

    def publish(self, deposit: str, about: About, file_name: str, content: bytes) -> Assigned:
        """Publishes a deposit with this one file; one that is published says so again."""
