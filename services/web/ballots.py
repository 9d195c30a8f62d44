"""Ballots: what a form says of a task, as the API takes it, and how a card's form is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from services.web import drawing
from services.web.page import Asked
from shared.errors import Invalid, LivingError
from shared.events.screening import VoteCast
from shared.wire.screening import TaskInHand

#: What is said of a lease under which nothing can be answered any more: the next card is shown, with why.
GONE = {
    "already_voted", "lease_ended", "lease_freed", "lease_lapsed", "lease_released", "not_in_hand", "task_closed",
    "task_parked", "task_withdrawn", "unknown_lease", "unknown_task",
}  # fmt: skip

#: Keys that are something else's than an answer's.
_KEPT = {"park": "p", "skip": "s", "undo": "z", "note": "n", "marks": "w"}

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def ballot_of(asked: Asked, held: TaskInHand) -> dict[str, Any]:
    """What was filled in of a task's form. Raises Invalid for what is no number where one is asked for."""
    return {
        "answer": asked.text("answer"),
        "reason": asked.text("reason") or None,
        "fields": _fields(asked, held),
        "excluded_for": asked.text("excluded_for") or None,
        "judged_for": asked.texts("judged_for"),
    }


def _fields(asked: Asked, held: TaskInHand) -> dict[str, str | float | list[str]]:
    """The stage's own fields; what is empty is not given."""
    given: dict[str, str | float | list[str]] = {}
    for field in held.fields:
        name = f"field.{field.name}"
        if field.kind in ("choices", "cmocs"):
            value: str | float | list[str] = asked.texts(name)
        elif field.kind == "number":
            value = _number(field.name, asked.text(name))
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
        raise Invalid.of(f"fields.{name}", drawing.text("screen.no_number"))
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


def letters(task: TaskInHand) -> Mapping[str, str]:
    """The letter of each answer: the first of its own that nothing else has. There are at most twenty answers."""
    taken = {*_KEPT.values()}
    found: dict[str, str] = {}
    for answer in task.answers:
        letter = next(one for one in (*answer.value.lower(), *_LETTERS) if one in _LETTERS and one not in taken)
        taken.add(letter)
        found[answer.value] = letter
    return found


def errors_of(error: LivingError | None) -> list[dict[str, str]]:
    """What is wrong, by field; '' where it is no field's fault."""
    if error is None:
        return []
    errors = error.extra.get("errors") or [{"at": "", "why": error.detail}]
    return [fault | {"at": fault["at"].removeprefix("body.")} for fault in errors]
