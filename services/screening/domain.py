"""The rules of screening, pure: who is admitted, what a ballot must hold, what votes decide, how far people agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shared.events.protocol import Answer, FormField, Protocol, Stage
from shared.events.values import earliest_day, latest_day
from shared.states import States
from shared.wire.screening import Ended, Kind, RecordState, TaskState

Outcome = Literal["advance", "exclude"]


class RecordStates(States[RecordState]):
    """A record's way through the stages."""

    SCREENING: Final = "screening"
    INCLUDED: Final = "included"
    EXCLUDED: Final = "excluded"
    MERGED: Final = "merged"

    what = "record"
    moves = {
        (None, SCREENING): "it is discovered",
        (None, EXCLUDED): "a rule of the protocol keeps it out",
        (SCREENING, SCREENING): "it passes a stage, or goes back to one",
        (SCREENING, INCLUDED): "it passes the last stage",
        (SCREENING, EXCLUDED): "a stage decides so, or a rule of an amended protocol",
        (EXCLUDED, SCREENING): "the dates that kept it out admit it now, or votes that led it out were one person's",
        (INCLUDED, SCREENING): "votes that led it on were one person's",
        (SCREENING, MERGED): "it is the same work as another",
        (INCLUDED, MERGED): "it is the same work as another",
        (EXCLUDED, MERGED): "it is the same work as another",
        (MERGED, SCREENING): "it turns out to be a work of its own, about which nothing was decided",
        (MERGED, INCLUDED): "it turns out to be a work of its own, which was included",
        (MERGED, EXCLUDED): "it turns out to be a work of its own, which was excluded",
    }


class TaskStates(States[TaskState]):
    """A stage's question about a record."""

    OPEN: Final = "open"
    CONFLICT: Final = "conflict"
    ADVANCED: Final = "advanced"
    EXCLUDED: Final = "excluded"
    WITHDRAWN: Final = "withdrawn"

    #: Those in which people are asked, and those in which their answer stands.
    WAITING = (OPEN, CONFLICT)
    DECIDED = (ADVANCED, EXCLUDED)

    what = "task"
    moves = {
        (None, OPEN): "its record reaches the stage",
        (OPEN, CONFLICT): "its votes part, or ask for a third person, or what is one with it passed the stage",
        (OPEN, ADVANCED): "its votes lead on",
        (OPEN, EXCLUDED): "its votes lead out",
        (CONFLICT, ADVANCED): "an adjudicator decides",
        (CONFLICT, EXCLUDED): "an adjudicator decides, or what passed the stage is another record again",
        (OPEN, WITHDRAWN): "its record is merged, kept out by a rule, or goes back to an earlier stage",
        (CONFLICT, WITHDRAWN): "its record is merged, or goes back to an earlier stage",
        (WITHDRAWN, OPEN): "its record is admitted again, or comes by again",
        (CONFLICT, OPEN): "votes on it were one person's",
        (ADVANCED, OPEN): "votes on it were one person's",
        (EXCLUDED, OPEN): "votes on it were one person's, its record comes by again, or is one with what passed here",
    }


class LeaseStates(States[Ended]):
    """A slot of a task that is kept for a person: nothing while it lives, then how it ended."""

    VOTED: Final = "voted"
    RELEASED: Final = "released"
    LAPSED: Final = "lapsed"
    WITHDRAWN: Final = "withdrawn"

    what = "lease"
    column = "ended"
    moves = {
        (None, VOTED): "its person votes",
        (None, RELEASED): "its person gives it back",
        (None, LAPSED): "its time is over",
        (None, WITHDRAWN): "its task needs no vote any more",
    }


#: The kinds of leases: to screen a record, and to decide a conflict.
TO_SCREEN: Final = "screening"
TO_DECIDE: Final = "conflict"

#: The state of a task in which each kind of lease is taken.
ASKED_IN: Mapping[Kind, TaskState] = {TO_SCREEN: TaskStates.OPEN, TO_DECIDE: TaskStates.CONFLICT}

#: The rules by which a protocol's dates keep a record out.
DATE_RULES = ("published_after", "published_until")

#: The rule that is told of a record which lives on in another.
MERGED_RULE = "merged"

#: The longest text a form field takes, in characters.
LONGEST_TEXT = 5000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a protocol leaves a record out before anyone looks."""

    rule: str
    reason: str


def refusal(protocol: Protocol, published: str | None) -> Refusal | None:
    """The date criterion: refused only when no day the partial date may mean lies within the dates.

    `published_after` means strictly later than that day. Without a date that we can use (none at all, or a
    placeholder such as 9999), people decide.
    """
    first, last = (earliest_day(published), latest_day(published)) if published else (None, None)
    if first is None or last is None:
        return None
    after, until = protocol.published_after, protocol.published_until
    if after is not None and last <= after:
        return Refusal("published_after", f"published {published}; the protocol takes what appeared after {after}")
    if until is not None and first > until:
        return Refusal("published_until", f"published {published}; the protocol takes what appeared until {until}")
    return None


def next_stage(protocol: Protocol, passed: Collection[str]) -> Stage | None:
    """The first stage a record has not passed; None when it has passed them all."""
    return next((stage for stage in protocol.stages if stage.name not in passed), None)


def stage_named(protocol: Protocol, name: str) -> Stage | None:
    return next((stage for stage in protocol.stages if stage.name == name), None)


def answer_named(stage: Stage, value: str) -> Answer | None:
    return next((answer for answer in stage.answers if answer.value == value), None)


def decisions(stage: Stage) -> list[Answer]:
    """The answers that decide a conflict: those that ask for no adjudicator again, each with its reason."""
    deciding = (answer for answer in stage.answers if answer.leads_to != "adjudicate")
    return [answer.model_copy(update={"reason_required": True}) for answer in deciding]


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


@dataclass(frozen=True, slots=True)
class Decision:
    """What a stage decides about a record: the answer that stands, and where it leads."""

    answer: str
    outcome: Outcome


def decide(stage: Stage, answers: Sequence[str]) -> Decision | None:
    """What independent votes decide together; None is a conflict.

    All must lead to the same outcome, and none to an adjudicator. When different answers lead to the same
    outcome, the most doubtful one stands: the one nearest, in the protocol's order of answers, to an answer
    that leads elsewhere (of `thin` out, `moderate`, `rich`: moderate and rich make moderate; of `credible`,
    `caution`, `not_credible` out: credible and caution make caution); of two as near, the one listed first.
    """
    leads_to = {stage_answer.value: stage_answer.leads_to for stage_answer in stage.answers}
    outcomes = {leads_to[answer] for answer in answers}
    if len(outcomes) != 1:
        return None
    (outcome,) = outcomes
    if outcome == "adjudicate":
        return None
    order = list(leads_to)
    elsewhere = [index for index, value in enumerate(order) if leads_to[value] != outcome]

    def doubt(answer: str) -> tuple[int, int]:
        index = order.index(answer)
        return min((abs(index - other) for other in elsewhere), default=0), index

    return Decision(min(answers, key=doubt), outcome)


def decision_of(stage: Stage, value: str) -> Decision | None:
    """What one answer alone decides, as an adjudicator's does; None when there is no such answer, or it asks
    for an adjudicator."""
    answer = answer_named(stage, value)
    if answer is None or answer.leads_to == "adjudicate":
        return None
    return Decision(value, answer.leads_to)


def reason_given(answer: str, reasons: Sequence[str | None]) -> str:
    """The reason told for an exclusion: those people gave, each once, or the answer itself."""
    given = list(dict.fromkeys(reason for reason in reasons if reason))
    return "; ".join(given) or f"answered {answer!r}"


def standing(notices: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The notices that stand, oldest first: a reinstatement clears those before it, a drill's only a drill's."""
    left: list[Mapping[str, Any]] = []
    for notice in notices:
        if notice["kind"] == "reinstatement":
            left = [earlier for earlier in left if earlier["drill"] != notice["drill"]]
        else:
            left.append(notice)
    return left


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far pairs of independent votes agree. `kappa` is None where chance alone would explain everything."""

    n: int
    agreed: int
    observed: float | None
    expected: float | None
    kappa: float | None


def agreement(pairs: Mapping[tuple[str, str], int]) -> Agreement:
    """Raw agreement and Cohen's kappa of `pairs`: (first rater's answer, second rater's) -> how often.

    kappa = (observed - expected) / (1 - expected), the expected agreement being that of independent raters
    with these margins (Cohen 1960, A coefficient of agreement for nominal scales, Educational and
    Psychological Measurement 20:37-46). Read it with the counts: at one per cent prevalence it misleads.
    """
    n = sum(pairs.values())
    agreed = sum(count for (first, second), count in pairs.items() if first == second)
    answers = {answer for pair in pairs for answer in pair}
    rows = {answer: sum(count for (first, _), count in pairs.items() if first == answer) for answer in answers}
    columns = {answer: sum(count for (_, second), count in pairs.items() if second == answer) for answer in answers}
    by_chance = sum(rows[answer] * columns[answer] for answer in answers)
    if n == 0:
        return Agreement(0, 0, None, None, None)
    # Whole numbers up to the last division, so that perfect agreement is exactly 1.
    kappa = (n * agreed - by_chance) / (n * n - by_chance) if by_chance < n * n else None
    return Agreement(n, agreed, agreed / n, by_chance / (n * n), kappa)
