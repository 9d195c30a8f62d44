"""`living queue`: the screening queue from a terminal - take a record, read it, answer."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from services.cli.context import client
from services.cli.printing import AsJson, out, print_json, print_rows, table
from shared.errors import Invalid
from shared.wire.screening import TaskInHand

app = typer.Typer(help="The queue: take a record, read it, answer.", no_args_is_help=True)

Review = Annotated[str, typer.Argument(help="The review, such as ics-leadership.")]


@app.command()
def status(review: Review, as_json: AsJson = False) -> None:
    """How each stage stands: what waits, what is in hand, conflicts, what is decided."""
    with client() as living:
        rows = living.screening.queue(review)
    columns = [
        ("stage", lambda row: row.stage),
        ("open", lambda row: row.open),
        ("in hand", lambda row: row.in_hand),
        ("conflicts", lambda row: row.conflicts),
        ("decided", lambda row: row.decided),
    ]
    print_rows(rows, columns, as_json=as_json, empty="the protocol has no stages")


@app.command("next")
def next_(
    review: Review,
    stage: Annotated[str | None, typer.Option(help="Only from this stage.")] = None,
    conflict: Annotated[bool, typer.Option("--conflict", help="A conflict to decide, for adjudicators.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take the next record: it is kept for you for a while. Shows it, the question, and how to answer."""
    with client() as living:
        task = living.screening.claim(review, stage, "conflict" if conflict else "screening")
    if as_json:
        print_json(task)
    elif task is None:
        out.print("Nothing waits for you.")
    else:
        out.print(_shown(review, task))


@app.command()
def vote(
    review: Review,
    lease: Annotated[str, typer.Argument(help="The lease that `living queue next` showed.")],
    answer: Annotated[str, typer.Argument(help="One of the stage's answers.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="A field of the stage's form, `name=value`; repeat it for several values.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer for the record you hold."""
    with client() as living:
        receipt = living.screening.vote(review, lease, answer, reason, _fields(field or []))
    if as_json:
        print_json(receipt)
    else:
        out.print(f"{receipt.record} at {receipt.stage}: {receipt.state}")


@app.command()
def release(review: Review, lease: Annotated[str, typer.Argument(help="The lease to give back.")]) -> None:
    """Give a record back to the queue."""
    with client() as living:
        out.print(f"{living.screening.release(review, lease).lease}: given back")


@app.command()
def agreement(review: Review, as_json: AsJson = False) -> None:
    """How far independent votes agree, stage by stage: counts, and Cohen's kappa."""
    with client() as living:
        rows = living.screening.agreement(review)
    columns = [
        ("stage", lambda row: row.stage),
        ("tasks", lambda row: row.n),
        ("agreed", lambda row: row.agreed),
        ("kappa", lambda row: "" if row.kappa is None else f"{row.kappa:.2f}"),
        ("answers", lambda row: ", ".join(f"{pair.first}/{pair.second} {pair.n}" for pair in row.pairs)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no stage has votes to compare yet")


def _shown(review: str, task: TaskInHand) -> Group:
    record = task.record
    about = " · ".join(str(part) for part in ("; ".join(record.authors[:3]), record.venue, record.published) if part)
    parts: list[object] = [
        Text(record.title or "[no title]", style="bold"),
        Text(about, style="dim"),
        Text(""),
        Text(record.abstract or "No abstract.", style="" if record.abstract else "dim"),
    ]
    parts += [
        Text(f"{flag.kind}{' (drill)' if flag.drill else ''}: {flag.reason}", style="red") for flag in record.flags
    ]
    answers = ", ".join(answer.value for answer in task.answers)
    lines = [
        ["answers", answers],
        *([field.label, ", ".join(field.options) or field.kind] for field in task.fields),
        *([f"{vote.person} voted", f"{vote.answer}: {vote.reason or ''}"] for vote in task.votes),
        ["kept for you until", f"{task.expires_at:%Y-%m-%d %H:%M} UTC"],
    ]
    how = f"living queue vote {review} {task.lease} ANSWER --reason '...'"
    return Group(
        Panel(Group(*parts), title=Text(f"{task.stage}: {task.question}")),  # type: ignore[arg-type]
        table(["", ""], lines, show_header=False),
        Text(f"\n{how}", style="cyan"),
    )


def _fields(given: list[str]) -> dict[str, str | list[str]]:
    """`name=value` pairs as the form's fields; a name given several times is a list."""
    fields: dict[str, str | list[str]] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Invalid(f"--field {pair!r}: write it as name=value")
        before = fields.get(name)
        fields[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return fields
