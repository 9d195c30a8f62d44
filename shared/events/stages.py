"""The stages of a protocol: what each asks, the answers to it, and the form that goes with them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

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


#: How a stage comes from its votes to a decision (docs/stages.md): `third_person` has an adjudicator decide where votes
#: part, `consensus` the voters themselves; `include_if_any` and `exclude_if_all` go by the votes alone.
Reconciliation = Literal["third_person", "consensus", "include_if_any", "exclude_if_all"]

THIRD_PERSON: Final = "third_person"
CONSENSUS: Final = "consensus"


class Stage(Part):
    """One stage of screening or appraisal: `votes` independent answers, then a decision, to which `reconciliation` says
    how they lead. Of `double_screened` per cent of the records there are so many votes, of the others one."""

    name: Slug
    question: Text
    votes: Annotated[int, Field(ge=1, le=9)] = 2
    answers: Annotated[list[Answer], Field(min_length=2, max_length=20)]
    fields: list[FormField] = []
    adjudicators: Literal["adjudicator", "lead", "admin"] = "adjudicator"
    reconciliation: Reconciliation = Field(default=THIRD_PERSON, exclude_if=lambda mode: mode == THIRD_PERSON)
    double_screened: Annotated[int, Field(ge=1, le=99)] | None = Field(
        default=None, exclude_if=lambda percent: percent is None
    )
