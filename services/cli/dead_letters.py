"""`living dead-letters`: what never worked as it was, and trying it again."""

from __future__ import annotations

import click

from services.cli.commands import AS_JSON, Group, argument, option
from services.cli.context import client
from services.cli.printing import out, print_json, print_rows
from shared.client.operations import SERVICES

app = Group(help="Deliveries set aside with their reason, and trying them again.")


@app.command("list", example="living dead-letters list --service screening")
@option("--service", multiple=True, type=click.Choice(SERVICES), help="Only this service's (repeatable).")
@option("--state", default="waiting", type=click.Choice(["waiting", "retried"]), help="Which.")
@AS_JSON
def list_(service: tuple[str, ...], state: str, as_json: bool) -> None:
    """List dead letters with their reasons."""
    with client("admin") as living:
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
    print_rows(rows, columns, as_json=False, empty=f"no dead letters are {state}")


@app.command("retry", example="living dead-letters retry screening dead_01a2...")
@argument("service", "The service that set it aside.", type=click.Choice(SERVICES))
@argument("letter", "The dead letter's id.")
def retry(service: str, letter: str) -> None:
    """Try a dead letter again now; it stays, with its reason, when it still will not work."""
    with client("admin") as living:
        done = living.operations.retry_dead_letter(service, letter)
    out.print(f"{done.id}: {done.state}")
