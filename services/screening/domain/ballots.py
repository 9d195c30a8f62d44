"""What a ballot must hold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.screening.domain.stages import answer_named
from shared.events.stages import Answer, FormField, Stage

#: The longest text a form field takes, in characters.
LONGEST_TEXT = 5000


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a person fills in: an answer of the stage, a reason, and the stage's own fields by name; where it excludes,
    which of the stage's reasons it is `excluded_for`; the CMOCs that it is `judged_for`."""

    answer: str
    reason: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    excluded_for: str | None = None
    judged_for: Sequence[str] = ()

    @property
    def filled_in(self) -> dict[str, Any]:
        """The fields that say something; a 0 does."""
        return {name: value for name, value in self.fields.items() if value not in (None, "", [])}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a ballot: its place, a sentence, and a slug for programs."""

    at: str
    why: str
    slug: str


def faults(stage: Stage, ballot: Ballot, cmocs: Collection[str], *, deciding: bool = False) -> list[Fault]:
    """Everything wrong with a ballot. A `deciding` one, an adjudicator's, must decide and say why."""
    found = decision_faults(stage, ballot, cmocs, deciding=deciding)
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


def decision_faults(stage: Stage, ballot: Ballot, cmocs: Collection[str], *, deciding: bool = True) -> list[Fault]:
    """The same of all but the stage's own fields, which nobody fills in for many records at once."""
    found = [*_answer_faults(stage, ballot, deciding)]
    if (answer := answer_named(stage, ballot.answer)) is not None:
        found += _reason_faults(stage, answer, ballot.excluded_for)
        found += _judged_for_faults(stage, answer, ballot.judged_for, cmocs)
    return found


def faults_of_answer(stage: Stage, ballot: Ballot) -> list[Fault]:
    """What is wrong with an answer and the stage's reason for it, where nothing else is asked, as in a training set."""
    answer = answer_named(stage, ballot.answer)
    if answer is None:
        return _answer_faults(stage, ballot, deciding=False)
    return _reason_faults(stage, answer, ballot.excluded_for)


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


def _reason_faults(stage: Stage, answer: Answer, excluded_for: str | None) -> list[Fault]:
    """Whoever excludes names one of the stage's reasons, where it has any, and nobody else does."""
    at, values = "excluded_for", [reason.value for reason in stage.reasons]
    if excluded_for is None:
        if answer.leads_to != "exclude" or not values:
            return []
        return [Fault(at, f"say for which reason; give one of: {', '.join(values)}", "missing_reason")]
    if excluded_for not in values:
        known = f"has: {', '.join(values)}" if values else "has none"
        return [Fault(at, f"stage {stage.name!r} has no reason {excluded_for!r}; it {known}", "unknown_reason")]
    if answer.leads_to != "exclude":
        return [Fault(at, f"{answer.value!r} does not exclude; leave the reason out", "needless_reason")]
    return []


def _judged_for_faults(stage: Stage, answer: Answer, judged_for: Sequence[str], cmocs: Collection[str]) -> list[Fault]:
    """Who lets a record on names the CMOCs that it is for; one that is out may be so for some, or, with none, for
    all."""
    at = "judged_for"
    if stage.judged_for != "cmocs":
        return [Fault(at, f"stage {stage.name!r} is not judged for CMOCs", "unknown_field")] if judged_for else []
    if not judged_for and answer.leads_to == "advance":
        return [Fault(at, "name the CMOCs that it is judged for, one or more", "missing_field")]
    return _cmoc_faults(at, judged_for, cmocs)


def _field_faults(form_field: FormField, value: Any, cmocs: Collection[str]) -> list[Fault]:
    at = f"fields.{form_field.name}"
    takes_one = form_field.kind in ("text", "choice", "number")
    if value is None or value == ("" if takes_one else []):
        return (
            [Fault(at, f"{form_field.label}: this must be filled in", "missing_field")] if form_field.required else []
        )
    if takes_one:
        if isinstance(value, list):
            what = "number" if form_field.kind == "number" else "value, as text"
            return [Fault(at, f"takes one {what}; this is a list of {len(value)}", "wrong_kind")]
        if form_field.kind == "number":
            return _number_faults(at, form_field, value)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            return [Fault(at, f"must be text of at most {LONGEST_TEXT} characters", "wrong_kind")]
        return _option_faults(at, [value], form_field.options) if form_field.kind == "choice" else []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return [Fault(at, "must be a list of texts, none of them twice", "wrong_kind")]
    if form_field.kind == "choices":
        return _twice(at, value) or _option_faults(at, value, form_field.options)
    return _cmoc_faults(at, value, cmocs)


def _number_faults(at: str, form_field: FormField, value: Any) -> list[Fault]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return [Fault(at, "must be a number", "wrong_kind")]
    least, most = form_field.least, form_field.most
    if least is not None and value < least:
        return [Fault(at, f"must be {least:g} or more; this is {value:g}", "out_of_bounds")]
    if most is not None and value > most:
        return [Fault(at, f"must be {most:g} or less; this is {value:g}", "out_of_bounds")]
    return []


def _cmoc_faults(at: str, values: Sequence[str], cmocs: Collection[str]) -> list[Fault]:
    unknown = [value for value in values if value not in cmocs]
    why = f"this review has no CMOC {', '.join(map(repr, unknown))}"
    return _twice(at, values) or ([Fault(at, why, "unknown_cmoc")] if unknown else [])


def _twice(at: str, values: Sequence[str]) -> list[Fault]:
    twice = [item for item, times in Counter(values).items() if times > 1]
    return [Fault(at, f"{', '.join(map(repr, twice))} is given twice", "wrong_kind")] if twice else []


def _option_faults(at: str, values: Sequence[str], options: Sequence[str]) -> list[Fault]:
    unknown = [value for value in values if value not in options]
    return (
        [Fault(at, f"{', '.join(map(repr, unknown))}: choose from {', '.join(options)}", "unknown_option")]
        if unknown
        else []
    )
