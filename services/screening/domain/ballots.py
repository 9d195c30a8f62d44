"""What a ballot must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.screening.domain.stages import answer_named
from shared.events.stages import FormField, Stage

#: The longest text a form field takes, in characters.
LONGEST_TEXT = 5000


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a person fills in: an answer of the stage, a reason, and the stage's own fields by name."""

    answer: str
    reason: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a ballot: its place, a sentence, and a slug for programs."""

    at: str
    why: str
    slug: str


def faults(stage: Stage, ballot: Ballot, cmocs: Collection[str], *, deciding: bool = False) -> list[Fault]:
    """Everything wrong with a ballot. A `deciding` one, an adjudicator's, must decide and say why."""
    found = [*_answer_faults(stage, ballot, deciding)]
    declared = {form_field.name: form_field for form_field in stage.fields}
    for name in ballot.fields:
        if name not in declared:
            known = ", ".join(declared) or "none"
            found.append(
                Fault(f"fields.{name}", f"stage {stage.name!r} has no such field; it has: {known}", "unknown_field")
            )
    for name, form_field in declared.items():
        found += _field_faults(form_field, ballot.fields.get(name), cmocs)
    return found


def _answer_faults(stage: Stage, ballot: Ballot, deciding: bool) -> list[Fault]:
    answer = answer_named(stage, ballot.answer)
    if answer is None:
        values = ", ".join(known.value for known in stage.answers)
        return [
            Fault(
                "answer",
                f"{ballot.answer!r} is no answer of stage {stage.name!r}; give one of: {values}",
                "unknown_answer",
            )
        ]
    found = []
    if deciding and answer.leads_to == "adjudicate":
        found.append(
            Fault("answer", f"{ballot.answer!r} asks for an adjudicator again; this is the decision", "undecided")
        )
    if (deciding or answer.reason_required) and not ballot.reason:
        found.append(Fault("reason", f"say why: the answer {ballot.answer!r} needs a reason here", "missing_reason"))
    return found


def _field_faults(form_field: FormField, value: Any, cmocs: Collection[str]) -> list[Fault]:
    at = f"fields.{form_field.name}"
    takes_one = form_field.kind in ("text", "choice")
    if value is None or value == ("" if takes_one else []):
        return (
            [Fault(at, f"{form_field.label}: this must be filled in", "missing_field")] if form_field.required else []
        )
    if takes_one:
        if isinstance(value, list):
            return [Fault(at, f"takes one value, as text; this is a list of {len(value)}", "wrong_kind")]
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            return [Fault(at, f"must be text of at most {LONGEST_TEXT} characters", "wrong_kind")]
        return _option_faults(at, [value], form_field.options) if form_field.kind == "choice" else []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return [Fault(at, "must be a list of texts, none of them twice", "wrong_kind")]
    twice = [item for item, times in Counter(value).items() if times > 1]
    if twice:
        return [Fault(at, f"{', '.join(map(repr, twice))} is given twice", "wrong_kind")]
    if form_field.kind == "choices":
        return _option_faults(at, value, form_field.options)
    unknown = [item for item in value if item not in cmocs]
    return [Fault(at, f"this review has no CMOC {', '.join(map(repr, unknown))}", "unknown_cmoc")] if unknown else []


def _option_faults(at: str, values: Sequence[str], options: Sequence[str]) -> list[Fault]:
    unknown = [value for value in values if value not in options]
    return (
        [Fault(at, f"{', '.join(map(repr, unknown))}: choose from {', '.join(options)}", "unknown_option")]
        if unknown
        else []
    )
