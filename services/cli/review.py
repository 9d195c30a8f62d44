"""`living review`: protocols - check a file, apply it, see what it says and where its review stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from services.cli.context import client
from services.cli.printing import AsJson, out, print_json, print_rows, table
from services.protocol.domain import check as check_protocol

app = typer.Typer(help="Reviews and their protocols.", no_args_is_help=True)

Review = Annotated[str, typer.Argument(help="The review, such as ics-leadership.")]
File = Annotated[
    Path, typer.Argument(help="A protocol file, such as reviews/ics-leadership/protocol.yaml.", exists=True)
]


@app.command()
def check(file: File) -> None:
    """Check a protocol file without sending it anywhere; every error is told with its place and line."""
    protocol = check_protocol(file.read_bytes())
    out.print(
        f"{file}: review {protocol.review}, {len(protocol.stages)} stages, {len(protocol.cmocs)} CMOCs, no errors"
    )


@app.command()
def apply(file: File, as_json: AsJson = False) -> None:
    """Apply a protocol file. The same content again changes nothing; any other makes a new version."""
    text = file.read_bytes()
    with client() as living:
        applied = living.protocol.apply(check_protocol(text).review, text)
    if as_json:
        print_json(applied)
    else:
        told = "is applied" if applied.changed else "was applied before; nothing changed"
        out.print(f"{applied.review}: version {applied.version} {told}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the reviews that your token holds for."""
    with client() as living:
        rows = list(living.protocol.reviews())
    columns = [
        ("review", lambda row: row.review),
        ("title", lambda row: row.title),
        ("version", lambda row: row.version),
        ("by", lambda row: row.published_by),
        ("at", lambda row: f"{row.published_at:%Y-%m-%d}"),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no review has a protocol yet: living review apply FILE")


@app.command()
def show(
    review: Review,
    version: Annotated[int | None, typer.Option(help="Which version; the newest without.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a review's protocol, as YAML."""
    with client() as living:
        view = living.protocol.version(review, version) if version else living.protocol.newest(review)
    if as_json:
        print_json(view)
    else:
        print(f"# version {view.version}, by {view.published_by}, {view.published_at:%Y-%m-%d %H:%M} UTC")
        print(yaml.safe_dump(view.protocol.model_dump(mode="json"), sort_keys=False, allow_unicode=True), end="")


@app.command()
def status(review: Review, as_json: AsJson = False) -> None:
    """Where a review stands: its sources, its records on their way, its theories, its cadence."""
    with client() as living:
        funnel, synthesis = living.screening.funnel(review), living.synthesis.status(review)
        literature, watches = living.ingest.status(review), list(living.ingest.watches(review))
    if as_json:
        print_json({"literature": literature, "watches": watches, "screening": funnel, "synthesis": synthesis})
        return
    out.print(f"[bold]{synthesis.title}[/]\n")
    lines = [
        ["state", f"{synthesis.state}; next revision due {synthesis.next_due}"],
        ["revisions", f"{synthesis.revisions}, last {synthesis.last_published or 'never'}"],
        ["records", f"{literature.records} from {literature.source_records} source records"],
        ["screening", f"{funnel.screening} on their way, {funnel.included} included, {funnel.excluded} excluded"],
        *([f"left out by {rule}", count] for rule, count in funnel.by_rule.items()),
        ["re-judgements open", synthesis.open_rejudgements],
    ]
    out.print(table(["", ""], lines, show_header=False))
    out.print()
    stages = [[s.stage, s.entered, s.advanced, s.excluded, s.open, s.conflicts] for s in funnel.stages]
    out.print(table(["stage", "entered", "advanced", "excluded", "open", "conflicts"], stages))
    out.print()
    sources = [[watch.source, watch.strategy, watch.searched_through or "never"] for watch in watches]
    out.print(table(["source", "strategy", "searched through"], sources))
