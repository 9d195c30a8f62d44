"""The events of protocol, and the protocol document itself: the plan that every other service reads."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.events.base import Event
from shared.events.bounds import Count, Id, KeptText

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$", max_length=64)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), KeptText]

#: The bibliographic sources that a strategy may name.
SourceName = Literal["openalex", "crossref", "pubmed", "europepmc"]


class Part(BaseModel):
    """A part of a protocol; a field nobody declared is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Strategy(Part):
    """How one source is searched: `query` in the source's own syntax, pulled every `every_days`.

    Each pull looks back `overlap_days` past the last one, since papers are indexed late.
    """

    id: Slug
    source: SourceName
    query: Text
    every_days: Annotated[int, Field(ge=1, le=3660)] = 7
    overlap_days: Annotated[int, Field(ge=0, le=3660)] = 14


class Answer(Part):
    """One answer a reviewer may give, and where it leads."""

    value: Slug
    leads_to: Literal["advance", "exclude", "adjudicate"]
    reason_required: bool = False


class FormField(Part):
    """One more thing a stage asks. `cmocs` is a list of this review's CMOC ids."""

    name: Slug
    label: Text
    kind: Literal["text", "choice", "choices", "cmocs"] = "text"
    options: list[Text] = []
    required: bool = False


class Stage(Part):
    """One stage of screening or appraisal: `votes` independent answers, then a decision."""

    name: Slug
    question: Text
    votes: Annotated[int, Field(ge=1, le=9)] = 2
    answers: Annotated[list[Answer], Field(min_length=2, max_length=20)]
    fields: list[FormField] = []
    adjudicators: Literal["adjudicator", "lead", "admin"] = "adjudicator"


class Definitions(Part):
    """The operational definitions, shown wherever people code."""

    context: Text
    mechanism: Text
    outcome: Text


class Theory(Part):
    """A programme theory: a heading and a statement that gathers CMOCs."""

    id: Slug
    heading: Text
    statement: Text


class Cmoc(Part):
    """A context-mechanism-outcome configuration, its four parts apart (Dalkin 2015)."""

    id: Slug
    theory: Slug
    context: Text
    resource: Text
    reasoning: Text
    outcome: Text
    lineage: list[Text] = []
    lineage_note: Text | None = None


class Protocol(Part):
    """One version of a review's plan.

    Records published after `published_after` and until `published_until` are screened; the sources are searched
    from `search_from` on, or from `published_after` where that is not given.
    """

    review: Slug
    title: Text
    question: Text
    published_after: date | None = None
    published_until: date | None = None
    search_from: date | None = None
    publish_every_days: Annotated[int, Field(ge=1, le=3660)] = 365
    definitions: Definitions
    strategies: Annotated[list[Strategy], Field(min_length=1, max_length=50)]
    stages: Annotated[list[Stage], Field(min_length=1, max_length=20)]
    theories: Annotated[list[Theory], Field(min_length=1, max_length=100)]
    cmocs: Annotated[list[Cmoc], Field(min_length=1, max_length=500)]


class VersionPublished(Event, type="protocol.version.published", key="review"):
    """A review has a new protocol version, whole; versions count from 1."""

    version: Count
    sha256: str
    protocol: Protocol
    published_by: Id
