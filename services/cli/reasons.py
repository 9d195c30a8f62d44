"""For which reasons records are out, as the funnel counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.wire.screening import StageFunnel


def out_for(stage: StageFunnel) -> str:
    """For which of its reasons how many are out at a stage; a platform of before tells none."""
    return ", ".join(f"{reason} {n}" for reason, n in getattr(stage, "excluded_for", {}).items())


def out(stage: StageFunnel) -> str:
    """How many are out, and for which reasons."""
    return f"{stage.excluded} ({out_for(stage)})" if out_for(stage) else str(stage.excluded)
