"""`living queue training`: how people answered the training sets of a review's stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command
from services.cli.context import client
from services.cli.printing import print_json, print_rows

if TYPE_CHECKING:
    from shared.wire.training import PersonTraining


@click.command("training", cls=Command, example="living queue training shared-records")
@REVIEW
@AS_JSON
def training(review: str, as_json: bool) -> None:
    """How right people were in each stage's training set: for leads everybody, for others they themselves.

    Sensitivity is the share they did not exclude of the items that are not to be excluded, specificity the share they
    did exclude of the others. Only first answers count. `living screen` asks the items.
    """
    with client("lead") as living:
        stages = living.screening.training(review)
        called = called_in(living, review) if stages and not as_json else str
    if as_json:
        print_json(stages)
        return
    rows = [(stage, person) for stage in stages for person in stage.people]
    columns = [
        ("stage", lambda row: row[0].stage),
        ("who", lambda row: called(row[1].person)),
        ("answered", lambda row: f"{row[1].answered} of {row[0].size}"),
        ("right", lambda row: row[1].right),
        ("sensitivity", lambda row: _share(row[1].sensitivity)),
        ("specificity", lambda row: _share(row[1].specificity)),
        ("reasons right", lambda row: f"{row[1].reasons_right} of {row[1].reasons}" if row[1].reasons else ""),
        ("not right", lambda row: _astray(row[1])),
    ]
    print_rows(rows, columns, as_json=False, empty="nobody has answered an item of a training set that you may see")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _astray(found: PersonTraining) -> str:
    """What was answered by something else."""
    astray = [pair for pair in found.answers if pair.right != pair.answer]
    return ", ".join(f"{pair.right} as {pair.answer} {pair.n}" for pair in astray)


COMMANDS = (training,)
