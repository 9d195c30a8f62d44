"""`living serve` and `living services`: the platform itself, run or described."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import click

from services.cli.commands import AS_JSON, Command, argument, option
from services.cli.context import settings, unknown_variables

if TYPE_CHECKING:
    from shared.service import Service
    from shared.wire.operations import ServiceTable


@click.command("serve", cls=Command, example="living serve\nliving serve ingest search --port 8001")
@argument("services", "Which services; all without any.", nargs=-1)
@option("--host", help="Address to listen on (LIVING_HOST).")
@option("--port", type=click.IntRange(0, 65535), help="Port to listen on (LIVING_PORT); 0 picks a free one.")
def serve(services: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Run the platform, or some of its services, until stopped. Says so once it listens.

    The first start makes the platform's own keys, and an invitation of the first admin: its link is written into the
    data folder, for its owner alone, and shown where this runs in a terminal.
    """
    from shared.sqlite import keep_no_count_of_memory

    keep_no_count_of_memory()  # Before anything loads SQLite.
    gc.disable()  # To look through what is loaded while it is takes a fifth of a start; `serve` enables it.

    from services import app as application
    from shared import logging

    logging.configure(settings())
    for name in unknown_variables():
        logging.get("settings").warning("no setting is called this; docs/configuration.md lists them", variable=name)
    given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    application.serve(settings().model_copy(update=given), services, _tell)


@click.command("services", cls=Command, example="living services")
@AS_JSON
def services(as_json: bool) -> None:
    """Print each service's table: what happens on which event, what runs on a schedule, and which pages there are."""
    from services.catalog import SERVICES
    from services.cli.printing import out, print_json, table

    tables = [*map(_table, SERVICES), _table_of_pages()]
    if as_json:
        print_json(tables)
        return
    for one in tables:
        out.print(f"\n[bold]{one.name}[/]  {one.summary}")
        lines = [("on", event, effect) for event, effects in one.reactions.items() for effect in effects]
        lines += [("every", interval, job) for job, interval in one.jobs.items()]
        lines += [("emits", event, "") for event in one.emits]
        lines += [("shows" if asked.startswith("GET") else "takes", asked, page) for page, asked in one.pages.items()]
        out.print(table(["", "what", "effect"], lines))


def _tell(line: str) -> None:
    # At once, so that whoever reads a redirected log sees it.
    click.echo(line, err=True)
    sys.stderr.flush()


def _table(service: Service) -> ServiceTable:
    from shared.wire.operations import ServiceTable

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


def _table_of_pages() -> ServiceTable:
    from services import web
    from services.catalog import PAGES
    from services.web.pages import ALL
    from shared.wire.operations import ServiceTable

    assert web.__doc__ is not None
    pages = {shown.name: f"{shown.method} {shown.path}" for table in ALL for shown in table.all}
    summary = web.__doc__.partition(": ")[2].partition("\n")[0]
    return ServiceTable(name=PAGES, summary=summary, reactions={}, jobs={}, emits=[], pages=pages)
