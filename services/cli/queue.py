"""`living queue`: the screening queue from a terminal - take a record, read it, answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group as Parts
from rich.panel import Panel
from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import minute, out, print_json, print_rows, table
from shared.errors import Invalid

app = Group(help="The screening queue: take a record, read it, answer.")


@app.command("status", example="living queue status shared-records")
@REVIEW
@AS_JSON
def status(review: str, as_json: bool) -> None:
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


@app.command("next", example="LIVING_TOKEN=$ANA living queue next shared-records --stage title_abstract")
@REVIEW
@option("--stage", help="Only from this stage.")
@option("--conflict", is_flag=True, help="A conflict to decide, for adjudicators.")
@AS_JSON
def next_(review: str, stage: str | None, conflict: bool, as_json: bool) -> None:
    """Take the next record: it is kept for you for a while. Shows it, the question, and how to answer.

    Needs your own token in LIVING_TOKEN, for it is you who holds the record.
    """
    with acting("taking a record", review, "adjudicator" if conflict else "reviewer") as living:
        task = living.screening.claim(review, stage, "conflict" if conflict else "screening")
    if as_json:
        print_json(task)
    elif task is None:
        out.print("Nothing waits for you.")
    else:
        out.print(_shown(review, task))


@app.command(
    "vote", example="LIVING_TOKEN=$ANA living queue vote shared-records lease_01a2... exclude --reason 'no records'"
)
@REVIEW
@argument("lease", "The lease that `living queue next` showed.")
@argument("answer", "One of the stage's answers.")
@option("--reason", help="Why.")
@option("--field", multiple=True, help="A field of the stage's form, `name=value`; repeat it for several values.")
@AS_JSON
def vote(review: str, lease: str, answer: str, reason: str | None, field: tuple[str, ...], as_json: bool) -> None:
    """Answer for the record you hold. Needs your own token in LIVING_TOKEN."""
    fields = _fields(field)
    with acting("voting", review) as living:
        receipt = living.screening.vote(review, lease, answer, reason, fields)
    if as_json:
        print_json(receipt)
    else:
        out.print(f"{receipt.record} at {receipt.stage}: {receipt.state}")


@app.command("release", example="LIVING_TOKEN=$ANA living queue release shared-records lease_01a2...")
@REVIEW
@argument("lease", "The lease to give back.")
def release(review: str, lease: str) -> None:
    """Give a record back to the queue. Needs the token of whoever holds it."""
    with acting("giving a record back", review) as living:
        out.print(f"{living.screening.release(review, lease).lease}: given back")


@app.command("agreement", example="living queue agreement shared-records")
@REVIEW
@AS_JSON
def agreement(review: str, as_json: bool) -> None:
    """How far independent votes agree, stage by stage: counts, Cohen's kappa, and what is left out."""
    with client("lead") as living:
        rows = living.screening.agreement(review)
    columns = [
        ("stage", lambda row: row.stage),
        ("tasks", lambda row: row.n),
        ("agreed", lambda row: row.agreed),
        ("kappa", lambda row: "" if row.kappa is None else f"{row.kappa:.2f}"),
        ("one vote", lambda row: row.one_vote),
        ("withheld", lambda row: row.withheld),
        ("answers", lambda row: ", ".join(f"{pair.first}/{pair.second} {pair.n}" for pair in row.pairs)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no stage has votes to compare yet")


def _shown(review: str, task: Any) -> Parts:
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
        ["kept for you until", minute(task.expires_at)],
    ]
    how = f"living queue vote {review} {task.lease} ANSWER --reason '...'"
    return Parts(
        Panel(Parts(*parts), title=Text(f"{task.stage}: {task.question}")),  # type: ignore[arg-type]
        table(["", ""], lines, show_header=False),
        Text(f"\n{how}", style="cyan"),
    )


def _fields(given: Iterable[str]) -> dict[str, str | list[str]]:
    """`name=value` pairs as the form's fields; a name given several times is a list."""
    fields: dict[str, str | list[str]] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Invalid(f"--field {pair!r}: write it as name=value")
        before = fields.get(name)
        fields[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return fields
