"""The flow of records in lines, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.wire.screening import Flow, FlowView, StageFlow

#: How a source is called that was not kept.
UNKNOWN = "not kept"


def lines(found: FlowView) -> list[tuple[str, Flow]]:
    """What is counted in the order of the diagram, each with its records."""
    return list(_lines(found))


def _before(stage: StageFlow) -> Iterator[tuple[str, Flow]]:
    """What a file says was decided before; a platform of before applies none of it."""
    for what, before in (("passed", "passed_before"), ("excluded", "excluded_before")):
        counted = getattr(stage, before, None)
        if counted is not None and counted.n:
            yield f"{stage.stage}: {what}, decided before", counted


def _lines(found: FlowView) -> Iterator[tuple[str, Flow]]:
    yield "identified", found.identified
    yield "duplicates removed", found.duplicates
    for rule, kept_out in found.kept_out.items():
        yield f"kept out: {rule}", kept_out
    for stage in found.stages:
        if stage.stage == found.assessed_from and found.texts.sought.n:
            yield "reports sought", found.texts.sought
            yield "reports not retrieved", found.texts.not_retrieved
            yield "reports awaited", found.texts.awaited
        yield f"{stage.stage}: reached", stage.reached
        yield f"{stage.stage}: excluded", stage.excluded
        for reason, excluded in stage.excluded_for.items():
            yield f"{stage.stage}: excluded for {reason}", excluded
        yield f"{stage.stage}: waiting", stage.waiting
        yield from _before(stage)
    yield "included", found.included
