"""Study characteristics as a protocol asks for them: a form, answered once for each included study."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from shared.events.bounds import KeptText
from shared.events.parts import Part, Slug, Text

#: What a characteristic may be: words, one or some of its options, a number, a year, or yes or no.
Kind = Literal["text", "choice", "choices", "number", "year", "yes_no"]

#: Characteristics of a protocol, and options of one.
MOST_CHARACTERISTICS, MOST_OPTIONS = 60, 60

Option = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), KeptText]


def _is_empty(value: Any) -> bool:
    return value is None or value == []


class Characteristic(Part):
    """One thing that is asked of each included study, such as where it was done. A `number` is no less than `least` and
    no more than `most`; one that is `required` must be answered, if by saying that the reports do not tell. `help` says
    how to fill it in."""

    name: Slug
    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), KeptText]
    kind: Kind = "text"
    options: Annotated[list[Option], Field(max_length=MOST_OPTIONS)] = Field(default=[], exclude_if=_is_empty)
    required: bool = False
    help: Text | None = Field(default=None, exclude_if=_is_empty)
    least: Annotated[float, Field(allow_inf_nan=False)] | None = Field(default=None, exclude_if=_is_empty)
    most: Annotated[float, Field(allow_inf_nan=False)] | None = Field(default=None, exclude_if=_is_empty)


#: By which name a protocol takes the form below, which becomes part of that version as it is then.
USUAL: Final = "usual"

#: What reviews of this kind ask of each study (after PRISMA 2020, item 17, and RAMESES, item 13).
USUAL_FORM: Final = (
    Characteristic(
        name="objectives", label="Objectives", required=True,
        help="What the study set out to find, in a sentence of your own.",
    ),
    Characteristic(
        name="setting", label="Setting", required=True,
        help="Where it was done, and in what kind of service or organisation.",
    ),
    Characteristic(name="country", label="Country", help="Where it was done; several behind each other."),
    Characteristic(
        name="design", label="Design", kind="choice", required=True,
        options=[
            "Qualitative", "Quantitative", "Mixed methods", "Case study", "Trial", "Evaluation", "Review",
            "Policy document", "Opinion or theory", "Other",
        ],
        help="What it is in the main; say the rest under methods.",
    ),
    Characteristic(name="methods", label="Methods", help="How data were gathered and made sense of."),
    Characteristic(
        name="participants", label="Participants", required=True, help="Who took part, or whom it is about.",
    ),
    Characteristic(name="participants_number", label="Number of participants", kind="number", least=0),
    Characteristic(name="begun", label="Year in which it began", kind="year"),
)  # fmt: skip
