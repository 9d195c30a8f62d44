"""The stages of a protocol: what each asks, the answers to it, and the form that goes with them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.events.parts import Part, Slug, Text

#: After how many leases that came to nothing a task is parked, where a stage says nothing else.
PARKS_AFTER = 3


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


class Tag(Part):
    """One thing that people may note of a record for themselves: free text, a number, or one of `options`."""

    name: Slug
    label: Text
    kind: Literal["free", "number", "choice"] = "free"
    options: list[Text] = []


class Stage(Part):
    """One stage of screening or appraisal: `votes` independent answers, then a decision."""

    name: Slug
    question: Text
    votes: Annotated[int, Field(ge=1, le=9)] = 2
    answers: Annotated[list[Answer], Field(min_length=2, max_length=20)]
    fields: list[FormField] = []
    adjudicators: Literal["adjudicator", "lead", "admin"] = "adjudicator"
    #: After how many leases that came to nothing a task is parked.
    parks_after: Annotated[int, Field(ge=1, le=20, exclude_if=lambda times: times == PARKS_AFTER)] = PARKS_AFTER
    tags: Annotated[list[Tag], Field(max_length=50, exclude_if=lambda tags: not tags)] = []
