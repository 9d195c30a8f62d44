"""`living ingest import`: a team's library files are brought into a review, and what came of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.text import Text

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.decisions import read_mapping
from services.cli.printing import counted, err, minute, out, print_json, print_rows
from services.cli.searches import DAY, begun, came_to, query_of
from services.cli.sending import pieces_of, size_of
from shared.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from shared.client import Client
    from shared.wire.ingest import FileView, ImportView

Step = TypeVar("Step")

#: Rejected records of a file that are shown; all of them are listed by a command of their own.
_SHOWN = 10

_FORMATS = ("ris", "nbib", "ciw", "enw", "bibtex", "endnote", "csv", "tsv", "xlsx", "csl-json")

app = Group(help="Library files that are brought into a review.")


@app.command(
    "import",
    example="living ingest import shared-records library.ris\n"
    "living ingest import shared-records embase.ris --database embase --searched-on 2026-11-02 --reported 412 "
    '--query "leader* AND integrated"\n'
    "living ingest import shared-records library.csv --decisions decisions.yaml\n"
    "living ingest import shared-records a.ris b.ris --strategy embase --database Embase --query @embase.txt "
    "--searched-on 2026-11-02 --reported 1800",
)
@REVIEW
@argument("files", "Files of any program or database.", nargs=-1, required=True, type=click.Path(path_type=Path))
@option("--format", "format_", type=click.Choice(_FORMATS), help="What the files are; without it what they show.")
@option("--database", help="Where their records were found, such as embase; without it what the files show.")
@option("--searched-on", type=DAY, help="The day of the search.")
@option("--query", help="The exact string that was searched for; @FILE reads it from a file.")
@option("--reported", type=click.IntRange(0), help="How many records the database said it has.")
@option("--decisions", type=click.Path(path_type=Path), help="What their columns say was decided before (YAML).")
@option("--strategy", help="The strategy that was searched by hand: these files are of one search of it.")
@option("--search", help="More files of a search that is open: its id.")
@option("--again", is_flag=True, help="Bring a file also where it came before as one of another database.")
@AS_JSON
def import_(review: str, files: tuple[Path, ...], as_json: bool, **about: Any) -> None:
    """Bring library files into a review: each record with the file, the database and the search that it came from.

    RIS, NBIB, BibTeX, EndNote XML, CSV, TSV, XLSX, CSL-JSON, and Web of Science's .ciw. Duplicates are merged as with
    sources. The same file again changes nothing. Records that cannot be read are listed with their lines, while the
    rest goes in; for leads. What the files say was decided before is kept with `--decisions`, a mapping that `living
    ingest mapping` proposes; nothing of a file that does not fit it is taken in.

    With --strategy the files are all that a search by hand found, which is made once they hold as many records as were
    --reported; it names --database, --query and --searched-on too.
    """
    from rich.progress import BarColumn, Progress, TextColumn

    sizes = {path: size_of(path) for path in files}
    asked = _asked(about)
    views: list[ImportView] = []
    with acting("bringing files", review, "lead") as living:
        search = _search(living, review, asked, about)
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
        with Progress(*columns, console=err, transient=True) as bar:
            sending = (_send(living, review, path, size, bar) for path, size in sizes.items())
            asking = (_ask(living, review, path, file, asked, task) for path, file, task in _together(sending, search))
            for view, task in _together(asking, search):
                view = _taken_in(living, view, bar, task)
                views.append(view)
                if not as_json:
                    bar.console.print(_outcome(view), soft_wrap=True, highlight=False)
        if as_json:
            print_json(views)
        else:
            _list_rejected(living, review, views)
            _list_problems(views)
        if search is not None:
            for line in came_to(review, living.ingest.search(review, search)):
                err.print(line, soft_wrap=True)
    if failed := [view for view in views if view.state == "failed"]:
        raise Invalid("; ".join(str(view.error) for view in failed))


@app.command("imports", example="living ingest imports shared-records")
@REVIEW
@AS_JSON
def imports(review: str, as_json: bool) -> None:
    """List the files that were brought into a review, and what came of each."""
    with client() as living:
        rows = list(living.ingest.imports(review))
        called = called_in(living, review)
    columns: list[tuple[str, Callable[[Any], object]]] = [
        ("when", lambda row: minute(row.asked_at)),
        ("file", lambda row: row.name),
        ("database", lambda row: row.database or ""),
        ("searched on", lambda row: row.searched_on or ""),
        ("is", lambda row: row.state),
        ("records", lambda row: row.entries),
        ("new", lambda row: row.counts.new),
        ("duplicates", lambda row: row.counts.merged),
        ("not read", lambda row: row.counts.rejected),
        ("by", lambda row: called(row.asked_by)),
        ("what is wrong", lambda row: row.error or ""),
        ("remarks", lambda row: "; ".join(row.remarks)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no file was brought")


def _asked(about: dict[str, Any]) -> dict[str, object]:
    """What is said of the files, as the platform takes it."""
    searched: datetime | None = about["searched_on"]
    query: str | None = about["query"]
    asked = {
        "format": about["format_"], "database": about["database"], "query": query and query_of(query),
        "reported": about["reported"], "searched_on": searched and searched.date().isoformat(),
        "mapping": read_mapping(about["decisions"]), "again": about["again"] or None,
    }  # fmt: skip
    return {name: value for name, value in asked.items() if value is not None}


def _search(living: Client, review: str, asked: dict[str, object], about: dict[str, Any]) -> str | None:
    """The search that the files are of: a new one of a strategy, or one that is there; then it says how they were
    found, and they say nothing of that."""
    if about["strategy"] is None and about["search"] is None:
        return None
    if about["strategy"] is not None and about["search"] is not None:
        raise Invalid("--strategy begins a search, and --search is one: give one of them")
    search: str = about["search"] or begun(living, review, about["strategy"], asked).search
    if about["strategy"] is not None:
        err.print(f"search {search}", highlight=False)
        for name in ("database", "query", "searched_on", "reported"):
            asked.pop(name)
    asked["search"] = search
    return search


def _together(steps: Iterator[Step], search: str | None) -> Iterable[Step]:
    """A step of all files before the next one of any, where they are of a search: it is made once all its files are in
    and add up, so that all of them must be there before any is in. Else each file goes its way by itself."""
    return list(steps) if search is not None else steps


def _send(living: Client, review: str, path: Path, size: int, bar: Progress) -> tuple[Path, FileView, TaskID]:
    task = bar.add_task(f"sending {path.name}", total=size)
    return path, living.ingest.upload(review, pieces_of(path, bar, task), size), task


def _ask(
    living: Client, review: str, path: Path, file: FileView, asked: dict[str, object], task: TaskID
) -> tuple[ImportView, TaskID]:
    return living.ingest.request_import(review, {"file": file.sha256, "name": path.name, **asked}), task


def _taken_in(living: Client, view: ImportView, bar: Progress, task: TaskID) -> ImportView:
    """Waits until the records of a file are in."""
    try:
        while view.state not in ("done", "failed"):
            time.sleep(0.3)
            view = living.ingest.imported(view.review, view.id)
            came = f"{view.name}: {counted(view.entries, 'record')}"
            bar.update(task, description=f"{came}; {view.error}" if view.error else came, completed=view.read)
    except Unavailable as lost:
        goes_on = f"{view.name} is there, and taken in whether you wait or not: living ingest imports {view.review}"
        raise Unavailable(f"{lost.detail}; {goes_on}", slug=lost.slug) from lost
    bar.remove_task(task)
    return view


def _outcome(view: ImportView) -> Text:
    """What came of a file, in a line or two."""
    line = Text(f"{view.name}: ", style="bold")
    if view.state == "failed":
        return line.append(str(view.error), style="red")
    what = f"{counted(view.entries, 'record')} of {view.database} ({view.format})"
    counts = view.counts
    line.append(
        f"{what}: {counts.new} new, {counts.merged} duplicates, {counts.updated} updated, {counts.unchanged} unchanged"
    )
    if view.repeated:
        line.append(f", {view.repeated} more than once in the file")
    if counts.rejected:
        line.append(f", {counts.rejected} not read", style="yellow")
    if view.mapping_sha256:
        line.append(f"\n  {_stated(view)}")
    if view.error:
        line.append(f"\n  {view.error}", style="yellow")
    for remark in view.remarks:
        line.append(f"\n  {remark}", style="dim")
    return line


def _stated(view: ImportView) -> str:
    """What it states was decided, of which nothing is applied here."""
    known = f", {view.stated - view.kept:,} known before" if view.stated > view.kept else ""
    decided = f"{view.kept:,} {'decision' if view.kept == 1 else 'decisions'} kept{known}"
    return f"{decided}; none is applied: living ingest decisions {view.review} --import {view.id}"


def _list_problems(views: list[ImportView]) -> None:
    """What does not fit a mapping; the first of them is in the error."""
    for problem in (problem for view in views for problem in view.problems):
        out.print(f"  {problem}", soft_wrap=True, highlight=False, markup=False)


def _list_rejected(living: Client, review: str, views: list[ImportView]) -> None:
    for view in views:
        if not view.counts.rejected or view.run is None:
            continue
        for number, row in enumerate(living.ingest.rejections(review, view.run)):
            if number == _SHOWN:
                out.print(f"  ... all of them: living ingest rejections {review} --run {view.run}", soft_wrap=True)
                break
            out.print(f"  {view.name}, {row.reason}: {row.excerpt[:60]}", soft_wrap=True, highlight=False, markup=False)
