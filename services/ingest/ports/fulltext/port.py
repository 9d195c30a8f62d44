"""What a service that knows where full texts are open promises; held by tests/contract/test_full_texts.py."""

from __future__ import annotations

from typing import Literal, Protocol

from services.ingest.ports.sources.port import Keep, keep_nothing
from shared.events.base import Value

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
