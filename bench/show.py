"""The tables that a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from bench import pages as of_pages
from bench import synthesis as of_synthesis
from bench.alerts import REACH as MOST_OF_ALERTS
from bench.alerts import Alerts
from bench.arrivals import Arrival
from bench.contention import Bout, Side, reach
from bench.imports import Import
from bench.search import REACH, Asked, Searches
from bench.synthesis import CMOCS, Run
from services.cli.printing import out, table

if TYPE_CHECKING:
    from bench.__main__ import Result


def result(it: Result) -> None:
    """Everything that one profile's run brought."""
    about = f"{it.profile}: {it.records:,} records ({it.corpus}; load average before: {it.load:.1f})"
    if it.passage is not None:
        _pipeline(it, about)
    if it.bouts:
        _contention(it, about)


def arrivals(profile: str, found: Sequence[Arrival]) -> None:
    """What one more record costs."""
    lines = [
        [
            f"{it.records:,}",
            f"{it.seconds * 1000:.1f}",
            f"{it.bare * 1000:.1f}",
            f"{it.commits:.1f}",
            f"{it.peak >> 20}",
        ]
        for it in found
    ]
    columns = ["records there", "one more, ms", "a bare commit, ms", "bare commits", "peak MiB"]
    out.print()
    out.print(table(columns, lines, title=f"{profile}: one more record", title_justify="left"))


def synthesis(profile: str, found: Sequence[Run]) -> None:
    """What one arrival costs the synthesis."""
    lines = [
        [f"{it.links:,}", f"{it.arrival * 1000:.1f}", f"{it.full * 1000:.0f}", f"{it.share:.3f}", f"{it.peak >> 20}"]
        for it in found
    ]
    columns = ["links there", "one arrival, ms", "a full run, ms", "share", "peak MiB"]
    out.print()
    out.print(table(columns, lines, title=f"{profile}: the synthesis of {CMOCS} CMOCs", title_justify="left"))
    for said, is_reached in of_synthesis.reach(found):
        _say(f"[green]reached[/]      {said}" if is_reached else f"[bold red]not reached[/]  {said}")


def searches(profile: str, found: Searches) -> None:
    """How long searches take."""
    lines = [_asked(it) for it in found.kinds] + [_asked(found.together, style="bold green")]
    columns = ["asked for", "p50 ms", "p95 ms", "bare p50 ms", "bare p95 ms", "times the bare p95"]
    title = f"{profile}: searches of {found.records:,} records"
    out.print()
    out.print(table(columns, lines, title=title, title_justify="left"))
    speed, peak = found.records / found.filled, found.peak >> 20
    _say(f"It was filled at {speed:,.0f} records a second; this process had {peak} MiB at most.")
    times, most = found.together.times, REACH[profile]
    said = f"a p95 of at most {most:g} times the bare query's ({times:.1f})"
    _say(f"[green]reached[/]      {said}" if times <= most else f"[bold red]not reached[/]  {said}")


def alerts(profile: str, found: Alerts) -> None:
    """What arrivals cost where many saved searches alert."""
    lines = [
        [f"{it.records:,}", f"{it.ours * 1000:,.0f}", f"{it.bare * 1000:,.0f}", f"{it.matches:,}", f"{it.times:.2f}"]
        for it in found.arriving
    ]
    columns = ["arrived", "the job, ms", "bare queries, ms", "matches", "times the bare queries"]
    title = f"{profile}: {found.searches:,} saved searches over {found.records:,} records"
    out.print()
    out.print(table(columns, lines, title=title, title_justify="left"))
    times = max(it.times for it in found.arriving)
    said = f"at most {MOST_OF_ALERTS:g} times the bare queries over what arrived ({times:.2f})"
    _say(f"[green]reached[/]      {said}" if times <= MOST_OF_ALERTS else f"[bold red]not reached[/]  {said}")


def _asked(it: Asked, style: str = "") -> list[Text]:
    figures = it.described()
    sides = (f"{figures[side]:,.1f}" for side in ("ours_p50", "ours_p95", "bare_p50", "bare_p95"))
    return [Text(cell, style=style) for cell in (it.kind, *sides, f"{it.times:.1f}")]


def imported(profile: str, it: Import) -> None:
    """What an import costs."""
    lines = [
        [name, f"{seconds:.2f}", f"{it.records / seconds:,.0f}"]
        for name, seconds in (
            ("the import", it.seconds),
            ("the bare insert, read by rispy", it.bare),
            ("the bare insert alone", it.storing),
        )
    ]
    out.print()
    title = f"{profile}: a file of {it.records:,} records, {it.size >> 20} MiB"
    out.print(table(["", "seconds", "records/s"], lines, title=title, title_justify="left"))
    _say(
        f"The import stores at {it.share:.2f} of the bare insert's rate. Its process had at most "
        f"{it.peak_of_tenth >> 20} MiB after a tenth of the file, and {it.peak >> 20} MiB after all of it."
    )


def pages(profile: str, found: Sequence[of_pages.Cost]) -> None:
    """What pages cost."""
    lines = [
        [
            it.page or "a review",
            f"{it.records:,}",
            f"{it.seconds * 1000:.1f}",
            f"{it.questions}",
            f"{it.times:.2f}",
            f"{it.weight / 1000:.1f}",
        ]
        for it in found
    ]
    columns = ["page", "records", "ms", "questions", "times its questions", "kB"]
    out.print()
    out.print(table(columns, lines, title=f"{profile}: pages", title_justify="left"))
    for said, reached in of_pages.reach(found):
        _say(f"[green]reached[/]      {said}" if reached else f"[bold red]not reached[/]  {said}")


def cli_cost(cost: dict[str, float]) -> None:
    """What `living` costs, name by name."""
    out.print()
    out.print(table(["the command line", ""], [[name, f"{value:.2f}"] for name, value in cost.items()]))


def _pipeline(it: Result, title: str) -> None:
    assert it.passage is not None
    out.print()
    lines = [_speed(name, seconds, it) for name, seconds in it.parts.items()]
    lines.append(_speed("the pipeline", it.passage.seconds, it, style="bold green"))
    out.print(table(["", "seconds", "records/s", ""], lines, title=title, title_justify="left"))
    _say(
        f"The pipeline runs at {it.ratio:.2f} of its slowest part ({it.slowest}); "
        f"its last task was on the log after {it.passage.emitted:.1f} s."
    )
    out.print()
    used = [
        [name, f"{use.cpu:.1f}", f"{use.cpu / it.records * 1e6:,.0f}", f"{use.peak / 2**20:,.0f}"]
        for name, use in it.passage.used.items()
    ]
    out.print(table(["process", "CPU seconds", "µs a record", "peak MiB"], used))


def _speed(name: str, seconds: float, it: Result, style: str = "") -> list[Text]:
    """A line of the table, with a bar that is the longer the faster."""
    assert it.passage is not None
    fastest = min(it.passage.seconds, *it.parts.values())
    bar = "█" * max(1, round(30 * fastest / seconds))
    cells = name, f"{seconds:.2f}", f"{it.records / seconds:,.0f}", bar
    return [Text(cell, style=style) for cell in cells]


def _contention(it: Result, title: str) -> None:
    out.print()
    columns = ["clients", "", "a second", "p50 ms", "p99 ms", "shed", "kept", "errors"]
    lines = [line for bout in it.bouts for line in _bout(bout)]
    out.print(table(columns, lines, title=title, title_justify="left"))
    for bout in it.bouts:
        _say(f"{bout.clients}: {bout.share:.2f} of the bare route's inserts, {bout.times:.1f} times its p99")
    if (taken := it.statements) is not None:
        _say(
            f"a claim takes {taken.claim} statements of the database and a vote {taken.vote}, beside BEGIN and COMMIT; "
            f"the check of a token adds {taken.check}"
        )
    for what, reached in reach(it.bouts, it.profile):
        _say(f"[green]reached[/]      {what}" if reached else f"[bold red]not reached[/]  {what}")


def _bout(bout: Bout) -> list[list[Text]]:
    ours = _side(str(bout.clients), "platform", bout.ours, "bold green")
    return [_side(str(bout.clients), "bare route", bout.bare), ours]


def _side(clients: str, name: str, side: Side, style: str = "") -> list[Text]:
    errors = ", ".join(f"{count} {what}" for what, count in side.errors.items()) or "none"
    cells = (
        clients, name, f"{side.rate:,.0f}", f"{side.p50 * 1000:,.1f}", f"{side.p99 * 1000:,.1f}",
        f"{side.shed:.1%}", f"{side.decisions:,}" if side.conserved else "NOT exact", errors,
    )  # fmt: skip
    return [Text(cell, style=style) for cell in cells]


def _say(text: str) -> None:
    out.print(text, highlight=False, soft_wrap=True)
