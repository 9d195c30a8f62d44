"""`living synthesis`: what the theories are now, what they rest on, what changed - and signing it."""

from __future__ import annotations

import sys
from typing import Any

from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import day, out, print_json, print_rows, table

app = Group(help="Theories, their evidence, signed revisions.")

_STYLE = {"supported": "green", "partially_supported": "yellow", "contested": "red", "no_evidence": "dim"}


@app.command("show", example="living synthesis show ics-leadership --revision 5")
@REVIEW
@option("--revision", type=int, help="A published revision; the newest without.")
@option("--draft", is_flag=True, help="What would be published now instead.")
@AS_JSON
def show(review: str, revision: int | None, draft: bool, as_json: bool) -> None:
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
        f"on {day(content.signed_at)}\n{content.summary}\n",
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


@app.command("diff", example="living synthesis diff ics-leadership 5 6")
@REVIEW
@argument("before", "The earlier revision's number.", type=int)
@argument("after", "The later revision's number.", type=int)
@AS_JSON
def diff(review: str, before: int, after: int, as_json: bool) -> None:
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


@app.command("revisions", example="living synthesis revisions ics-leadership")
@REVIEW
@AS_JSON
def revisions(review: str, as_json: bool) -> None:
    """List the signed revisions, oldest first."""
    with client() as living:
        rows = list(living.synthesis.revisions(review))
    columns = [
        ("number", lambda row: row.number),
        ("cycle", lambda row: row.cycle),
        ("class", lambda row: row.change_class),
        ("signed by", lambda row: row.signed_by),
        ("on", lambda row: day(row.signed_at)),
        ("summary", lambda row: row.summary),
        ("drill", lambda row: "drill" if row.drill else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="No revision is signed yet.")


@app.command("evidence", example="living synthesis evidence ics-leadership --cmoc cmoc-5")
@REVIEW
@option("--cmoc", help="Only what bears on this CMOC.")
@option("--record", help="Only what this record says.")
@AS_JSON
def evidence(review: str, cmoc: str | None, record: str | None, as_json: bool) -> None:
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


@app.command("sign", example="LIVING_TOKEN=$DORA living synthesis sign shared-records --summary 'One more report.'")
@REVIEW
@option("--summary", required=True, help="What this revision says, in a sentence or two.")
@option("--drill", is_flag=True, help="Label it as an exercise.")
@AS_JSON
def sign(review: str, summary: str, drill: bool, as_json: bool) -> None:
    """Sign the draft as it is now: it becomes the next revision, under your name.

    Needs a lead's own token in LIVING_TOKEN. Read it first: `living synthesis show REVIEW --draft`.
    """
    with acting("signing", review, "lead") as living:
        draft = living.synthesis.draft(review)
        seen = {"fragments_sha256": draft.fragments_sha256, "draft": draft.draft}
        revision = living.synthesis.sign(review, {**seen, "summary": summary, "drill": drill})
    if as_json:
        print_json(revision)
    else:
        out.print(f"revision {revision.content.number} is signed: {revision.content.change_class}")


@app.command("verify", example="living synthesis verify ics-leadership 5")
@REVIEW
@argument("revision", "The revision's number.", type=int)
def verify(review: str, revision: int) -> None:
    """Check that a revision is still what was signed; exits 1 when it is not."""
    with client() as living:
        verified = living.synthesis.verify(review, revision)
    out.print("It is what was signed." if verified.holds else "\n".join(verified.faults))
    if not verified.holds:
        sys.exit(1)


def _show_draft(draft: Any, as_json: bool) -> None:
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
