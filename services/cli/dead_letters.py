"""`living dead-letters`: what never worked as it was, and trying it again."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.context import client
from services.cli.printing import AsJson, out, print_json, print_rows
from shared.client.operations import SERVICES

app = typer.Typer(help="Dead letters: deliveries set aside with their reason.", no_args_is_help=True)


@app.command("list")
def list_(
    service: Annotated[list[str] | None, typer.Option(help="Only this service's (repeatable).")] = None,
    state: Annotated[str, typer.Option(help="waiting or retried.")] = "waiting",
    as_json: AsJson = False,
) -> None:
    """List dead letters with their reasons."""
    with client() as living:
        letters = {name: list(living.operations.dead_letters(name, state)) for name in service or SERVICES}
    if as_json:
        print_json(letters)
        return
    rows = [(name, letter) for name, some in letters.items() for letter in some]
    columns = [
        ("service", lambda row: row[0]),
        ("letter", lambda row: row[1].id),
        ("event", lambda row: row[1].type),
        ("place", lambda row: f"{row[1].topic}/{row[1].partition}@{row[1].offset}"),
        ("reason", lambda row: row[1].reason),
    ]
    print_rows(rows, columns, as_json=False, empty=f"no dead letters are {state}")  # type: ignore[type-var]


@app.command()
def retry(
    service: Annotated[str, typer.Argument(help="The service that set it aside.")],
    letter: Annotated[str, typer.Argument(help="The dead letter's id.")],
) -> None:
    """Try a dead letter again now; it stays, with its reason, when it still will not work."""
    with client() as living:
        done = living.operations.retry_dead_letter(service, letter)
    out.print(f"{done.id}: {done.state}")
