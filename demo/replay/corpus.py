"""What a replay serves: entries of a source, each with its dates, its searchable text and its wire form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

SourceName = Literal["openalex", "crossref", "pubmed", "europepmc", "doaj", "arxiv", "semanticscholar"]


@dataclass(frozen=True, slots=True)
class Text:
    """What can be searched in an entry."""

    title: str = ""
    venue: str = ""
    abstract: str = ""
    authors: str = ""


class Entry(Protocol):
    """One work as one source has it. `published` is a whole day, padded as the source pads it."""

    @property
    def key(self) -> str: ...

    @property
    def published(self) -> date: ...

    @property
    def entered(self) -> date: ...

    def text(self) -> Text: ...

    def wire(self) -> Any:
        """The work as the source sends it: a JSON object, or an XML element for the E-utilities."""
        ...


class Corpus(Protocol):
    def entries(self, source: SourceName) -> Sequence[Entry]:
        """All entries of this source, always in the same order; empty for a source it does not have."""
        ...
