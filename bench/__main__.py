"""`python -m bench`: the platform beside the raw speed of what it stands on, in one run on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import (
    alerts,
    arrivals,
    contention,
    corpus,
    imports,
    pages,
    parts,
    search,
    servers,
    show,
    statements,
    synthesis,
)
from bench.alerts import Alerts
from bench.arrivals import Arrival
from bench.contention import Bout
from bench.imports import Import
from bench.pipeline import PROTOCOL, WARM_UP, Passage, Pipeline
from bench.search import Searches
from bench.statements import Statements
from services.cli.printing import err, print_json
from shared import logging
from shared.db.engine import Database
from shared.errors import LivingError
from shared.ids import new_id
from shared.settings import Settings

#: Records that pass, are decided on and are in a file, and that are searched, where the command line does not say.
_PASSING, _SEARCHED = 20_000, 100_000

#: Links of the review that is synthesised.
_LINKED = 50_000

_SERVICES = ("ingest", "screening", "search")
_SPLITS = {"embedded": [_SERVICES], "real": [(service,) for service in _SERVICES]}
_PARTS = {"embedded": parts.embedded, "real": parts.real}

What = Literal["all", "pipeline", "contention", "arrivals", "imports", "search", "alerts", "pages", "synthesis"]

#: What has a measure of its own, beside that of all that passes.
_APART = ("arrivals", "imports", "search", "alerts", "pages", "synthesis")


@dataclass(frozen=True, slots=True)
class Result:
    """One profile's run. `parts` are the seconds each part took alone, the better of two times, and `passage` the
    pipeline's run (neither when only contention was asked for); `bouts` are the contention run's, if any, and
    `statements` what its claims and votes ask of the database; `load` is the machine's load average just before, which
    tells whether others were at work."""

    profile: str
    records: int
    corpus: str
    load: float
    parts: dict[str, float]
    passage: Passage | None
    bouts: list[Bout]
    statements: Statements | None

    @property
    def slowest(self) -> str:
        return max(self.parts, key=self.parts.__getitem__)

    @property
    def ratio(self) -> float | None:
        """The pipeline's speed as a share of its slowest part's."""
        return self.parts[self.slowest] / self.passage.seconds if self.passage else None

    def described(self) -> dict[str, Any]:
        """The result for programs."""
        bouts = [asdict(bout) | {"share": bout.share, "times": bout.times} for bout in self.bouts]
        reached = dict(contention.reach(self.bouts, self.profile)) if self.bouts else {}
        return asdict(self) | {"ratio": self.ratio, "bouts": bouts, "reached": reached}


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    what: Annotated[What, typer.Argument(help="What to measure.")] = "all",
    records: Annotated[
        int | None,
        typer.Option(min=1, help="How many records pass, are there to decide on, in a file, and to be searched."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long each crowd works.")] = 15,
    profile: Annotated[Literal["embedded", "real", "both"], typer.Option(help="Which profile.")] = "both",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
) -> None:
    """Measure the pipeline, many people at once, one more record, an import, searches, alerts, pages, and the
    synthesis, beside what they stand on. One more record comes to a review that has a twentieth of the records, and to
    one that has five times as many; pages are of a review that has a hundredth of the records that are searched, and of
    one that has them all.
    The synthesis is of 50,000 links, or as many as records are asked for.

    The real servers are those that LIVING_LOG_URL and the others name, else those of deploy/local, which are
    started for the length of the run where they do not run.
    """
    results: list[Result] = []
    arrived: dict[str, list[Arrival]] = {}
    imported: dict[str, Import] = {}
    searched: dict[str, Searches] = {}
    alerted: dict[str, Alerts] = {}
    shown: dict[str, list[pages.Cost]] = {}
    synthesised: dict[str, list[synthesis.Run]] = {}
    for name in ("embedded", "real") if profile == "both" else (profile,):
        lacking = servers.missing() if name == "real" else []
        if lacking and profile == "both":
            err.print(f"left out: the real profile, since {' and '.join(lacking)} is missing")
            continue
        with servers.at_hand() if name == "real" else nullcontext():
            passing = records or _PASSING
            if what not in _APART:
                results.append(_measure(name, what, passing, seconds))
            if what in ("all", "arrivals"):
                arrived[name] = _arrivals(name, (max(passing // 20, 1), 5 * passing))
            if what in ("all", "imports"):
                imported[name] = _import(name, passing)
            if what in ("all", "search"):
                searched[name] = _searches(name, records or _SEARCHED)
            if what in ("all", "alerts"):
                alerted[name] = _alerts(name, records or _SEARCHED)
            if what in ("all", "pages"):
                many = records or _SEARCHED
                shown[name] = _pages(name, (max(many // 100, 1), many))
            if what in ("all", "synthesis"):
                links = records or _LINKED
                synthesised[name] = _synthesis(name, (max(links // 4, 1), links))
        if not as_json:
            if what not in _APART:
                show.result(results[-1])
            if name in arrived:
                show.arrivals(name, arrived[name])
            if name in imported:
                show.imported(name, imported[name])
            if name in searched:
                show.searches(name, searched[name])
            if name in alerted:
                show.alerts(name, alerted[name])
            if name in shown:
                show.pages(name, shown[name])
            if name in synthesised:
                show.synthesis(name, synthesised[name])
    cost = _cli_cost() if what == "all" else {}
    if as_json:
        listed = {name: [asdict(it) | {"commits": it.commits} for it in found] for name, found in arrived.items()}
        shares = {name: asdict(it) | {"share": it.share} for name, it in imported.items()}
        found = {name: it.described() for name, it in searched.items()}
        alerting = {name: asdict(it) | {"times": [one.times for one in it.arriving]} for name, it in alerted.items()}
        profiles = [result.described() for result in results]
        costs = {name: [it.described() for it in each] for name, each in shown.items()}
        runs = {name: [asdict(it) | {"share": it.share} for it in each] for name, each in synthesised.items()}
        measured = {"profiles": profiles, "arrivals": listed, "imports": shares, "search": found, "pages": costs}
        print_json(measured | {"alerts": alerting, "synthesis": runs, "cli": cost})
    elif cost:
        show.cli_cost(cost)


def _measure(profile: str, what: What, count: int, seconds: float) -> Result:
    load, mark = os.getloadavg()[0], new_id("bench")[:24]
    events = list(corpus.records(PROTOCOL.review, count, first=WARM_UP))
    with (
        _folder() as folder,
        servers.addresses(mark) if profile == "real" else nullcontext({}) as variables,
        closing(Pipeline(folder, variables, _SPLITS[profile])) as pipeline,
        _progress() as progress,
    ):
        best: dict[str, float] = {}
        if what != "contention":
            progress.add_task(f"{profile}: each part alone", total=None)
            records = [parts.Record.of(event) for event in events]
            alone = [_PARTS[profile](records, pipeline.settings, f"raw{turn}") for turn in (1, 2)]
            best = {name: min(times[name] for times in alone) for name in alone[0]}
        pipeline.open()
        progress_task = progress.add_task(f"{profile}: the pipeline", total=count)
        passage = pipeline.run(events, lambda arrived: progress.update(progress_task, completed=arrived))
        bouts: list[Bout] = []
        taken: Statements | None = None
        if what != "pipeline":
            logging.configure(pipeline.settings.model_copy(update={"log_level": "error"}))
            taken = statements.count(pipeline.settings, PROTOCOL.review)
            crowds = progress.add_task("", total=None)
            tell = lambda about: progress.update(crowds, description=f"{profile}: {about}")  # noqa: E731
            bouts = contention.run(pipeline, seconds, tell)
    return Result(profile, count, corpus.described(), load, best, passage if best else None, bouts, taken)


def _arrivals(profile: str, sizes: tuple[int, ...]) -> list[Arrival]:
    """What one more record costs a review of each of these sizes, in a database of its own."""
    with _own(profile) as settings, _progress() as progress:
        filling = progress.add_task(f"{profile}: filling a review", total=sizes[-1])
        with closing(Database(settings.resolved(settings.database_url, "ingest"))) as database:
            tell = lambda there: progress.update(filling, completed=there)  # noqa: E731
            return arrivals.measure(database, settings, sizes, tell)


def _import(profile: str, count: int) -> Import:
    """What an import costs, in a database of its own."""
    with _own(profile) as settings, _progress() as progress:
        progress.add_task(f"{profile}: an import", total=None)
        return imports.measure(settings.database_url, settings.data_dir, count)


def _searches(profile: str, count: int) -> Searches:
    """What searches cost, in an index of its own."""
    with _own(profile) as settings, _progress() as progress:
        filling = progress.add_task(f"{profile}: filling an index", total=count)
        return search.measure(settings, count, lambda there: progress.update(filling, completed=there))


def _alerts(profile: str, count: int) -> Alerts:
    """What arrivals cost where many saved searches alert, in a database and an index of its own."""
    with _own(profile) as settings, _progress() as progress:
        filling = progress.add_task(f"{profile}: filling an index", total=count)
        return alerts.measure(settings, count, lambda there: progress.update(filling, completed=there))


def _pages(profile: str, sizes: tuple[int, ...]) -> list[pages.Cost]:
    """What pages cost in a review of each of these sizes, on a platform of their own."""
    with _own(profile) as settings, _progress() as progress:
        filling = progress.add_task(f"{profile}: filling reviews", total=sizes[-1])
        return pages.measure(settings, sizes, lambda there: progress.update(filling, completed=there))


def _synthesis(profile: str, sizes: tuple[int, ...]) -> list[synthesis.Run]:
    """What one arrival costs a review with so many links, in a database of its own."""
    with _own(profile) as settings, _progress() as progress:
        filling = progress.add_task(f"{profile}: linking evidence", total=sizes[-1])
        with closing(Database(settings.resolved(settings.database_url, "synthesis"))) as database:
            tell = lambda there: progress.update(filling, completed=there)  # noqa: E731
            return synthesis.measure(database, settings, sizes, tell)


@contextmanager
def _own(profile: str) -> Iterator[Settings]:
    """Settings that lead to a database and an index of one measure's own."""
    mark = new_id("bench")[:24]
    with _folder() as folder, servers.addresses(mark) if profile == "real" else nullcontext({}) as variables:
        yield servers.read({"LIVING_DATA_DIR": str(folder), **variables})


def _cli_cost() -> dict[str, float]:
    """What the command line costs, where there is a measure of it."""
    if importlib.util.find_spec("bench.cli_cost") is None:
        return {}
    return importlib.import_module("bench.cli_cost").measure()


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


if __name__ == "__main__":
    try:
        app()
    except LivingError as error:
        err.print(error.detail, style="bold red", highlight=False, soft_wrap=True)
        sys.exit(1)
