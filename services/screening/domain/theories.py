"""Which changes of a theory make an earlier exclusion for it wrong."""

from __future__ import annotations

from collections.abc import Mapping

from shared.events.protocol import Protocol
from shared.events.synthesis import Happened, TheoryChanged

#: What gives a CMOC other words, or has it be in the protocol again. What changes its evidence, or its status by that,
#: does not change what a record was judged for.
REOPENING: tuple[Happened, ...] = ("proposed", "refined", "reinstated")

_PARTS = ("theory", "context", "resource", "reasoning", "outcome")


def reopens(event: TheoryChanged) -> bool:
    """Whether what was excluded for a CMOC is to be judged again: it says something else now, and that is no drill. An
    evidence's reinstatement has no words."""
    return event.happened in REOPENING and event.after is not None and not event.drill


def says(protocol: Protocol, cmoc: str, wording: str) -> bool:
    """Whether a version of the protocol has a CMOC in these words: lines such as `context: ...`, of all its parts or of
    some."""
    parts: Mapping[str, str] = next((one.model_dump() for one in protocol.cmocs if one.id == cmoc), {})
    left = f"{wording}\n"
    for name in _PARTS:
        left = left.removeprefix(f"{name}: {parts.get(name)}\n")
    return not left


def is_about(judged_for: list[str] | None, cmoc: str) -> bool:
    """Whether a judgement is for a CMOC; one that names none is for all."""
    return not judged_for or cmoc in judged_for
