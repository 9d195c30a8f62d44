"""Ballots: what a form says of a task, as the API takes it, and how a card's form is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from services.web import drawing
from services.web.faults import Labels
from services.web.page import Asked
from services.web.shortcuts import OF_REASONS, keys_of
from shared.errors import Invalid
from shared.events.screening import VoteCast
from shared.events.stages import Answer
from shared.wire.screening import TaskForm, TaskInHand

#: What is said of a lease under which nothing can be answered any more: the next card is shown, with why.
GONE = {
    "already_voted", "lease_ended", "lease_freed", "lease_lapsed", "lease_released", "not_in_hand", "task_closed",
    "task_parked", "task_withdrawn", "unknown_lease", "unknown_task",
}  # fmt: skip


def ballot_of(asked: Asked, held: TaskInHand | TaskForm) -> dict[str, Any]:
    """What was filled in of a task's form. Raises Invalid for what is no number where one is asked for."""
    return {
        "answer": asked.text("answer"),
        "reason": asked.text("reason") or None,
        "fields": _fields(asked, held),
        "excluded_for": asked.text("excluded_for") or None,
        "judged_for": asked.texts("judged_for"),
    }


def _fields(asked: Asked, held: TaskInHand | TaskForm) -> dict[str, str | float | list[str]]:
    """The stage's own fields; what is empty is not given."""
    given: dict[str, str | float | list[str]] = {}
    for field in held.fields:
        name = f"field.{field.name}"
        if field.kind in ("choices", "cmocs"):
            value: str | float | list[str] = asked.texts(name)
        elif field.kind == "number":
            value = _number(f"fields.{field.name}", asked.text(name))
        else:
            value = asked.text(name)
        if value not in ("", []):
            given[field.name] = value
    return given


def _number(name: str, text: str) -> float | str:
    if not text:
        return ""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Invalid.of(name, drawing.text("screen.no_number"))
    return int(number) if number.is_integer() else number


def filled_by(look: VoteCast) -> FormData:
    """A form as somebody filled it in before, but for the reason, which is of a decision of its own."""
    fields = [
        (f"field.{name}", str(one))
        for name, value in look.fields.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    judged = [("judged_for", cmoc) for cmoc in look.judged_for]
    return FormData([*fields, *judged, ("excluded_for", look.excluded_for or "")])


def tags_of(asked: Asked, held: TaskInHand) -> dict[str, str]:
    """The tags that were filled in, as text, which the API takes of numbers too; what is empty is not given."""
    given = {tag.name: asked.text(f"tags.{tag.name}") for tag in held.tags}
    return {name: text for name, text in given.items() if text}


def letters(asked: Asked, answers: Sequence[Answer]) -> Mapping[str, str]:
    """The key of each answer, as whoever asks chose them."""
    return keys_of(asked).of(answers, but=OF_REASONS)


def labels_of(task: TaskInHand | TaskForm | None) -> Labels:
    """How each place of a form that the API names is called on the card, and what its values are called there."""
    if task is None:
        return Labels()
    fields = {f"fields.{field.name}": (field.label, f"field.{field.name}") for field in task.fields}
    tags = task.tags if isinstance(task, TaskInHand) else []
    return Labels(
        {
            "excluded_for": (drawing.text("screen.excluded_for"), "excluded_for"),
            "judged_for": (drawing.text("screen.judged_for"), "judged_for"),
            "reason": (drawing.text("screen.reason"), "reason"),
            "parked_for": (drawing.text("screen.park_for"), "parked_for"),
            "until": (drawing.text("screen.park_until"), "until"),
            "note": (drawing.text("screen.note"), "note"),
            **fields,
            **{f"tags.{tag.name}": (tag.label, f"tags.{tag.name}") for tag in tags},
        },
        {reason.value: reason.label for reason in task.reasons},
    )


def asks_for(task: TaskInHand | TaskForm) -> dict[str, str]:
    """What each answer must have beside it, as the names of fields: a form that lacks one of them is refused."""
    return {answer.value: " ".join(_asked_by(task, answer)) for answer in task.answers}


def _asked_by(task: TaskInHand | TaskForm, answer: Answer) -> Iterator[str]:
    if answer.reason_required:
        yield "reason"
    if task.reasons and answer.leads_to == "exclude":
        yield "excluded_for"
    if task.judged_for and answer.leads_to == "advance":
        yield "judged_for"
    yield from (f"field.{field.name}" for field in task.fields if field.required)
