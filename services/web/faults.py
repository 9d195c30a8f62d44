"""Faults: what the API says is wrong with what somebody sent, by field, as the page calls that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.errors import LivingError

#: Which one of several a place within them is of.
_ONE_OF_SEVERAL = re.compile(r"\.(\d+)\.")


@dataclass(frozen=True)
class Labels:
    """What a page calls the fields of a form, each with where it stands; and values that it shows by a label."""

    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


def errors_of(error: LivingError | None) -> list[dict[str, str]]:
    """What is wrong, by field, as forms name theirs; '' where it is no field's fault."""
    if error is None:
        return []
    errors = error.extra.get("errors") or [{"at": "", "why": error.detail}]
    return [fault | {"at": _field_of(fault["at"])} for fault in errors]


def labelled(errors: Sequence[Mapping[str, str]], labels: Labels) -> list[dict[str, str]]:
    """The same, each at the field as its page calls it, and of values that it shows by a label that."""
    return [_labelled(fault, labels) for fault in errors]


def _field_of(at: str) -> str:
    """A place that the API names, as a form has it: `body.links.0.cmoc` is `links[0].cmoc`."""
    return _ONE_OF_SEVERAL.sub(r"[\1].", at.removeprefix("body.").removeprefix("query."))


def _labelled(fault: Mapping[str, str], labels: Labels) -> dict[str, str]:
    known = labels.fields.get(fault["at"])
    if known is None:
        return {**fault}
    before, one_of, values = fault["why"].partition("one of: ")
    said = [labels.values.get(value, value) for value in values.split(", ")] if one_of else []
    return {**fault, "label": known[0], "to": known[1], "why": before + one_of + "; ".join(said)}
