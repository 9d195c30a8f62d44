"""`living queue looked-at` and `settle`: conflicts that one looked at and put back, decided many at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, argument, reason
from services.cli.context import acting
from services.cli.printing import counted, print_json, print_line, print_rows

if TYPE_CHECKING:
    from shared.wire.screening import LookedAtConflict


@click.command("looked-at", cls=Command, example="living queue looked-at shared-records")
@REVIEW
@AS_JSON
def looked_at(review: str, as_json: bool) -> None:
    """List the conflicts that you looked at and put back, with their votes and whether the forms agree.

    Needs your own key. Where the forms agree, `living queue settle` decides many at once.
    """
    with acting("looking at conflicts", review, "adjudicator") as living:
        rows = list(living.screening.looked_at_conflicts(review))
        called = called_in(living, review) if rows and not as_json else str
    columns: list[tuple[str, Callable[[LookedAtConflict], object]]] = [
        ("task", lambda row: row.task),
        ("stage", lambda row: row.stage),
        ("title", lambda row: row.title or ""),
        ("your look", lambda row: row.look.answer),
        ("votes", lambda row: ", ".join(f"{called(vote.person)}: {vote.answer}" for vote in row.votes)),
        ("settle", lambda row: row.refused.why if row.refused else "the forms agree"),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing that you looked at waits to be decided")


@click.command(
    "settle", cls=Command, example="living queue settle shared-records task_01a2... task_01a3... --reason 'we talked'"
)
@REVIEW
@argument("tasks", "Conflicts, by their tasks' ids: `living queue looked-at` lists them.", nargs=-1, required=True)
@reason("The resolution, which is kept with each of them.")
@AS_JSON
def settle(review: str, tasks: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Decide conflicts by the answer of your own first look at each, where their forms agree: at most 100 at once.

    Needs your own key. One that cannot be settled keeps no other: it says why, and the command ends with 1.
    """
    with acting("settling conflicts", review, "adjudicator") as living:
        done = living.screening.settle_conflicts(review, tasks, reason)
    if as_json:
        print_json(done)
    else:
        print_line(f"{counted(done.settled, 'conflict')} settled")
        for one in done.conflicts:
            if one.refused is not None:
                print_line(f"{one.task}: {one.refused.why}")
    if done.settled < len(done.conflicts):
        sys.exit(1)


COMMANDS = (looked_at, settle)
