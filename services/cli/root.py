"""The root of the command line: serving, tokens, databases, and the groups of commands about reviews."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from services import app as application
from services.catalog import SERVICES, choose
from services.cli import dead_letters, demo, events, queue, review, search, synthesis
from services.cli.context import settings
from services.cli.printing import AsJson, err, out, print_json, print_rows, table
from shared.db import migrate
from shared.db.engine import opened
from shared.errors import Conflict
from shared.keys import SigningKey
from shared.service import Service
from shared.tokens import ALL_REVIEWS, Person, issue_token
from shared.wire.operations import DatabaseState, ServiceTable

app = typer.Typer(
    name="living",
    help="Living realist reviews: from the literature to signed programme theories, kept up to date.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
token = typer.Typer(help="Tokens: who may do what.", no_args_is_help=True)
db = typer.Typer(help="Databases: one per service.", no_args_is_help=True)
for name, group in {
    "review": review.app,
    "queue": queue.app,
    "search": search.app,
    "synthesis": synthesis.app,
    "events": events.app,
    "dead-letters": dead_letters.app,
    "token": token,
    "db": db,
}.items():
    app.add_typer(group, name=name)
app.command("demo")(demo.demo)


@app.command()
def serve(
    services: Annotated[list[str] | None, typer.Argument(help="Which services; all without any.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (LIVING_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (LIVING_PORT).")] = None,
) -> None:
    """Run the platform, or some of its services, until stopped.

    The first start makes the signing key and prints an admin token, once.
    """
    given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    chosen = settings().model_copy(update=given)
    choose(services or [])
    made = application.first_token(chosen)
    if made is not None:
        err.print("An admin token, shown this once and good for 30 days:", style="bold")
        # Never wrapped, so that it can be copied from any terminal.
        err.print(f"\n  export LIVING_TOKEN={made}\n", soft_wrap=True, highlight=False)
    err.print(f"living reviews on http://{chosen.host}:{chosen.port} (its API: /docs)", highlight=False)
    application.serve(chosen, services or [])


@app.command()
def services(as_json: AsJson = False) -> None:
    """Print each service's table: what happens on which event, and what runs on a schedule."""
    tables = [_table(service) for service in SERVICES]
    if as_json:
        print_json(tables)
        return
    for one in tables:
        out.print(f"\n[bold]{one.name}[/]  {one.summary}")
        lines = [("on", event, effect) for event, effects in one.reactions.items() for effect in effects]
        lines += [("every", interval, job) for job, interval in one.jobs.items()]
        lines += [("emits", event, "") for event in one.emits]
        out.print(table(["", "what", "effect"], lines))


@token.command("issue")
def issue(
    name: Annotated[str, typer.Argument(help="Whose token it is; votes and signatures carry this name.")],
    role: Annotated[str, typer.Option(help="reader, reviewer, adjudicator, lead or admin.")] = "reviewer",
    review: Annotated[list[str] | None, typer.Option(help="A review it holds for (repeatable); all without.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 90,
) -> None:
    """Issue a token; it is printed once and kept nowhere."""
    person = Person(name, role, tuple(review or [ALL_REVIEWS]))
    key = SigningKey.open(settings())
    print(issue_token(key, person, now=datetime.now(UTC), valid_for=timedelta(days=days)))


@db.command("upgrade")
def upgrade(
    services: Annotated[list[str] | None, typer.Argument(help="Which services; all without any.")] = None,
) -> None:
    """Bring each service's database to the newest schema."""
    for service in choose(services or []):
        with opened(settings().place(settings().database_url, service.name)) as database:
            migrate.upgrade(database, service)
            out.print(f"{service.name}: {migrate.current(database)}")


@db.command("check")
def check(as_json: AsJson = False) -> None:
    """Compare each database with its migrations and its models; exits 1 when one differs."""
    states = [_state(service) for service in SERVICES]
    columns = [
        ("service", lambda state: state.service),
        ("revision", lambda state: state.revision),
        ("newest", lambda state: state.newest),
        ("differences", lambda state: "; ".join(state.differences) or "none"),
    ]
    print_rows(states, columns, as_json=as_json, empty="no services")
    if any(state.revision != state.newest or state.differences for state in states):
        raise Conflict("a database is not as the models are: `living db upgrade` mends an old one", slug="drift")


@app.callback()
def _root(
    url: Annotated[str | None, typer.Option(help="Where the platform answers (LIVING_URL).")] = None,
) -> None:
    if url is not None:
        os.environ["LIVING_URL"] = url


def _table(service: Service) -> ServiceTable:
    reactions: dict[str, list[str]] = {}
    for reaction in service.reactions:
        reactions.setdefault(reaction.event.type, []).append(reaction.effect.__name__)
    return ServiceTable(
        name=service.name,
        summary=service.summary,
        reactions=reactions,
        jobs={job.name: str(job.every) for job in service.jobs},
        emits=[event.type for event in service.emits],
    )


def _state(service: Service) -> DatabaseState:
    with opened(settings().place(settings().database_url, service.name)) as database:
        return DatabaseState(
            service=service.name,
            revision=migrate.current(database),
            newest=migrate.head(service),
            differences=[str(difference) for difference in migrate.drift(database, service)],
        )
