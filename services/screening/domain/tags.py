"""What a tag that somebody gives a record for themselves must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.screening.domain.ballots import Fault
from shared.events.stages import Stage, Tag


def tag_faults(stage: Stage, tags: Mapping[str, Any]) -> list[Fault]:
    """Everything wrong with the tags that somebody gives a record at a stage."""
    declared = {tag.name: tag for tag in stage.tags}
    known = ", ".join(declared) or "none"
    found = []
    for name, value in tags.items():
        at = f"tags.{name}"
        if name not in declared:
            found.append(Fault(at, f"stage {stage.name!r} has no such tag; it has: {known}", "unknown_tag"))
        elif why := _misfit(declared[name], value):
            found.append(Fault(at, why, "wrong_kind"))
    return found


def tags_kept(stage: Stage, tags: Mapping[str, Any]) -> dict[str, Any]:
    """Tags without a fault as they are kept: what is a number is one, also where it was given as text."""
    numbers = {tag.name for tag in stage.tags if tag.kind == "number"}
    return {name: _number(value) if name in numbers else value for name, value in tags.items()}


def _number(value: Any) -> int | float | None:
    """A number that somebody gave, or wrote; None for what is none."""
    if not isinstance(value, str):
        return int(value) if float(value).is_integer() else value
    written = re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", value, re.ASCII)
    return None if written is None else float(value) if written[1] else int(value)


def _misfit(tag: Tag, value: Any) -> str | None:
    """Why a value is none of a tag's."""
    if tag.kind == "number":
        return "takes a number" if _number(value) is None else None
    if not isinstance(value, str) or not value:
        return "takes a text"
    return f"choose from {', '.join(tag.options)}" if tag.kind == "choice" and value not in tag.options else None
