"""A corpus out of bibliographic facts in a YAML file: each paper as each of its sources would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.ingest.replay import render
from services.ingest.replay.corpus import Text
from shared.errors import Invalid


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Copy(_Facts):
    """How one source has a paper: its id there, the day it entered, and where it differs.

    `title`, `doi` and `venue` stand for the paper's own; a `doi` that is given as null is missing there.
    """

    id: str | None = None
    entered: date
    title: str | None = None
    subtitle: str | None = None
    venue: str | None = None
    doi: str | None = None
    pmcid: str | None = None
    without: list[Literal["authors", "venue", "volume", "issue", "pages", "language"]] = []


class Paper(_Facts):
    """A paper's facts; `authors` as `Family, Initials`, `more_authors` if the list is not whole."""

    key: str
    title: str
    authors: list[str]
    more_authors: bool = False
    venue: str
    abbreviation: str | None = None
    year: int = Field(ge=1000, le=9999)
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    language: str = "en"
    sources: dict[Literal["openalex", "crossref", "pubmed", "europepmc"], Copy]

    def as_in(self, source: str) -> Paper:
        """The paper with the source's own title, venue and DOI, and without what it lacks."""
        copy = self.sources[source]
        told: dict[str, Any] = {name: getattr(copy, name) for name in ("title", "venue") if getattr(copy, name)}
        if "doi" in copy.model_fields_set:
            told["doi"] = copy.doi
        lacking: dict[str, Any] = {name: None for name in copy.without}
        if "authors" in lacking:
            lacking["authors"] = []
        return self.model_copy(update=told | lacking)


class PapersFile(_Facts):
    papers: list[Paper]


@dataclass(frozen=True)
class PaperEntry:
    """A paper on the shelf of one source."""

    source: str
    paper: Paper

    @property
    def copy(self) -> Copy:
        return self.paper.sources[self.source]

    @property
    def key(self) -> str:
        return self.copy.id or (self.paper.doi or self.paper.key).lower()

    @property
    def published(self) -> date:
        return date(self.paper.year, 1, 1)

    @property
    def entered(self) -> date:
        return self.copy.entered

    def text(self) -> Text:
        there = self.paper.as_in(self.source)
        title = f"{there.title} {self.copy.subtitle or ''}"
        return Text(title=title, venue=there.venue or "", authors=" ".join(there.authors))

    def wire(self) -> Any:
        return render.WIRE[self.source](self.paper.as_in(self.source), self.copy)


class PapersCorpus:
    """Serves the papers of one file in all four forms."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._shelves = {
            source: sorted(
                (PaperEntry(source, paper) for paper in papers if source in paper.sources),
                key=lambda entry: (entry.entered, entry.key),
            )
            for source in render.WIRE
        }

    @classmethod
    def load(cls, path: Path) -> PapersCorpus:
        """Reads a file such as reviews/ics-leadership/papers.yaml. Raises Invalid, naming each fault's place."""
        try:
            return cls(PapersFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).papers)
        except yaml.YAMLError as error:
            raise Invalid(f"{path} is not YAML: {error}") from error
        except ValidationError as error:
            faults = [
                {"at": "/".join(str(part) for part in fault["loc"]), "why": fault["msg"]} for fault in error.errors()
            ]
            first = faults[0]
            raise Invalid(f"{path}: {len(faults)} faults, first at {first['at']}: {first['why']}", faults) from error

    def entries(self, source: str) -> Sequence[PaperEntry]:
        return self._shelves.get(source, [])
