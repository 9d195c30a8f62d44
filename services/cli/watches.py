"""`living ingest watches`, `runs`, `pull`, `pause`, `resume`: what is asked again and again, and having it be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import click
from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import client
from services.cli.printing import counted, minute, out, print_json, print_rows, table
from services.cli.searches import by_hand, standing
from shared.errors import Conflict, NotFound

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.ingest import IngestStatus, ManualView, RunView, WatchView

app = Group(help="Commands of `living ingest`.")

WATCH = argument("watch", "A watch, by its id or by the name of its strategy as `living ingest watches` has it.")


@app.command("watches", example="living ingest watches shared-records")
@REVIEW
@AS_JSON
def watches(review: str, as_json: bool) -> None:
    """List everything that is asked again and again: strategies, citations, and what sources change; and how it stands.

    A watch is called by the name of its strategy.
    """
    with client() as living:
        literature = living.ingest.status(review)
    rows, manual = every_watch(literature), by_hand(literature)
    if as_json:
        print_json([*rows, *manual])
        return
    lines: list[list[object]] = [
        [
            it.strategy, it.source, it.state, it.searched_through or "never",
            minute(it.due_at) if it.state == "active" else "", _ended(it.last_run),
        ]
        for it in rows
    ]  # fmt: skip
    lines += [
        [it.strategy, it.database, standing(it), it.searched_through or "never", it.due, _made(it)] for it in manual
    ]
    out.print(table(["watch", "source", "state", "searched through", "next due", "last run's end"], lines))
    for it in rows:
        if it.trouble and it.state != "retired":
            out.print(Text(f"{it.strategy}: {it.trouble}", style="red"), soft_wrap=True)


@app.command("runs", example="living ingest runs shared-records --limit 5")
@REVIEW
@option("--watch", help="Only of this watch, by its id or the name of its strategy.")
@option("--limit", type=click.IntRange(1, 10_000), default=20, help="How many at most.")
@AS_JSON
def runs(review: str, watch: str | None, limit: int, as_json: bool) -> None:
    """List the last runs, the newest first, each with what came of it."""
    with client() as living:
        literature = living.ingest.status(review)
        known = {it.watch: it.strategy for it in every_watch(literature)}
        known |= {it.watch: it.strategy for it in by_hand(literature)}
        asked = watch_of(living, review, watch).watch if watch is not None else None
        rows = list(islice(living.ingest.runs(review, watch=asked), limit))
    columns = [
        ("run", lambda row: row.run),
        ("watch", lambda row: known.get(row.watch, row.watch)),
        ("began", lambda row: minute(row.started_at)),
        ("days", lambda row: f"{row.since} to {row.until}"),
        ("came to", _ended),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing was asked yet")


@app.command("pull", example="living ingest pull shared-records pubmed")
@REVIEW
@WATCH
@AS_JSON
def pull(review: str, watch: str, as_json: bool) -> None:
    """Have a watch be asked now, whatever its next time is, and though its source was to be left alone; for leads."""
    with client("lead") as living, called(living, review, watch) as found:
        view = living.ingest.pull_now(review, found.watch)
    _tell(view, f"{view.strategy} is pulled within half a minute", as_json)


@app.command("pause", example="living ingest pause shared-records pubmed")
@REVIEW
@WATCH
@AS_JSON
def pause(review: str, watch: str, as_json: bool) -> None:
    """Have a watch not be asked until it is resumed; a run that has begun is finished; for leads."""
    with client("lead") as living, called(living, review, watch) as found:
        view = living.ingest.pause(review, found.watch)
    _tell(view, f"{view.strategy} is paused", as_json)


@app.command("resume", example="living ingest resume shared-records pubmed")
@REVIEW
@WATCH
@AS_JSON
def resume(review: str, watch: str, as_json: bool) -> None:
    """Have a paused watch be asked again, at once where its time has passed; for leads."""
    with client("lead") as living, called(living, review, watch) as found:
        view = living.ingest.resume(review, found.watch)
    _tell(view, f"{view.strategy} is asked again, due at {minute(view.due_at)}", as_json)


def every_watch(literature: IngestStatus) -> list[WatchView]:
    """The watches of every purpose; a platform of before has none over citations."""
    return [*literature.watches, *getattr(literature, "chases", []), *literature.sweeps]


def watch_of(living: Client, review: str, named: str) -> WatchView | ManualView:
    """A watch of a review, by its id or the name of its strategy. Raises NotFound."""
    literature = living.ingest.status(review)
    known: list[WatchView | ManualView] = [*every_watch(literature), *by_hand(literature)]
    for watch in known:
        if named in (watch.watch, watch.strategy):
            return watch
    raise NotFound(f"review {review!r} has no watch {named!r}; it has: {', '.join(it.strategy for it in known)}")


@contextmanager
def called(living: Client, review: str, named: str) -> Iterator[WatchView | ManualView]:
    """A watch about which something is asked; what the platform says against it calls it as whoever asks did."""
    watch = watch_of(living, review, named)
    try:
        yield watch
    except Conflict as error:
        raise Conflict(error.detail.replace(repr(watch.watch), repr(named)), slug=error.slug) from error


def _made(view: ManualView) -> str:
    """What became of the last search of a strategy that is searched by hand."""
    last = next(iter(view.searches), None)
    return f"{last.state}: {last.lacks or counted(last.entries, 'record')}" if last is not None else "no search yet"


def _ended(run: RunView | None) -> str:
    if run is None:
        return "no run yet"
    counts = run.counts
    return f"{run.state}: {counts.found} found, {counts.new} new, {counts.rejected} rejected"


def _tell(view: WatchView, said: str, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        out.print(said, soft_wrap=True)
