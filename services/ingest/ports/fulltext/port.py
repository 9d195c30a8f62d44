"""What a service that knows where full texts are open promises; held by tests/contract/test_full_texts.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from services.ingest.ports.sources.port import Keep, keep_nothing
from shared.blobs.packing import Blob
from shared.events.base import Value
from shared.wire.ingest import TextKind, TextSource, TextVersion

#: How a work is open: in an open journal, in another under an open licence or merely to be read, in a repository alone.
Openness = Literal["diamond", "gold", "hybrid", "bronze", "green", "closed"]

Version = Literal["published", "accepted", "submitted"]
Host = Literal["publisher", "repository"]


class Location(Value):
    """An address at which a work can be read by anybody: `pdf` and `page` are what `url` leads to, where it is known.

    `licence` is as the service writes it (`cc-by`); without one the text may be read, and no more is granted.
    """

    url: str
    pdf: str | None = None
    page: str | None = None
    licence: str | None = None
    version: Version | None = None
    host: Host | None = None


class FullText(Value):
    """Where a work is open today; it may be closed again tomorrow. The best location comes first.

    `remarks` say what of the answer could not be used.
    """

    doi: str
    openness: Openness | None = None
    locations: list[Location] = []
    remarks: list[str] = []

    @property
    def best(self) -> Location | None:
        return self.locations[0] if self.locations else None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a copy may be fetched, and what is said of it there. `own` is one that the platform's settings name."""

    url: str
    source: TextSource
    kinds: tuple[TextKind, ...]
    licence: str | None = None
    version: TextVersion = "unknown"
    own: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A copy that was fetched: where it was in the end, its bytes, and its licence as it says so itself, or as whoever
    named the address does."""

    address: Address
    url: str
    blob: Blob
    kind: TextKind
    licence: str | None


class NotFetched(Exception):
    """There is no copy to be had at an address, for the reason in the message; it may ask to be left alone for so many
    seconds."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(" ".join(reason.split())[:300])
        self.retry_after = retry_after


class FullTexts(Protocol):
    """A service that is asked for one work at a time, by its DOI."""

    name: str

    #: How many works it may be asked for in a day.
    most_a_day: int

    def find(self, doi: str, keep: Keep = keep_nothing) -> FullText | None:
        """Where this work is open; None where the service does not know the DOI.

        `keep` gets every answer that came whole. Raises SourceUnavailable, SourceDrifted, or SourceRefused: also for
        what is no DOI, and where the service wants to know who asks and nobody is set.
        """
        ...
