"""The flow of records in lines, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.wire.screening import Flow, FlowFigures, FlowView, StageFlow

#: How a source is called that was not kept.
UNKNOWN = "not kept"

#: How wide a terminal is at least that shows what each source brought beside the figures.
_WIDE = 80


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of the flow: all of its records, and of these how many each column of the diagram has. What is
    identified, and duplicates, are the sources' own records."""

    what: str
    found: Flow
    databases: int
    other_methods: int


def lines(found: FlowView) -> list[Line]:
    """What is counted in the order of the diagram."""
    texts = found.assessed_from if found.texts.sought.n else None
    databases, others = (dict(_lines(each, texts)) for each in (found.databases, found.other_methods))
    return [
        Line(what, each, *(column[what].n if what in column else 0 for column in (databases, others)))
        for what, each in _lines(found, texts)
    ]


def columns(found: FlowView, width: int) -> list[tuple[str, Callable[[Line], object]]]:
    """What a terminal so wide shows of each line; those of other methods only where there are any."""
    shown: list[tuple[str, Callable[[Line], object]]] = [("what", lambda line: line.what)]
    if found.other_methods.identified.sources:
        shown += [("databases", lambda line: line.databases), ("other methods", lambda line: line.other_methods)]
    shown.append(("records", lambda line: line.found.n))
    if width >= _WIDE:
        shown.append(("by source", lambda line: _by_source(line.found)))
    return shown


def _by_source(found: Flow) -> str:
    return ", ".join(f"{name or UNKNOWN} {n}" for name, n in found.sources.items())


def _before(stage: StageFlow) -> Iterator[tuple[str, Flow]]:
    """What a file says was decided before; a platform of before applies none of it."""
    for what, before in (("passed", "passed_before"), ("excluded", "excluded_before")):
        counted = getattr(stage, before, None)
        if counted is not None and counted.n:
            yield f"{stage.stage}: {what}, decided before", counted


def _lines(found: FlowFigures, texts_before: str | None) -> Iterator[tuple[str, Flow]]:
    yield "identified", found.identified
    yield "duplicates removed", found.duplicates
    for rule, kept_out in found.kept_out.items():
        yield f"kept out: {rule}", kept_out
    for stage in found.stages:
        if stage.stage == texts_before:
            yield "reports sought", found.texts.sought
            yield "reports not retrieved", found.texts.not_retrieved
            yield "reports without a copy here", found.texts.awaited
        yield f"{stage.stage}: reached", stage.reached
        yield f"{stage.stage}: excluded", stage.excluded
        for reason, excluded in stage.excluded_for.items():
            yield f"{stage.stage}: excluded for {reason}", excluded
        yield f"{stage.stage}: waiting", stage.waiting
        yield from _before(stage)
    yield "included", found.included
