"""`living synthesis`: what the theories are now, what they rest on, what changed - and signing it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from services.cli.context import client
from services.cli.printing import AsJson, out, print_json, print_rows, table
from shared.wire.synthesis import SignDraft

app = typer.Typer(help="The synthesis: theories, evidence, revisions.", no_args_is_help=True)

Review = Annotated[str, typer.Argument(help="The review, such as ics-leadership.")]

_STYLE = {"supported": "green", "partially_supported": "yellow", "contested": "red", "no_evidence": "dim"}


@app.command()
def show(
    review: Review,
    revision: Annotated[int | None, typer.Option(help="A published revision; the newest without.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="What would be published now instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the theories: each CMOC with its status and how many studies stand behind it."""
    with client() as living:
        if draft:
            _show_draft(living.synthesis.draft(review), as_json)
            return
        numbers = [it.number for it in living.synthesis.revisions(review)] if revision is None else [revision]
        if not numbers:
            out.print("No revision is signed yet: living synthesis show --draft")
            return
        view = living.synthesis.revision(review, max(numbers))
    if as_json:
        print_json(view)
        return
    content = view.content
    out.print(f"[bold]{content.title}[/]", highlight=False)
    drill = ", a drill" if content.drill else ""
    out.print(
        f"revision {content.number}{drill}: {content.change_class}, signed by {content.signed_by} "
        f"on {content.signed_at:%Y-%m-%d}\n{content.summary}\n",
        highlight=False,
    )
    for theory in content.theories:
        out.print(Text(theory.heading, style="bold"), Text(theory.statement, style="dim"))
        for cmoc in content.cmocs:
            if cmoc.theory == theory.theory:
                out.print(_cmoc_line(cmoc.cmoc, cmoc.status, cmoc.support, cmoc.flagged))
                parts = [
                    ["context", cmoc.context], ["resource", cmoc.resource],
                    ["reasoning", cmoc.reasoning], ["outcome", cmoc.outcome],
                ]  # fmt: skip
                out.print(table(["", ""], [[f"    {name}", text] for name, text in parts], show_header=False))
        out.print()


@app.command()
def diff(
    review: Review,
    before: Annotated[int, typer.Argument(help="The earlier revision's number.")],
    after: Annotated[int, typer.Argument(help="The later revision's number.")],
    as_json: AsJson = False,
) -> None:
    """Print what changed between two revisions, CMOC by CMOC."""
    with client() as living:
        difference = living.synthesis.diff(review, before, after)
    columns = [
        ("CMOC", lambda change: change.cmoc),
        ("what", lambda change: change.what),
        ("before", lambda change: change.before),
        ("after", lambda change: change.after),
        ("class", lambda change: change.change_class),
    ]
    if as_json:
        print_json(difference)
    else:
        print_rows(difference.changes, columns, as_json=False, empty="Nothing changed.")


@app.command()
def revisions(review: Review, as_json: AsJson = False) -> None:
    """List the signed revisions, oldest first."""
    with client() as living:
        rows = list(living.synthesis.revisions(review))
    columns = [
        ("number", lambda row: row.number),
        ("cycle", lambda row: row.cycle),
        ("class", lambda row: row.change_class),
        ("signed by", lambda row: row.signed_by),
        ("on", lambda row: f"{row.signed_at:%Y-%m-%d}"),
        ("summary", lambda row: row.summary),
        ("drill", lambda row: "drill" if row.drill else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="No revision is signed yet.")


@app.command()
def evidence(
    review: Review,
    cmoc: Annotated[str | None, typer.Option(help="Only what bears on this CMOC.")] = None,
    record: Annotated[str | None, typer.Option(help="Only what this record says.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the coded links: what each number counts."""
    with client() as living:
        rows = list(living.synthesis.evidence(review, cmoc=cmoc, record=record))
    columns = [
        ("CMOC", lambda row: row.cmoc),
        ("element", lambda row: row.element),
        ("stance", lambda row: row.stance),
        ("report", lambda row: row.title),
        ("what it says", lambda row: row.paraphrase),
        ("stands", lambda row: "yes" if row.stands else row.why_not),
    ]
    print_rows(rows, columns, as_json=as_json, empty="Nothing is coded yet.")


@app.command()
def sign(
    review: Review,
    summary: Annotated[str, typer.Option(help="What this revision says, in a sentence or two.")],
    drill: Annotated[bool, typer.Option("--drill", help="Label it as an exercise.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign the draft as it is now: it becomes the next revision, under your name."""
    with client() as living:
        draft = living.synthesis.draft(review)
        signed = SignDraft(fragments_sha256=draft.fragments_sha256, draft=draft.draft, summary=summary, drill=drill)
        revision = living.synthesis.sign(review, signed)
    if as_json:
        print_json(revision)
    else:
        out.print(f"revision {revision.content.number} is signed: {revision.content.change_class}")


@app.command()
def verify(review: Review, revision: Annotated[int, typer.Argument(help="The revision's number.")]) -> None:
    """Check that a revision is still what was signed; exits 1 when it is not."""
    with client() as living:
        verified = living.synthesis.verify(review, revision)
    out.print("It is what was signed." if verified.holds else "\n".join(verified.faults))
    if not verified.holds:
        raise typer.Exit(1)


def _show_draft(draft, as_json: bool) -> None:  # type: ignore[no-untyped-def]
    if as_json:
        print_json(draft)
        return
    settled = "" if draft.settled else " (something that arrived is not taken in yet)"
    out.print(
        f"[bold]{draft.title}[/]\ndraft of revision {draft.number}: {draft.change_class}{settled}\n", highlight=False
    )
    for state in draft.states:
        out.print(_cmoc_line(state.cmoc, state.status, state.support, state.flagged))


def _cmoc_line(name: str, status: str, support: int, flagged: bool) -> Text:
    line = Text(f"  {name}  ", style="bold")
    line.append(status.replace("_", " "), style=_STYLE.get(status, ""))
    line.append(f"  {support} {'study' if support == 1 else 'studies'}")
    return line.append("  flagged: its evidence changed" if flagged else "", style="bold yellow")
