"""`living events`: follow what is told, trace one record from source to notice, live the past again."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text
from rich.tree import Tree

from services.catalog import choose
from services.cli.context import client, settings
from services.cli.printing import AsJson, err, out, print_json
from shared.bus.open import open_log
from shared.client.operations import SERVICES
from shared.clock import SystemClock
from shared.db.engine import opened
from shared.errors import Invalid
from shared.keys import SigningKey
from shared.runtime.replay import replay as live_again
from shared.wire.common import JournalEntry

app = typer.Typer(help="Events: everything that happened, and why.", no_args_is_help=True)

Review = Annotated[str, typer.Argument(help="The review, such as ics-leadership.")]


@app.command()
def tail(
    review: Review,
    service: Annotated[list[str] | None, typer.Option(help="Only what this service told (repeatable).")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until stopped.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what was told about a review, oldest first."""
    cursors: dict[str, str | None] = dict.fromkeys(service or SERVICES)
    with client() as living:
        while True:
            fresh: list[JournalEntry] = []
            for name in cursors:
                entries = list(living.operations.events(name, review, after=cursors[name]))
                fresh += entries
                cursors[name] = str(entries[-1].seq) if entries else cursors[name]
            for entry in sorted(fresh, key=lambda entry: entry.event["recordedtime"]):
                print_json(entry.event) if as_json else out.print(_line(entry.event))
            if not follow:
                return
            time.sleep(0.5)


@app.command()
def trace(
    review: Review,
    beginning: Annotated[str, typer.Argument(help="A record's id, or any event's.")],
    as_json: AsJson = False,
) -> None:
    """Print the causation tree of one record, from the source that brought it to the notices it led to."""
    with client() as living:
        entries = living.operations.trace(review, beginning)
    if as_json:
        print_json(entries)
    else:
        out.print(causation_tree(beginning, entries))


@app.command()
def replay(
    service: Annotated[str, typer.Argument(help="The service that lives its past again.")],
    into: Annotated[str, typer.Option(help="An empty database: sqlite:///FILE or postgresql+psycopg://...")],
) -> None:
    """Live a service's past again into an empty database; nothing is emitted, the live database is not touched."""
    (chosen,) = choose([service])
    if service == "search":
        raise Invalid("the search index has a rebuild of its own: `living search rebuild`")
    log = open_log(settings().place(settings().log_url), prefix=settings().topic_prefix)
    try:
        with opened(into) as database, Progress(console=err, transient=True) as progress:
            task = progress.add_task("replaying", total=None)
            heard = live_again(
                chosen, database, log, settings=settings(), clock=SystemClock(), key=SigningKey.open(settings()),
                resources=chosen.resources(settings()),
                progress=lambda left: progress.update(task, description=f"replaying, {left} left"),
            )  # fmt: skip
    finally:
        log.close()
    out.print(f"{service} heard {heard} events again, into {into}")


def causation_tree(beginning: str, entries: list[JournalEntry]) -> Tree:
    """Events as a tree: each under the event that led to it, in the order told."""
    root = Tree(Text(beginning, style="bold"))
    branches: dict[str, Tree] = {}
    for entry in entries:
        causes = [entry.event["causationid"], *entry.because]
        parent = next((branches[cause] for cause in causes if cause in branches), root)
        branches[entry.event["id"]] = parent.add(_line(entry.event))
    return root


def _line(event: dict[str, Any]) -> Text:
    data = event["data"]
    told = {key: data[key] for key in _TELLING if data.get(key) is not None}
    told["title"] = (data.get("bibliography") or {}).get("title") or told.get("title")
    shown = "  ".join(f"{key}={value}" for key, value in told.items() if value is not None)
    line = Text(event["time"][:19], style="dim")
    line.append(f"  {event['type']}", style="bold cyan")
    line.append(f"  {event['subject']}", style="dim")
    line.append(f"  {shown}  ")
    return line.append(f"by {event['actor']}", style="dim")


#: The fields of events that a reader wants on one line.
_TELLING = (
    "stage", "next_stage", "outcome", "reason", "rule", "into", "kind", "cmoc", "happened", "change_class",
    "number", "source", "changed", "channel", "title", "drill",
)  # fmt: skip
