"""`living keys`: the keys that people and programs have, made and withdrawn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from services.cli import kept
from services.cli.commands import AS_JSON, Group, argument, option
from services.cli.context import acting
from services.cli.printing import err, minute, print_json, print_line, print_rows
from shared.errors import Unauthenticated
from shared.keys import PERSONS
from shared.tokens import SCOPES

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.people import KeyView, Withdrawal

app = Group(help="Keys: what people, and programs, ask with.")

#: Seconds in which a withdrawal mostly reaches the log.
_SOON = 5.0


@app.command("list", example="living keys list\nliving keys list --review shared-records")
@option("--review", help="Those that are for a review alone, whoever's they are; for its leads.")
@AS_JSON
def list_(review: str | None, as_json: bool) -> None:
    """List your keys, and those you made for programs: what each is for, and in which hour it was last used."""
    with acting("looking at keys", review or "REVIEW") as living:
        rows = list(living.people.keys() if review is None else living.people.keys_of(review))
    columns = [
        ("key", lambda row: row.id),
        ("name", lambda row: row.name),
        ("kind", lambda row: row.kind),
        ("review", lambda row: row.review if row.review not in (None, "*") else "all"),
        ("for", lambda row: ", ".join(row.scopes) if row.scopes is not None else "all you may"),
        ("last used", lambda row: minute(row.used_at) if row.used_at else "never"),
        ("ends", _end),
    ]
    print_rows(rows, columns, as_json=as_json, empty="there is no key")


@app.command(
    "make",
    example="living keys make 'my laptop'\n"
    "living keys make 'screening script' --review shared-records --for screen --for records\n"
    "living keys make 'dashboard' --review shared-records --program --for events",
)
@argument("name", "What it is called in the list of keys.")
@option("--review", help="The review it is for alone.")
@option(
    "--for",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    type=click.Choice(list(SCOPES)),
    help=f"What it is for (repeatable): {', '.join(SCOPES)}.",
)
@option("--program", is_flag=True, help="For a program that acts for nobody, and never decides.")
@option("--days", default=90, type=click.IntRange(1, 3650), help="Days until it ends.")
@AS_JSON
def make(name: str, review: str | None, scopes: tuple[str, ...], program: bool, days: int, as_json: bool) -> None:
    """Make a key; it is shown once. Without --for it may do all that you may.

    With --for a client acts for you by it, in your name, and each vote says by which key.
    """
    if program and not scopes:
        raise click.UsageError("a program's key is for something: say --for")
    asked: dict[str, object] = {"name": name, "days": days} | ({"scopes": list(scopes)} if scopes else {})
    with acting("making a key", review or "REVIEW", "lead" if program else "reader") as living:
        if program:
            made = living.people.make_program_key(review, asked)
        else:
            made = living.people.make_key(asked | ({"review": review} if review else {}))
    if as_json:
        print_json(made)
        return
    err.print(f"{made.id}, until {_end(made)}; it is shown once:", style="dim", highlight=False)
    click.echo(made.key)


@app.command("withdraw", example="living keys withdraw key_01a2...")
@argument("key", "The key's id, as `living keys list` shows it.")
@option("--review", help="As a lead: one that is for this review alone, whoever's it is.")
def withdraw(key: str, review: str | None) -> None:
    """Withdraw a key: within seconds nothing is done by it any more. An admin of all withdraws anybody's."""
    if key.startswith(PERSONS):
        key = kept.id_of(key)
    if not key.startswith("key_"):
        raise click.UsageError("give the key's id: `living keys list` shows it")
    with acting("withdrawing a key", review or "REVIEW") as living:
        say_withdrawn(living, living.people.withdraw_key(key, review), f"{key} is withdrawn")


def say_withdrawn(living: Client, withdrawal: Withdrawal, what: str) -> None:
    """Tells what was withdrawn, and whether every service hears of it by now."""
    until = time.monotonic() + _SOON
    while not withdrawal.everywhere and time.monotonic() < until:
        time.sleep(0.1)
        try:
            withdrawal = living.people.withdrawal(withdrawal.number)
        except Unauthenticated:
            print_line(f"{what}; it was the one asked by, so nobody tells you here when every service has heard of it")
            return
    if withdrawal.everywhere:
        print_line(f"{what}, for every service")
    else:
        print_line(f"{what}; the log does not take it now, so services go by older tokens for five minutes at most")


def _end(row: KeyView) -> str:
    if row.withdrawn_at:
        return f"withdrawn {minute(row.withdrawn_at)}"
    return minute(row.ends_at) if row.ends_at else "never"
