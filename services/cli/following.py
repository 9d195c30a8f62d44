"""`living queue follow`: what happens in a review, line by line as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from services.cli.commands import AS_JSON, REVIEW, Command, option
from services.cli.context import client
from services.cli.printing import counted, err, print_json_line, print_line

if TYPE_CHECKING:
    from shared.wire.screening import Funnel, StageQueue
    from shared.wire.stream import Followed

#: What is said of a turn of a conflict.
_TURNS = {"opened": "is a conflict", "decided": "is decided", "ended": "is no conflict any more"}


@click.command("follow", cls=Command, example="living queue follow shared-records")
@REVIEW
@option("--after", help="Go on after this event, as --json shows its id.")
@option("--events", type=click.IntRange(min=1), help="End after so many events.")
@AS_JSON
def follow(review: str, after: str | None, events: int | None, as_json: bool) -> None:
    """Follow a review: how each stage stands, how far it is and what becomes of conflicts, until you press Ctrl-C.

    A lost connection comes back by itself, and nothing is missed meanwhile. Conflicts are shown to whoever may
    adjudicate.
    """
    with client() as living:
        for event in islice(living.screening.follow(review, after=after, lost=_say_lost), events):
            if as_json:
                print_json_line(event)
                continue
            for line in _lines(event):
                print_line(f"{datetime.now(UTC):%H:%M:%S}  {line}")


def _lines(event: Followed) -> Iterator[str]:
    if event.kind == "queue":
        yield from (_stage(stage) for stage in event.stages)
    elif event.kind == "progress":
        found = event.funnel
        # A platform of before counts only what was a record once.
        identified = getattr(found, "identified", found.discovered)
        yield (
            f"of {counted(identified, 'record')} found: {found.screening} in screening, {found.included} included, "
            f"{found.excluded} excluded{_gone(found)}"
        )
    elif event.kind == "conflict":
        yield f"{event.stage}: {event.task} {_TURNS.get(event.turn, event.turn)}"
    else:
        yield "what happened meanwhile is not kept: living queue conflicts shows what waits"


def _gone(found: Funnel) -> str:
    """What never came to be judged, or is one with another by now, where there is any."""
    duplicates, kept_out = getattr(found, "duplicates", found.merged), sum(found.by_rule.values())
    counts = ((duplicates, "duplicates"), (kept_out, "kept out by a rule"))
    return "".join(f", {n} {what}" for n, what in counts if n)


def _stage(stage: StageQueue) -> str:
    said = f"{stage.stage}: {stage.open} open, {stage.in_hand} in hand, {counted(stage.conflicts, 'conflict')}"
    return f"{said}, {stage.parked} parked, {stage.decided} decided"


def _say_lost(why: str) -> None:
    err.print(f"{why}; it is asked again")
