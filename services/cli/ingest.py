"""`living ingest`: what sources answered - what of it is no record, and reading it again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.text import Text

from services.cli import ahead, corrections, decisions, imports, searches, watches
from services.cli.commands import AS_JSON, REVIEW, Command, Group, argument, option, reason
from services.cli.context import acting, client, require_review, settings
from services.cli.copies import copies
from services.cli.duplicates import duplicates, record
from services.cli.printing import counted, err, minute, out, print_json, print_rows
from services.cli.quota import quota
from services.cli.watches import WATCH, called
from shared.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.ingest import CitationView, ReparseView

app = Group(help="What sources answer: ahead of a run, after it, and whether they are as we know them.")
app.add_command(quota)
app.add_command(copies)
app.add_command(record)
app.add_command(duplicates)
for group in (ahead.app, watches.app, imports.app, searches.app, decisions.app, corrections.app):
    for command in group.commands.values():
        app.add_command(command)

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}

_SOURCE = option("--source", help="Only what this source sent.")


def listing_of_rejections(group: str) -> Command:
    """The command that lists rejections, as it stands in a group of commands."""

    @REVIEW
    @_SOURCE
    @option("--run", help="A run of a watch, by its id; all runs without.")
    @option("--open", "is_open", is_flag=True, help="Only what is no record even after its answer was read again.")
    @AS_JSON
    def rejections(review: str, source: str | None, run: str | None, is_open: bool, as_json: bool) -> None:
        """List the items that sources sent and that are no usable records, each with its reason."""
        with client("lead") as living:
            _require_source(living, review, source)
            found = living.ingest.rejections_of_review(review, source=source, run=run, open=True if is_open else None)
            rows = list(found)
        columns = [
            ("source", lambda row: row.source),
            ("run", lambda row: row.run),
            ("item", lambda row: row.source_id or f"page {row.page}, {row.position}"),
            ("why", lambda row: row.reason),
            ("it begins", lambda row: row.excerpt[:60]),
            ("now", lambda row: row.record or ("a record" if row.resolved_at else "")),
        ]
        print_rows(rows, columns, as_json=as_json, empty="nothing was rejected")

    return Command(
        "rejections",
        callback=rejections,
        params=list(reversed(rejections.__click_params__)),  # type: ignore[attr-defined]  # click puts them there
        help=rejections.__doc__,
        example=f"living {group} rejections shared-records --source openalex",
    )


app.add_command(listing_of_rejections("ingest"))


@app.command("reparse", example="living ingest reparse shared-records --source pubmed")
@REVIEW
@_SOURCE
@option("--run", help="Only what was answered during this run of a watch.")
@AS_JSON
def reparse(review: str, source: str | None, run: str | None, as_json: bool) -> None:
    """Read every kept answer again, as sources are read today, and take in what has changed; for leads.

    No source is asked. Of each work the newest answer counts, and what does not change is told to nobody.
    """
    with client("lead") as living:
        _reparse(living, review, source=source, run=run, rejected=False, as_json=as_json)


@app.command("retry", example="living ingest retry shared-records")
@REVIEW
@_SOURCE
@AS_JSON
def retry(review: str, source: str | None, as_json: bool) -> None:
    """Read those kept answers again that have rejected items, after what rejected them was mended; for leads."""
    with client("lead") as living:
        _reparse(living, review, source=source, run=None, rejected=True, as_json=as_json)


@app.command("accept", example="living ingest accept shared-records pubmed --lacking 2 --reason 'listed twice'")
@REVIEW
@WATCH
@option("--lacking", type=click.IntRange(0), required=True, help="How many works its last run lacks; 0 takes it back.")
@reason()
@AS_JSON
def accept(review: str, watch: str, lacking: int, reason: str, as_json: bool) -> None:
    """Accept what the last run of a watch lacks, as where its source counts a work twice; for leads.

    From then on a run of the same purpose that lacks no more works, and none by its id that this one does not, is
    complete; it is made at once. What is new is held to it only for days up to those of this run. It ends when the
    strategy asks something else. Of a strategy that is searched by hand it is the open search that lacks, and is made.
    """
    with (
        acting("accepting what a source does not give", review, "lead") as living,
        called(living, review, watch) as found,
    ):
        view = living.ingest.accept(review, found.watch, lacking=lacking, reason=reason)
    if as_json:
        print_json(view)
    elif view.purpose == "manual":
        out.print(f"{view.strategy}: searched on {view.searched_through}, with what lacks")
    elif not view.accepted:
        out.print(f"{view.strategy}: a run is complete only where nothing lacks, again")
    for each in [] if as_json else view.accepted:
        missing = f", of those that are listed none but {', '.join(each.missing)}" if each.missing else ""
        out.print(f"{view.strategy} may lack {counted(each.lacking, 'work')} {each.where}{missing}", soft_wrap=True)
    if view.accepted and lacking and not as_json:
        paused = f"it is paused, and pulled again once it is resumed: living ingest resume {review} {view.strategy}"
        out.print(paused if view.state == "paused" else "its next run is on its way", soft_wrap=True)


@app.command("citations", example="living ingest citations shared-records --record rec_01a2")
@REVIEW
@option("--record", help="Only of this record.")
@AS_JSON
def citations(review: str, record: str | None, as_json: bool) -> None:
    """List what a chase of citations found, and which included reports cite it or are cited by it."""
    with client() as living:
        if record is not None:
            living.ingest.record(review, record)
        rows = list(living.ingest.citations(review, record=record))
        empty = "" if rows or as_json else _nothing_found(living, review, record)
    if as_json:
        print_json(rows)
        return
    links: dict[tuple[str, str, str], list[CitationView]] = {}
    for row in rows:
        links.setdefault((row.record, row.report, row.direction), []).append(row)
    columns: list[tuple[str, Callable[[list[CitationView]], object]]] = [
        ("record", lambda link: link[0].record),
        ("its title", lambda link: link[0].title),
        ("it is", lambda link: getattr(link[0], "record_standing", "?")),
        ("how", lambda link: "is cited by" if link[0].direction == "backward" else "cites"),
        ("report", lambda link: link[0].report_title),
        ("report is", lambda link: link[0].standing),
        ("sources", lambda link: ", ".join(sorted({one.source for one in link}))),
    ]
    print_rows(links.values(), columns, as_json=False, empty=empty)


@app.command("probe", example="living ingest probe pubmed\nliving ingest probe")
@argument("source", "One source; all of them without.", required=False)
@option("--strategy", help="What to ask the source, in its own syntax, in place of a question of ours.")
@option("--days", help="How many days back works are asked for.", type=click.IntRange(1, 20_000), default=60)
@AS_JSON
def probe(source: str | None, strategy: str | None, days: int, as_json: bool) -> None:
    """Ask the live sources for a small page each, with your settings, and hold it against all that we need of them.

    It asks no platform and keeps nothing. The exit code is 1 where something fails.
    """
    from datetime import UTC, datetime

    import httpx

    from services.ingest.ports.sources.catalog import open_sources
    from services.ingest.ports.sources.probing import Finding, query_of
    from services.ingest.ports.sources.probing import probe as ask

    if strategy is not None and source is None:
        raise click.UsageError("--strategy is in the syntax of one source: name it")
    with httpx.Client() as http:
        sources = open_sources(settings(), http)
        if source is not None and source not in sources:
            raise NotFound(f"there is no source {source!r}; there are: {', '.join(sorted(sources))}")
        found: list[Finding] = []
        for one in [sources[source]] if source else sources.values():
            for finding in ask(one, query_of(one, datetime.now(UTC).date(), strategy, days)):
                found.append(finding)
                if not as_json:
                    line = Text.assemble((f"{finding.state:5}", _STYLES[finding.state]), f"{one.name:16}")
                    out.print(line.append(f"{finding.check:10} {finding.said}"), soft_wrap=True)
    if as_json:
        print_json([asdict(finding) for finding in found])
    if any(finding.state == "fail" for finding in found):
        sys.exit(1)


def _nothing_found(living: Client, review: str, record: str | None) -> str:
    """What is so where a chase found nothing: of this record, or of all."""
    if record is not None:
        return f"no chase of citations found {record}"
    chases = [it for it in living.ingest.watches(review, purpose="citations") if it.state != "retired"]
    if not chases:
        return "no citations are chased: the protocol has no `citations`"
    lines = ["no chase of citations found anything:"]
    for chase in chases:
        run = chase.last_run
        if run is None:
            lines.append(f"  {chase.source} was not asked yet, and is due at {minute(chase.due_at)}")
            continue
        lines.append(
            f"  {chase.source} was asked last at {minute(run.started_at)}: {run.state}, {run.counts.found} found"
        )
        lines += [f"    {said}" for said in [*filter(None, [run.error]), *run.remarks]]
    return "\n".join(lines)


def _reparse(
    living: Client, review: str, *, source: str | None, run: str | None, rejected: bool, as_json: bool
) -> None:
    """Asks for it, shows how far it is, and tells what came of it. Raises Unavailable where it failed."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    view = living.ingest.request_reparse(review, source=source, run=run, rejected=rejected)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True) as bar:
        task = bar.add_task("waiting for its turn")
        while view.state not in ("done", "failed"):
            time.sleep(0.5)
            view = living.ingest.reparse(review, view.reparse)
            bar.update(task, description=f"{view.state}: {counted(view.answers, 'answer')} read")
    if as_json:
        print_json(view)
    elif rejected and not view.answers and not any(_open_rejections(living, review, source)):
        out.print("nothing is rejected, so there was nothing to read again")
    else:
        _tell(view)
    if view.state == "failed":
        raise Unavailable(f"it ended early, and what was read before stays: {view.error}")


def _open_rejections(living: Client, review: str, source: str | None) -> Iterator[object]:
    return living.ingest.rejections_of_review(review, source=source, open=True)


def _tell(view: ReparseView) -> None:
    out.print(
        f"{counted(view.answers, 'answer')} read again: {view.new} new, {view.merged} duplicates, "
        f"{view.updated} updated, {view.unchanged} unchanged, {view.older} known from newer answers"
    )
    out.print(
        f"{view.resolved} rejected items are records now, {view.left} are none, {view.rejected} of them since now"
    )
    if view.lost:
        out.print(f"{counted(view.lost, 'answer')} not there any more: `living doctor` says which", style="yellow")
    if not view.answers:
        out.print(f"nothing to read was kept up to {minute(view.asked_at)} (LIVING_RAW_ANSWER_DAYS)")


def _require_source(living: Client, review: str, source: str | None) -> None:
    """Raises NotFound for a review that is none, and for a source that it does not ask."""
    watches = [*living.ingest.watches(review), *living.ingest.watches(review, purpose="citations")]
    if not watches:
        require_review(living, review)
    sources = list(dict.fromkeys(it.source for it in watches))
    if source is not None and source not in sources:
        raise NotFound(f"review {review!r} asks no source {source!r}; it asks: {', '.join(sources) or 'none'}")
