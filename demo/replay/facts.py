"""The facts a papers file holds: what a paper is, and how each source has it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from demo.replay.corpus import SourceName


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
    """A paper's facts; `authors` as `Family, Initials`, `more_authors` if the list is not whole; `cites` are keys of
    other papers."""

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
    cites: list[str] = []
    sources: dict[SourceName, Copy]

    def as_in(self, source: SourceName) -> Paper:
        """The paper with the source's own title, venue and DOI, and without what it lacks."""
        copy = self.sources[source]
        stated: dict[str, Any] = {name: getattr(copy, name) for name in ("title", "venue") if getattr(copy, name)}
        if "doi" in copy.model_fields_set:
            stated["doi"] = copy.doi
        lacking: dict[str, Any] = {name: None for name in copy.without}
        if "authors" in lacking:
            lacking["authors"] = []
        return self.model_copy(update=stated | lacking)


class PapersFile(_Facts):
    papers: list[Paper]
