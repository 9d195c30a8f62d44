"""`living queue`: the screening queue from a terminal - take a record, read it, answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.console import Group as Parts
from rich.panel import Panel
from rich.text import Text

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import err, minute, out, print_json, print_line, print_rows, table
from shared.errors import Invalid

if TYPE_CHECKING:
    from shared.events.protocol import Cmoc
    from shared.events.screening import VoteCast
    from shared.events.stages import FormField
    from shared.wire.screening import RecordView, TaskInHand

app = Group(help="The screening queue: take a record, read it, answer.")

#: What each kind of a form's field takes.
_KINDS = {"text": "text", "choice": "one of", "choices": "any of", "cmocs": "any of"}

#: How many authors are shown, and how many characters of each part of a CMOC.
_AUTHORS, _GIST = 3, 60


_FIELD = option(
    "--field",
    multiple=True,
    help="A field of the stage's form, `name=value`, as `living queue next` lists them; repeat it for several values.",
)


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


@app.command("next", example="living queue next shared-records --stage title_abstract")
@REVIEW
@option("--stage", help="Only from this stage.")
@option("--conflict", is_flag=True, help="A conflict to decide, for adjudicators or its voters.")
@AS_JSON
def next_(review: str, stage: str | None, conflict: bool, as_json: bool) -> None:
    """Take the next record: it is kept for you for a while. Shows it, the question, and how to answer.

    Needs your own key, for it is you who holds the record.
    """
    with acting("taking a record", review, "adjudicator" if conflict else "reviewer") as living:
        task = living.screening.claim(review, stage, "conflict" if conflict else "screening")
        called = called_in(living, review) if task is not None and task.votes and not as_json else str
    if task is not None and stage not in (None, task.stage):
        err.print(
            f"You still hold a {'conflict' if conflict else 'record'} of stage {task.stage!r}, which comes first. "
            f"Answer it, or give it back: living queue release {review} {task.lease}",
            style="yellow", soft_wrap=True, highlight=False, markup=False,
        )  # fmt: skip
    if as_json:
        print_json(task)
    elif task is None:
        out.print("Nothing waits for you.")
    else:
        _show(review, task, called)


@app.command("look", example="living queue look shared-records lease_01a2... exclude --reason 'no records'")
@REVIEW
@argument("lease", "The lease of a conflict that `living queue next --conflict` showed.")
@argument("answer", "One of the stage's answers.")
@option("--reason", help="Why.")
@_FIELD
@AS_JSON
def look(review: str, lease: str, answer: str, reason: str | None, field: tuple[str, ...], as_json: bool) -> None:
    """Give your own answer to a conflict of others, before you see a vote; then it is shown with its votes, to decide.

    Needs your own key. What you answer here is kept beside your decision, and is no vote.
    """
    given = _given(field)
    with acting("looking at a conflict", review, "adjudicator") as living:
        fields = _filled(living.screening.in_hand(review, lease).fields, given) if given else {}
        task = living.screening.look(review, lease, answer, reason, fields)
        called = called_in(living, review) if not as_json else str
    if as_json:
        print_json(task)
    else:
        _show(review, task, called)


@app.command("hand-over", example="living queue hand-over shared-records task_01a2... --reason 'we go in circles'")
@REVIEW
@argument("task", "A conflict that its voters decide, by its task's id: `living queue conflicts` lists them.")
@option("--reason", required=True, help="Why they cannot.")
@AS_JSON
def hand_over(review: str, task: str, reason: str, as_json: bool) -> None:
    """Have an adjudicator decide what its voters cannot agree on; for leads."""
    with client("lead") as living:
        given = living.screening.request_adjudication(review, task, reason)
    if as_json:
        print_json(given)
    else:
        print_line(f"{given.record} at {given.stage}: an adjudicator decides")


@app.command("conflicts", example="living queue conflicts shared-records")
@REVIEW
@option("--stage", help="Only of this stage.")
@AS_JSON
def conflicts(review: str, stage: str | None, as_json: bool) -> None:
    """List the conflicts that wait to be decided, in queue order."""
    with client() as living:
        rows = list(living.screening.conflicts(review, stage))
    columns = [
        ("task", lambda row: row.task),
        ("stage", lambda row: row.stage),
        ("record", lambda row: row.record),
        ("title", lambda row: row.title or ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no conflict waits")


@app.command("vote", example="living queue vote shared-records lease_01a2... exclude --reason 'no records'")
@REVIEW
@argument("lease", "The lease that `living queue next` showed.")
@argument("answer", "One of the stage's answers.")
@option("--reason", help="Why.")
@_FIELD
@AS_JSON
def vote(review: str, lease: str, answer: str, reason: str | None, field: tuple[str, ...], as_json: bool) -> None:
    """Answer for the record you hold. Needs your own key."""
    given = _given(field)
    with acting("voting", review) as living:
        # Only the form says whether a field takes one value or a list of them.
        fields = _filled(living.screening.in_hand(review, lease).fields, given) if given else {}
        receipt = living.screening.vote(review, lease, answer, reason, fields)
    if as_json:
        print_json(receipt)
    else:
        print_line(f"{receipt.record} at {receipt.stage}: {receipt.state}")


@app.command("release", example="living queue release shared-records lease_01a2...")
@REVIEW
@argument("lease", "The lease to give back.")
def release(review: str, lease: str) -> None:
    """Give a record back to the queue. Needs the key of whoever holds it."""
    with acting("giving a record back", review) as living:
        print_line(f"{living.screening.release(review, lease).lease}: given back")


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


def _show(review: str, task: TaskInHand, called: Callable[[str], str]) -> None:
    """Prints a task with all that is needed to answer it: the record, where its paper is, the form, the command."""
    # Another program gets no box: it has no width to draw one in.
    record = _record(task.record)
    out.print(Panel(record, title=Text(task.stage)) if out.is_terminal else Parts(Text(task.stage), record))
    for line in _citation(task.record):
        print_line(line, "dim")
    if task.record.restricted:
        print_line(f"Restricted: living records show {review} {task.record.record} has what it says.", "yellow")
    out.print()
    out.print(table(["", ""], _form(task, called), show_header=False))
    needed = "".join(f" --field {field.name}=..." for field in task.fields if field.required)
    out.print()
    if _is_to_look(task):
        print_line("Your own answer first; then you see the votes, and decide.", "dim")
    step = "look" if _is_to_look(task) else "vote"
    print_line(f"living queue {step} {review} {task.lease} ANSWER --reason '...'{needed}", "cyan")


def _is_to_look(task: TaskInHand) -> bool:
    """Whether somebody is to answer before they see the votes; a platform of before shows these at once."""
    return (
        task.kind == "conflict"
        and hasattr(task, "look")
        and task.look is None
        and not getattr(task, "decided_by_voters", False)
    )


def _record(record: RecordView) -> Parts:
    authors = [*record.authors[:_AUTHORS], *(["et al."] if len(record.authors) > _AUTHORS else [])]
    about = " · ".join(str(part) for part in ("; ".join(authors), record.venue, record.published) if part)
    parts = [
        Text(record.title or "[no title]", style="bold"),
        Text(about, style="dim"),
        Text(""),
        Text(record.abstract or "No abstract.", style="" if record.abstract else "dim"),
    ]
    flags = [
        Text(f"{flag.kind}{' (drill)' if flag.drill else ''}: {flag.reason}", style="red") for flag in record.flags
    ]
    return Parts(*parts, *flags)


def _citation(record: RecordView) -> list[str]:
    """Where one finds the paper, and the record's id, which `living events trace` takes."""
    lines = [
        f"https://doi.org/{name}" if kind == "doi" else f"{kind.upper()} {name}"
        for kind, name in record.identifiers.items()
    ]
    return [*lines, record.record]


def _form(task: TaskInHand, called: Callable[[str], str]) -> list[list[str]]:
    """What may be answered, line by line: the answers, then each field as `--field` takes it."""
    answers = [
        f"{answer.value} (needs a --reason)" if answer.reason_required else answer.value for answer in task.answers
    ]
    lines = [["question", task.question], ["answers", ", ".join(answers)]]
    for field in task.fields:
        lines.append([f"--field {field.name}=", f"{field.label} ({_KINDS[field.kind]}{_needed(field)})"])
        if field.options:
            lines.append(["", ", ".join(field.options)])
        elif field.kind == "cmocs":
            lines += [["", f"{cmoc.id}: {_gist(cmoc)}"] for cmoc in task.cmocs]
    lines += [_voted(vote, called) for vote in task.votes]
    # A platform of before shows none.
    for other in getattr(task, "elsewhere", ()):
        lines += [_voted(vote, called, f" on {other.record}, the same work") for vote in other.votes]
    lines += [
        [f"{called(it.person)} stands by", ": ".join(filter(None, (it.answer, it.reason)))]
        for it in getattr(task, "stands", ())
    ]
    return [*lines, ["kept for you until", minute(task.expires_at)]]


def _voted(vote: VoteCast, called: Callable[[str], str], where: str = "") -> list[str]:
    return [f"{called(vote.person)} voted{where}", ": ".join(filter(None, (vote.answer, vote.reason)))]


def _needed(field: FormField) -> str:
    return ", required" if field.required else ", may be left out"


def _gist(cmoc: Cmoc) -> str:
    """A CMOC has no title: what is offered and what follows tell it from others."""
    return " -> ".join(shorten(part, _GIST, placeholder="...") for part in (cmoc.resource, cmoc.outcome))


def _given(pairs: Iterable[str]) -> dict[str, list[str]]:
    """`name=value` pairs as the values of each name. Raises Invalid for a pair that lacks one of the two."""
    given: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name.strip() or not value.strip():
            raise Invalid(f"--field {pair!r}: write it as name=value, or leave the field out")
        given.setdefault(name.strip(), []).append(value)
    return given


def _filled(form: Iterable[FormField], given: Mapping[str, list[str]]) -> dict[str, str | list[str]]:
    """The values as the form's fields take them: a list for a field of several, else a text.

    Raises Invalid for several values of a field that takes one. A field that the form does not have goes as it is:
    the platform says so, with everything else that is wrong.
    """
    kinds = {field.name: field.kind for field in form}
    for name, values in given.items():
        if len(values) > 1 and kinds.get(name) in ("text", "choice"):
            raise Invalid(f"--field {name}: takes one value, and {len(values)} are given: {', '.join(values)}")
    return {name: values if kinds.get(name) in ("choices", "cmocs") else values[0] for name, values in given.items()}
