"""`living db`: the services' databases against their migrations and their models."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from services.cli.commands import AS_JSON, Group, argument
from services.cli.context import nothing_in, settings
from services.cli.looking import looked_into
from services.cli.printing import out, print_json, print_rows
from shared.client.operations import SERVICES
from shared.errors import Conflict
from shared.private import sqlite_file

if TYPE_CHECKING:
    from shared.service import Service
    from shared.wire.operations import DatabaseState

app = Group(help="The services' databases: upgrade them, compare them with the models.")


@app.command("upgrade", example="living db upgrade\nliving db upgrade screening")
@argument("services", "Which services; all without any.", nargs=-1, type=click.Choice(SERVICES))
def upgrade(services: tuple[str, ...]) -> None:
    """Bring each service's database to the newest schema; makes what is not there."""
    from services.catalog import choose
    from shared.db import migrate
    from shared.db.engine import opened
    from shared.private import keep_private

    chosen = choose(services)
    for trouble in keep_private(settings()):
        click.echo(trouble, err=True)
    for service in chosen:
        with opened(settings().resolved(settings().database_url, service.name)) as database:
            migrate.upgrade(database, service)
            out.print(f"{service.name}: {migrate.current(database)}")


@app.command("check", example="living db check\nliving db check screening --json")
@argument("services", "Which services; all without any.", nargs=-1, type=click.Choice(SERVICES))
@AS_JSON
def check(services: tuple[str, ...], as_json: bool) -> None:
    """Compare each database with its migrations and its models; exits 1 when one differs. Writes nothing."""
    from services.catalog import BY_NAME, choose
    from services.cli.log import refusal_without

    states = [_state(service) for service in choose(services)]
    if not as_json and not services and all(state.revision is None for state in states):
        raise nothing_in(_where())
    columns = [
        ("service", lambda state: state.service),
        ("revision", lambda state: state.revision or "none"),
        ("newest", lambda state: state.newest),
        ("differences", lambda state: _summary(state.differences)),
    ]
    print_json(states) if as_json else print_rows(states, columns, as_json=False, empty="no services")
    away = [BY_NAME[state.service] for state in states if state.revision is None]
    refused = [why for why in map(refusal_without, away) if why is not None]
    if refused:
        raise Conflict("; ".join(refused), slug="database_older")
    if any(state.revision != state.newest or state.differences for state in states):
        raise Conflict(
            "a database is not as the models are: `living db upgrade` mends one that is missing or old; "
            "`living db check --json` lists every difference",
            slug="drift",
        )


def _state(service: Service) -> DatabaseState:
    from shared.db import migrate
    from shared.wire.operations import DatabaseState

    newest = migrate.head(service)
    url = settings().resolved(settings().database_url, service.name)
    with looked_into(url) as database:
        revision = migrate.current(database) if database is not None else None
        # An old or empty one differs, of course: what it lacks is in its migrations.
        differences = migrate.drift(database, service) if database is not None and revision == newest else []
    return DatabaseState(
        service=service.name, revision=revision, newest=newest, differences=[_described(it) for it in differences]
    )


def _where() -> str:
    return (
        str(settings().data_dir.absolute())
        if sqlite_file(settings().database_url)
        else "the databases of LIVING_DATABASE_URL"
    )


def _described(difference: Any) -> str:
    """One of Alembic's differences in a line: what would have to be done, and to what."""
    if isinstance(difference, list):
        return "; ".join(_described(one) for one in difference)
    kind, *about = difference
    if kind.startswith("modify_"):
        return f"{kind} {about[1]}.{about[2]}"
    thing = about[-1]
    table = getattr(getattr(thing, "table", None), "name", "")
    return f"{kind} {table}.{thing.name}" if table and table != thing.name else f"{kind} {thing.name}"


def _summary(differences: list[str]) -> str:
    """How many differences of each kind there are, with the first's name."""
    kinds = Counter(line.partition(" ")[0] for line in differences)
    first = {line.partition(" ")[0]: line.partition(" ")[2] for line in reversed(differences)}
    return ", ".join(f"{n} x {kind} ({first[kind]}{' ...' if n > 1 else ''})" for kind, n in kinds.items()) or "none"
