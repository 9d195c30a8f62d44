"""Written: what somebody wrote in a form or an address as what it is, and what is wrong with it, by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.web import drawing
from services.web.page import Asked
from shared.errors import Invalid, LivingError, NotFound

#: Digits of a whole number that anybody means.
_LONGEST = 9


@dataclass(frozen=True)
class Labels:
    """What a page calls the fields of a form, each with where it stands; and values that it shows by a label."""

    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


def day_of(asked: Asked, name: str) -> date | None:
    """A day that the address asks for by this name; None where it asks for none. Raises Invalid, naming it."""
    return day_in(asked.query.get(name, "").strip(), name)


def day_in(given: str, at: str) -> date | None:
    """A day that somebody wrote; None for nothing. Raises Invalid, naming the field."""
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise Invalid.of(at, drawing.text("form.no_day")) from error


def whole(text: str, at: str, why: str | None = None) -> int:
    """A whole number, not below zero. Raises Invalid, naming the field, and `why` where it is a number of something."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        raise Invalid.of(at, why or drawing.text("form.no_whole"))
    return int(text)


def numbered(text: str) -> int:
    """The number of a revision or a version, as an address has it. Raises NotFound for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST and int(text)):
        raise NotFound(f"{text!r} is the number of nothing")
    return int(text)


def errors_of(error: LivingError | None) -> list[dict[str, str]]:
    """What is wrong, by field; '' where it is no field's fault."""
    if error is None:
        return []
    errors = error.extra.get("errors") or [{"at": "", "why": error.detail}]
    return [
        fault | {"at": fault["at"].removeprefix("body."), "why": drawing.without_terminals(str(fault["why"]))}
        for fault in errors
    ]


def labelled(errors: Sequence[Mapping[str, str]], labels: Labels) -> list[dict[str, str]]:
    """The same, each at the field as its page calls it, and of values that it shows by a label that."""
    return [_labelled(fault, labels) for fault in errors]


def _labelled(fault: Mapping[str, str], labels: Labels) -> dict[str, str]:
    known = labels.fields.get(fault["at"])
    if known is None:
        return {**fault}
    before, one_of, values = fault["why"].partition("one of: ")
    said = [labels.values.get(value, value) for value in values.split(", ")] if one_of else []
    return {**fault, "label": known[0], "to": known[1], "why": before + one_of + "; ".join(said)}
