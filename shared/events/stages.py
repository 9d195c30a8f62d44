"""The stages of a protocol: what each asks, the answers to it, and the form that goes with them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.events.parts import Part, Slug, Text


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
    #: Cohen's kappa below which leads are told of two people who screen here.
    agreement_floor: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, exclude_if=lambda floor: floor is None
    )
