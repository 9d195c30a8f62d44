"""A corpus out of bibliographic facts in a YAML file: each paper as each of its sources would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import yaml
from pydantic import ValidationError

from demo.replay import render
from demo.replay.corpus import SourceName, Text
from demo.replay.facts import Copy, Paper, PapersFile
from shared.errors import Invalid


@dataclass(frozen=True)
class PaperEntry:
    """A paper as one source has it."""

    source: SourceName
    paper: Paper
    cited: tuple[Paper, ...] = ()

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

    def wire(self) -> dict[str, Any] | Element:
        work = render.WIRE[self.source](self.paper.as_in(self.source), self.copy)
        if not self.cited or self.source not in render.CITED or isinstance(work, Element):
            return work
        return work | render.CITED[self.source](self.cited)


class PapersCorpus:
    """Serves the papers of one file in the form of each source."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        named = {paper.key: paper for paper in papers}
        self._by_source = {
            source: sorted(
                (
                    PaperEntry(source, paper, tuple(named[key] for key in paper.cites))
                    for paper in papers
                    if source in paper.sources
                ),
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

    def entries(self, source: SourceName) -> Sequence[PaperEntry]:
        return self._by_source.get(source, [])
