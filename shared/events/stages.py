"""The stages of a protocol: what each asks, the answers to it, and the form that goes with them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from shared.events.bounds import KeptText
from shared.events.parts import Part, Slug, Text

#: After how many leases that came to nothing a task is parked, where a stage says nothing else.
PARKS_AFTER = 3
#: Reasons that a stage may have, so that each has a key of its own on any keyboard.
MOST_REASONS = 30
#: Items that a training set may have.
MOST_TRAINING = 200


def _is_none(value: Any) -> bool:
    return value is None


def _is_empty(value: Any) -> bool:
    return not value


class Answer(Part):
    """One answer a reviewer may give, and where it leads."""

    value: Slug
    leads_to: Literal["advance", "exclude", "adjudicate"]
    reason_required: bool = False


class FormField(Part):
    """One more thing a stage asks. `cmocs` is a list of this review's CMOC ids; a `number` is no less than `least` and
    no more than `most`. `help` says how to fill it in, `definition` what is meant by it."""

    name: Slug
    label: Text
    kind: Literal["text", "choice", "choices", "cmocs", "number"] = "text"
    options: list[Text] = []
    required: bool = False
    help: Text | None = Field(default=None, exclude_if=_is_none)
    definition: Text | None = Field(default=None, exclude_if=_is_none)
    least: Annotated[float, Field(allow_inf_nan=False)] | None = Field(default=None, exclude_if=_is_none)
    most: Annotated[float, Field(allow_inf_nan=False)] | None = Field(default=None, exclude_if=_is_none)


class Reason(Part):
    """One of the reasons for which a stage excludes; `help` says when it is the one to name."""

    value: Slug
    label: Text
    help: Text | None = Field(default=None, exclude_if=_is_none)


class Tag(Part):
    """One thing that people may note of a record for themselves: free text, a number, or one of `options`."""

    name: Slug
    label: Text
    kind: Literal["free", "number", "choice"] = "free"
    options: list[Text] = []


class TrainingItem(Part):
    """One item of a training set, which is no record: what people are shown, the `answer` that is right, `excluded_for`
    which of the stage's reasons, and `why`. `identifier` is a DOI or an address, as people read it."""

    id: Slug
    title: Text
    abstract: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), KeptText] | None
    ) = Field(default=None, exclude_if=_is_none)
    identifier: Text | None = Field(default=None, exclude_if=_is_none)
    answer: Slug
    excluded_for: Slug | None = Field(default=None, exclude_if=_is_none)
    why: Text | None = Field(default=None, exclude_if=_is_none)


#: How a stage comes from its votes to a decision (docs/stages.md): `third_person` has an adjudicator decide where votes
#: part, `consensus` the voters themselves; `include_if_any` and `exclude_if_all` go by the votes alone.
Reconciliation = Literal["third_person", "consensus", "include_if_any", "exclude_if_all"]

THIRD_PERSON: Final = "third_person"
CONSENSUS: Final = "consensus"


class Stage(Part):
    """One stage of screening or appraisal: `votes` independent answers, then a decision, to which `reconciliation` says
    how they lead. Of `double_screened` per cent of the records there are so many votes, of the others one.

    Where it has `reasons`, whoever excludes names one. One that is `judged_for` CMOCs asks for which; one that opens
    again `reopen_when_theory_changes` does so for what it excluded for a CMOC that says something else now; the full
    text is sought of what comes to one that `needs` it. Whoever votes here answers its `training` first.
    """

    name: Slug
    question: Text
    votes: Annotated[int, Field(ge=1, le=9)] = 2
    answers: Annotated[list[Answer], Field(min_length=2, max_length=20)]
    fields: list[FormField] = []
    adjudicators: Literal["adjudicator", "lead", "admin"] = "adjudicator"
    #: After how many leases that came to nothing a task is parked.
    parks_after: Annotated[int, Field(ge=1, le=20, exclude_if=lambda times: times == PARKS_AFTER)] = PARKS_AFTER
    tags: Annotated[list[Tag], Field(max_length=50, exclude_if=lambda tags: not tags)] = []
    reconciliation: Reconciliation = Field(default=THIRD_PERSON, exclude_if=lambda mode: mode == THIRD_PERSON)
    double_screened: Annotated[int, Field(ge=1, le=99)] | None = Field(default=None, exclude_if=_is_none)
    #: Cohen's kappa below which leads are told of two people who screen here.
    agreement_floor: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, exclude_if=lambda floor: floor is None
    )
    reasons: Annotated[list[Reason], Field(max_length=MOST_REASONS)] = Field(default=[], exclude_if=_is_empty)
    judged_for: Literal["cmocs"] | None = Field(default=None, exclude_if=_is_none)
    reopen_when_theory_changes: bool = Field(default=False, exclude_if=_is_empty)
    needs: Literal["full_text"] | None = Field(default=None, exclude_if=_is_none)
    training: Annotated[list[TrainingItem], Field(max_length=MOST_TRAINING)] = Field(default=[], exclude_if=_is_empty)


class Criteria(Part):
    """What makes a record eligible, and what does not, as people read it beside the record."""

    include: Annotated[list[Text], Field(max_length=50)] = []
    exclude: Annotated[list[Text], Field(max_length=50)] = []


#: A word or phrase that is marked wherever it stands in title and abstract.
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), KeptText]


class Highlights(Part):
    """The words that speak for a record and those that speak against it, marked where a record is shown."""

    include: Annotated[list[Word], Field(max_length=200)] = []
    exclude: Annotated[list[Word], Field(max_length=200)] = []
