"""The recorded review: a folder's files, which say what is played and which figures must come out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Invalid, NotFound
from shared.wire.synthesis import CodedFragment, EvidenceFile


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class People(Part):
    """Who takes part: two reviewers or more, a third person for conflicts, and who signs."""

    reviewers: list[str]
    adjudicator: str
    lead: str


class Usual(Part):
    answer: str
    reason: str | None = None


class Particular(Part):
    """One paper at one stage: an answer for each reviewer, and the third person's if those part; for which of the
    stage's reasons those exclude it who do."""

    answers: list[str]
    adjudicated: str | None = None
    excluded_for: str | None = None
    reason: str


class Decisions(Part):
    """screening.yaml: how people answer."""

    review: str
    people: People
    usual: dict[str, Usual]
    papers: dict[str, dict[str, Particular]] = {}

    def answer(self, doi: str | None, stage: str, reviewer: int) -> tuple[str, str | None]:
        """What a reviewer answers about a paper at a stage, and why."""
        particular = self.papers.get(doi or "", {}).get(stage)
        if particular is not None:
            return particular.answers[reviewer], particular.reason
        return self.usual[stage].answer, self.usual[stage].reason

    def adjudication(self, doi: str | None, stage: str) -> tuple[str, str]:
        """What the third person decides. Raises NotFound when the recorded review has no answer."""
        particular = self.papers.get(doi or "", {}).get(stage)
        if particular is None or particular.adjudicated is None:
            raise NotFound(f"the recorded review does not say how the conflict about {doi} at {stage} is decided")
        return particular.adjudicated, particular.reason

    def excluded_for(self, doi: str | None, stage: str) -> str | None:
        """For which of a stage's reasons a paper is excluded by those who do."""
        particular = self.papers.get(doi or "", {}).get(stage)
        return particular.excluded_for if particular is not None else None


class StageFigures(Part):
    entered: int
    advanced: int


class CycleFigures(Part):
    """A cycle ends on the day `clock`; `support` is by CMOC in the protocol's order."""

    clock: date
    support: list[int]


class DrillFigures(Part):
    """A retraction played on one paper; `flagged` counts CMOCs from 1 in the protocol's order."""

    doi: str
    reason: str
    support: list[int]
    flagged: list[int]


class Expected(Part):
    """expected.yaml: the figures that must come out."""

    review: str
    records: int
    stages: dict[str, StageFigures]
    links: int
    cycles: list[CycleFigures]
    drill: DrillFigures | None = None


class RecordedReview:
    """A review folder, read and checked: protocol.yaml, papers.yaml, screening.yaml, evidence.yaml, expected.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.protocol = _text(folder / "protocol.yaml")
        self.papers = folder / "papers.yaml"
        self.decisions = _read(folder / "screening.yaml", Decisions)
        self.evidence = _read(folder / "evidence.yaml", EvidenceFile)
        self.expected = _read(folder / "expected.yaml", Expected)
        self.review = self.expected.review

    def evidence_for(self, doi: str | None) -> Sequence[CodedFragment]:
        """The coded fragments of a paper."""
        return [coded for coded in self.evidence.evidence if coded.doi.lower() == doi]

    def cmocs_for(self, doi: str | None) -> list[str]:
        """The CMOCs a paper bears on, by its coded fragments."""
        return sorted({link.cmoc for coded in self.evidence_for(doi) for link in coded.links})


Model = TypeVar("Model", bound=BaseModel)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror}; a review folder holds it") from error


def _read(path: Path, model: type[Model]) -> Model:
    """A YAML file as `model`. Raises Invalid, naming the file and every place at fault."""
    try:
        return model.model_validate(yaml.safe_load(_text(path)))
    except yaml.YAMLError as error:
        raise Invalid(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        errors = [{"at": ".".join(map(str, item["loc"])), "why": item["msg"]} for item in error.errors()]
        raise Invalid(f"{path} is not as it should be", errors) from error
