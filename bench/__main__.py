"""`python -m bench`: the pipeline beside the raw speed of each of its parts, in one run on this machine."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bench import corpus, parts, servers
from bench.pipeline import PROTOCOL, WARM_UP, Passage, Pipeline
from services.cli.printing import AsJson, err, out, print_json, table
from shared.errors import LivingError
from shared.ids import new_id

_SERVICES = ("ingest", "screening", "search")
_ROOMS = {"embedded": [_SERVICES], "real": [(service,) for service in _SERVICES]}
_PARTS = {"embedded": parts.embedded, "real": parts.real}


@dataclass(frozen=True, slots=True)
class Result:
    """One profile's run. `parts` are the seconds each part took alone, the better of two times; `load` is the
    machine's load average just before, which tells whether others were at work."""

    profile: str
    records: int
    load: float
    parts: dict[str, float]
    passage: Passage

    @property
    def slowest(self) -> str:
        return max(self.parts, key=self.parts.__getitem__)

    @property
    def ratio(self) -> float:
        """The pipeline's speed as a share of its slowest part's."""
        return self.parts[self.slowest] / self.passage.seconds


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    records: Annotated[int, typer.Option(min=1, help="How many records pass.")] = 20_000,
    profile: Annotated[Literal["embedded", "real", "both"], typer.Option(help="Which profile.")] = "both",
    as_json: AsJson = False,
) -> None:
    """Measure the pipeline beside the raw speed of its parts.

    The real servers are those that LIVING_LOG_URL and the others name, else those of deploy/local, which are
    started for the length of the run where they do not run.
    """
    results = []
    for name in ("embedded", "real") if profile == "both" else (profile,):
        lacking = servers.missing() if name == "real" else []
        if lacking and profile == "both":
            err.print(f"left out: the real profile, since {' and '.join(lacking)} is missing")
            continue
        with servers.at_hand() if name == "real" else nullcontext():
            results.append(_measure(name, records))
        if not as_json:
            _show(results[-1])
    if as_json:
        print_json([asdict(it) | {"slowest": it.slowest, "ratio": it.ratio} for it in results])


def _measure(profile: str, count: int) -> Result:
    load, mark = os.getloadavg()[0], new_id("bench")[:24]
    events = list(corpus.records(PROTOCOL.review, count, first=WARM_UP))
    with (
        _folder() as folder,
        servers.places(mark) if profile == "real" else nullcontext({}) as variables,
        closing(Pipeline(folder, variables, _ROOMS[profile])) as pipeline,
        _progress() as progress,
    ):
        progress.add_task(f"{profile}: each part alone", total=None)
        records = [parts.Record.of(event) for event in events]
        alone = [_PARTS[profile](records, pipeline.settings, f"raw{turn}") for turn in (1, 2)]
        pipeline.open()
        stage = progress.add_task(f"{profile}: the pipeline", total=count)
        passage = pipeline.run(events, lambda arrived: progress.update(stage, completed=arrived))
    best = {name: min(times[name] for times in alone) for name in alone[0]}
    return Result(profile, count, load, best, passage)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder on the disk that the platform's data would be on."""
    home = corpus.ROOT / "data"
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=home) as folder:
        yield Path(folder)


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=err, transient=True)


def _show(result: Result) -> None:
    out.print()
    title = f"{result.profile}: {result.records:,} records (load average before: {result.load:.1f})"
    lines = [_speed(name, seconds, result) for name, seconds in result.parts.items()]
    lines.append(_speed("the pipeline", result.passage.seconds, result, style="bold green"))
    out.print(table(["", "seconds", "records/s", ""], lines, title=title, title_justify="left"))
    out.print(
        f"The pipeline runs at {result.ratio:.2f} of its slowest part ({result.slowest}); "
        f"its last task was on the log after {result.passage.told:.1f} s.",
        highlight=False,
        soft_wrap=True,
    )
    out.print()
    used = [
        [name, f"{use.cpu:.1f}", f"{use.cpu / result.records * 1e6:,.0f}", f"{use.peak / 2**20:,.0f}"]
        for name, use in result.passage.used.items()
    ]
    out.print(table(["process", "CPU seconds", "µs a record", "peak MiB"], used))


def _speed(name: str, seconds: float, result: Result, style: str = "") -> list[Text]:
    """A line of the table, with a bar that is the longer the faster."""
    fastest = min(result.passage.seconds, *result.parts.values())
    bar = "█" * max(1, round(30 * fastest / seconds))
    cells = name, f"{seconds:.2f}", f"{result.records / seconds:,.0f}", bar
    return [Text(cell, style=style) for cell in cells]


if __name__ == "__main__":
    try:
        app()
    except LivingError as error:
        err.print(error.detail, style="bold red", highlight=False, soft_wrap=True)
        sys.exit(1)
