"""`living queue note`, `tag` and `notes`: what one notes of records for oneself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, argument, option
from services.cli.context import acting, client
from services.cli.held import TASK, task_of
from services.cli.printing import print_json, print_line, print_rows
from shared.errors import Invalid

if TYPE_CHECKING:
    from shared.wire.screening import NoteView


@click.command("note", cls=Command, example="living queue note shared-records lease_01a2... 'cites the first trial'")
@REVIEW
@TASK
@argument("text", "What you note, instead of what you noted before; '' takes it away.")
@AS_JSON
def note(review: str, task: str, text: str, as_json: bool) -> None:
    """Note something of a record for yourself. Others see it once they have voted there and it is decided."""
    with acting("noting", review) as living:
        kept = living.screening.note(review, task_of(living, review, task), text.strip() or None)
    _print(kept, as_json)


@click.command(
    "tag", cls=Command, example="living queue tag shared-records lease_01a2... --tag setting=town --tag size=12"
)
@REVIEW
@TASK
@option("--tag", "tags", multiple=True, help="name=value, as the stage's tags are called; repeat it for several.")
@AS_JSON
def tag(review: str, task: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Give a record tags for yourself, instead of those you gave it before. Others see them as they see a note."""
    given = _pairs(tags)
    with acting("tagging", review) as living:
        kept = living.screening.tag(review, task_of(living, review, task), given)
    _print(kept, as_json)


@click.command("notes", cls=Command, example="living queue notes shared-records --tag setting=town")
@REVIEW
@option("--task", help="What you may see of this task, others' notes too.")
@option("--stage", help="Only at this stage.")
@option("--tag", help="Only with this tag, as `name` or `name=value`.")
@AS_JSON
def notes(review: str, task: str | None, stage: str | None, tag: str | None, as_json: bool) -> None:
    """List your own notes and tags."""
    name, _, value = (tag or "").partition("=")
    with client() as living:
        if task is not None:
            rows = living.screening.notes_on(review, task)
        else:
            rows = list(living.screening.notes(review, stage, name or None, value or None))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("task", lambda row: row.task),
        ("record", lambda row: row.record),
        ("stage", lambda row: row.stage),
        ("by", lambda row: called(row.person)),
        ("note", lambda row: row.note),
        ("tags", lambda row: ", ".join(f"{name}={value}" for name, value in row.tags.items())),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing is noted")


def _print(kept: NoteView, as_json: bool) -> None:
    if as_json:
        print_json(kept)
    else:
        said = [*([kept.note] if kept.note else []), *(f"{name}={value}" for name, value in kept.tags.items())]
        print_line(f"{kept.record} at {kept.stage}: {', '.join(said) or 'nothing noted'}")


def _pairs(given: Sequence[str]) -> dict[str, str]:
    """`name=value` pairs. Raises Invalid for what is no pair."""
    pairs: dict[str, str] = {}
    for pair in given:
        name, _, value = pair.partition("=")
        if not name.strip() or not value.strip():
            raise Invalid(f"--tag {pair!r}: write it as name=value, or leave the tag out")
        pairs[name.strip()] = value.strip()
    return pairs


COMMANDS = (note, tag, notes)
