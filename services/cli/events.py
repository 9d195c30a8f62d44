"""`living events`: follow what is told, trace one record from source to notification, live the past again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text
from rich.tree import Tree

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import client, key_path, require_review, settings
from services.cli.printing import err, out, print_json, print_json_line, print_whole
from shared.client.operations import SERVICES
from shared.errors import Invalid, NotFound
from shared.private import sqlite_file

if TYPE_CHECKING:
    from shared.wire.common import JournalEntry

app = Group(help="Everything that happened, and why.")


@app.command("tail", example="living events tail ics-leadership --service synthesis --follow")
@REVIEW
@option("--service", multiple=True, type=click.Choice(SERVICES), help="Only what this service told (repeatable).")
@option("--follow", "-f", is_flag=True, help="Go on until stopped.")
@option("--json", "as_json", is_flag=True, help="Print JSON Lines: each event as one line of JSON.")
def tail(review: str, service: tuple[str, ...], follow: bool, as_json: bool) -> None:
    """Print what was told about a review, oldest first."""
    cursors: dict[str, str | None] = dict.fromkeys(service or SERVICES)
    with client("lead") as living:
        called = str if as_json else called_in(living, review)
        while True:
            fresh: list[JournalEntry] = []
            for name in cursors:
                entries = list(living.operations.events(name, review, after=cursors[name]))
                fresh += entries
                cursors[name] = str(entries[-1].seq) if entries else cursors[name]
            for entry in sorted(fresh, key=lambda entry: entry.event["recordedtime"]):
                print_json_line(entry.event) if as_json else out.print(_line(entry.event, called))
            if not any(cursors.values()):
                require_review(living, review)
            if not follow:
                return
            time.sleep(0.5)


@app.command("trace", example="living events trace ics-leadership rec_01a2...")
@REVIEW
@argument("beginning", "A record's id, or any event's.")
@AS_JSON
def trace(review: str, beginning: str, as_json: bool) -> None:
    """Print the causation tree of one record, from the source that brought it to the notifications it led to."""
    with client("lead") as living:
        try:
            entries = living.operations.trace(review, beginning)
        except NotFound:
            require_review(living, review)
            raise
        called = str if as_json else called_in(living, review)
    if as_json:
        print_json(entries)
    else:
        print_whole(causation_tree(beginning, entries, called))


@app.command("replay", example="living events replay screening --into sqlite:////tmp/again.db")
@argument("service", "The service that lives its past again.", type=click.Choice(SERVICES))
@option(
    "--into",
    required=True,
    help="An empty database: sqlite:///FILE or postgresql+psycopg://...; a FILE in a folder that is there.",
)
def replay(service: str, into: str) -> None:
    """Live a service's past again into an empty database; nothing is emitted, the live database is not touched.

    What is lived again is what the service heard. What people did in it - votes, decisions, evidence, subscriptions -
    is not in what it heard, and so not in the new database.
    """
    from rich.progress import Progress

    from services.catalog import choose
    from shared import logging
    from shared.bus.open import open_log
    from shared.clock import SystemClock
    from shared.db.engine import opened
    from shared.keys.file import read_ring
    from shared.private import keep_private
    from shared.runtime.replay import replay as live_again

    (chosen,) = choose([service])
    if service == "search":
        raise Invalid("the search index has a rebuild of its own: `living search rebuild`")
    _require_file(into)
    logging.configure(settings())
    ring = read_ring(key_path())
    keep_private(settings())
    log = open_log(settings().resolved(settings().log_url), prefix=settings().topic_prefix)
    try:
        with opened(into) as database, Progress(console=err, transient=True) as progress:
            task = progress.add_task("replaying", total=None)
            again = live_again(
                chosen, database, log, settings=settings(), clock=SystemClock(), ring=ring,
                resources=chosen.resources(settings()),
                progress=lambda left: progress.update(task, description=f"replaying, {left} left"),
            )  # fmt: skip
    finally:
        log.close()
    out.print(f"{service} heard {again.heard} events again, into {into}")
    for held in again.held[:20]:
        out.print(f"  still held: {held}", highlight=False, markup=False)


@app.command("catch-up", example="living events catch-up search")
@argument("service", "The service that is to hear what it passed by.", type=click.Choice(SERVICES))
def catch_up(service: str) -> None:
    """Hear, after an upgrade that added a reaction, the events of before that the older release passed by.

    Run it on the platform's machine when no process of the older release is left; the platform may run. Each event
    is done once, also when this is run again.
    """
    from rich.progress import Progress

    from services.catalog import choose
    from shared import logging
    from shared.bus.open import open_log
    from shared.clock import open_clock
    from shared.keys.file import read_ring
    from shared.runtime import catching_up
    from shared.runtime.running import Running

    logging.configure(settings())
    (chosen,) = choose([service])
    ring, clock = read_ring(key_path()), open_clock(settings().resolved(settings().clock))
    log = open_log(settings().resolved(settings().log_url), prefix=settings().topic_prefix)
    running = Running(chosen, settings(), clock, log, ring)
    try:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("catching up", total=None)
            types = catching_up.catch_up(
                chosen, running.database, log, lambda: running.work(f"{service}:catch-up"), settings(),
                progress=lambda left: progress.update(task, description=f"catching up, {left} left"),
            )  # fmt: skip
    finally:
        running.stop()
        log.close()
    shown = f"has now heard all of {', '.join(types)}" if types else "has heard all that it reacts to"
    out.print(f"{service} {shown}", highlight=False)


def _require_file(into: str) -> None:
    """Raises Invalid for what is no address of a database, or a file in a folder that is not there."""
    from shared.settings import fault_in_address

    fault = fault_in_address("database_url", into)
    if fault is not None:
        raise Invalid(f"--into {into}: {fault}")
    path = sqlite_file(into)
    if path is not None and not path.parent.is_dir():
        raise Invalid(f"--into {into}: there is no folder {path.parent}; make it first, or name a file in another")


def causation_tree(beginning: str, entries: list[JournalEntry], called: Callable[[str], str] = str) -> Tree:
    """Events as a tree: each under the event that led to it, in the order told."""
    root = Tree(Text(beginning, style="bold"))
    branches: dict[str, Tree] = {}
    for entry in entries:
        causes = [entry.event["causationid"], *entry.because]
        parent = next((branches[cause] for cause in causes if cause in branches), root)
        branches[entry.event["id"]] = parent.add(_line(entry.event, called))
    return root


def _line(event: dict[str, Any], called: Callable[[str], str]) -> Text:
    data = event["data"]
    details = {key: data[key] for key in _TELLING if data.get(key) is not None}
    details["title"] = (data.get("bibliography") or {}).get("title") or details.get("title")
    shown = "  ".join(f"{key}={value}" for key, value in details.items() if value is not None)
    line = Text(event["time"][:19], style="dim")
    line.append(f"  {event['type']}", style="bold cyan")
    line.append(f"  {event['subject']}", style="dim")
    line.append(f"  {shown}  ")
    return line.append(f"by {called(event['actor'])}", style="dim")


#: The fields of events that a reader wants on one line.
_TELLING = (
    "stage", "next_stage", "outcome", "reason", "rule", "into", "kind", "cmoc", "happened", "change_class",
    "number", "source", "changed", "channel", "title", "drill",
)  # fmt: skip
