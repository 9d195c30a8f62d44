"""`living queue batch` and `living queue decisions`: the same for many records at once, as leads ask for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, Group, argument, option, reason
from services.cli.context import acting, client
from services.cli.printing import counted, err, minute, print_json, print_line, print_rows
from shared.client import Client
from shared.errors import Invalid, LivingError, Unavailable

if TYPE_CHECKING:
    from shared.wire.screening import BatchView, Outcome, StatedDecisions

Did = TypeVar("Did", bound=Callable[..., Any])

_DAY = click.DateTime(["%Y-%m-%d"])
_BATCH = argument("batch", "A batch, as `living queue batch list` lists it.")
_STAGE = option("--stage", required=True, help="The stage at which they are.")
_REASON = reason("Why, for whoever reads it later.")
_EXCLUDED_FOR = option("--excluded-for", "excluded_for", help="Which of the stage's reasons they are out for.")
_JUDGED_FOR = option(
    "--judged-for", "judged_for", multiple=True, help="A CMOC that they are judged for; again for more."
)

#: Seconds between two looks at how far a batch is.
_PAUSE = 0.3

#: The states in which a batch is over.
_OVER = ("carried_out", "undone")

#: Records left alone that are shown; all of them are listed by a command of their own.
_SHOWN = 10

app = Group(name="batch", help="The same for many records at once, for leads: ask for it, look at it, undo it.")


def _which(command: Did) -> Did:
    """The options that say which records a batch is for."""
    options = [
        _STAGE,
        option("--record", "records", multiple=True, help="A record, by its id; again for more."),
        option("--records", "file", type=click.Path(dir_okay=False, path_type=Path), help="A file of ids, one a line."),
        option(
            "--state",
            type=click.Choice(["open", "conflict", "parked", "advanced", "excluded"]),
            help="Those whose task at the stage is in this state.",
        ),
        option("--source", help="Those that this source brought first."),
        option("--published-before", type=_DAY, help="Those that were published before this day."),
        option("--published-after", type=_DAY, help="Those that were published after this day."),
        option("--stated", help="Those about which a file states this answer at the stage."),
        option("--all", "every", is_flag=True, help="All of the stage in which there is something to do."),
    ]
    for add in reversed(options):
        command = add(command)
    return command


@click.command("decisions", cls=Command, example="living queue decisions shared-records")
@REVIEW
@AS_JSON
def decisions(review: str, as_json: bool) -> None:
    """How many decisions of before files state, by file, stage and answer, and how many are applied; for leads.

    `living ingest decisions` lists them one by one, `living queue batch apply` applies them.
    """
    with acting("looking at what was decided before", review, "lead") as living:
        rows = living.screening.decisions(review)
        files = _names(living, review) if rows and not as_json else {}
    columns: list[tuple[str, Callable[[StatedDecisions], object]]] = [
        ("import", lambda row: row.imported),
        ("file", lambda row: files.get(row.imported, row.file_sha256[:12])),
        ("stage", lambda row: row.stage),
        ("answer", lambda row: row.answer),
        ("stated", lambda row: row.stated),
        ("applied", lambda row: row.applied),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no file states a decision")


@app.command(
    "apply",
    example="living queue batch apply shared-records --import import_01a2... --stage title_abstract "
    "--answer include=include --answer exclude=exclude:setting --reason 'screened in Covidence in 2023'",
)
@REVIEW
@option("--import", "imported", required=True, help="The file, by the id of its import.")
@_STAGE
@option(
    "--answer",
    "answers",
    multiple=True,
    required=True,
    help="What a stated answer is here: `stated=answer`, or `stated=answer:reason` for one of the stage's reasons; "
    "again for more. Those that are not named are passed over.",
)
@_JUDGED_FOR
@_REASON
@AS_JSON
def apply(
    review: str,
    imported: str,
    stage: str,
    answers: tuple[str, ...],
    judged_for: tuple[str, ...],
    reason: str,
    as_json: bool,
) -> None:
    """Apply the decisions that a file states at a stage, which nobody has voted on; for leads. Needs your own key.

    They are no votes and no part of agreement, and a line of their own in the flow.
    """
    mapping = _mapping(answers, judged_for)
    _ask(
        review,
        {"kind": "imported", "stage": stage, "reason": reason, "imported": imported, "mapping": mapping},
        as_json,
    )


@app.command(
    "decide",
    example="living queue batch decide shared-records exclude --stage title_abstract --published-before 2010-01-01 "
    "--excluded-for too-old --reason 'the protocol begins in 2010'",
)
@REVIEW
@argument("answer", "One of the stage's answers that decide.")
@_which
@_EXCLUDED_FOR
@_JUDGED_FOR
@_REASON
@AS_JSON
def decide(
    review: str, answer: str, excluded_for: str | None, judged_for: tuple[str, ...], as_json: bool, **about: Any
) -> None:
    """Decide records yourself that nobody has voted on; for leads. Needs your own key. It is no vote."""
    asked = {"answer": answer, "excluded_for": excluded_for, "judged_for": list(judged_for) or None}
    _ask(review, {"kind": "decide", **_records(about), **asked}, as_json)


@app.command(
    "park",
    example="living queue batch park shared-records --stage full_text --source scopus --until 2027-01-31 "
    "--reason 'the library is closed'",
)
@REVIEW
@_which
@option("--until", type=_DAY, help="The day on which they come back by themselves.")
@_REASON
@AS_JSON
def park(review: str, until: datetime | None, as_json: bool, **about: Any) -> None:
    """Have nobody be given some records for now; for leads. Needs your own key."""
    _ask(review, {"kind": "park", **_records(about), "until": _day(until)}, as_json)


@app.command(
    "bring-back", example="living queue batch bring-back shared-records --stage full_text --all --reason 'it is open'"
)
@REVIEW
@_which
@_REASON
@AS_JSON
def bring_back(review: str, as_json: bool, **about: Any) -> None:
    """Bring parked records back to the queue; for leads. Needs your own key."""
    _ask(review, {"kind": "bring_back", **_records(about)}, as_json)


@app.command(
    "reopen",
    example="living queue batch reopen shared-records --stage title_abstract --state excluded "
    "--published-after 2019-12-31 --reason 'the question is wider now'",
)
@REVIEW
@_which
@option("--votes-stand", is_flag=True, help="Keep the votes, and have an adjudicator decide; else people vote anew.")
@_REASON
@AS_JSON
def reopen(review: str, votes_stand: bool, as_json: bool, **about: Any) -> None:
    """Have records decided again that were decided at a stage; for leads. Needs your own key."""
    _ask(review, {"kind": "reopen", **_records(about), "votes": "stand" if votes_stand else "anew"}, as_json)


@app.command("list", example="living queue batch list shared-records")
@REVIEW
@AS_JSON
def list_(review: str, as_json: bool) -> None:
    """List the batches of a review, the newest first; for leads."""
    with client("lead") as living:
        rows = list(living.screening.batches(review))
        called = called_in(living, review) if rows and not as_json else str
    columns: list[tuple[str, Callable[[BatchView], object]]] = [
        ("batch", lambda row: row.batch),
        ("when", lambda row: minute(row.asked_at)),
        ("kind", lambda row: row.kind),
        ("stage", lambda row: row.stage),
        ("is", lambda row: row.state),
        ("records", lambda row: row.n),
        ("done", lambda row: row.done),
        ("left alone", lambda row: _reasons(row.left_alone)),
        ("undone", lambda row: row.taken_back or ""),
        ("by", lambda row: called(row.asked_by)),
        ("why", lambda row: row.reason),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no batch was asked for")


@app.command("show", example="living queue batch show shared-records batch_01a2... --outcome left_alone")
@REVIEW
@_BATCH
@option("--outcome", type=click.Choice(["done", "left_alone"]), help="Only the records of which this came.")
@AS_JSON
def show(review: str, batch: str, outcome: Outcome | None, as_json: bool) -> None:
    """Show how far a batch is, and what became of each of its records; for leads."""
    with client("lead") as living:
        view = living.screening.batch(review, batch)
        rows = list(living.screening.batch_records(review, batch, outcome))
    if as_json:
        print_json({"batch": view, "records": rows})
        return
    _say(view)
    columns = [
        ("record", lambda row: row.record),
        ("title", lambda row: row.title or ""),
        ("became", lambda row: row.why or row.outcome or "its turn has not come"),
        ("undone", lambda row: row.undone_why or row.undone or ""),
    ]
    print_rows(rows, columns, as_json=False, empty="no record")


@app.command("undo", example="living queue batch undo shared-records batch_01a2... --reason 'the wrong file'")
@REVIEW
@_BATCH
@_REASON
@AS_JSON
def undo(review: str, batch: str, reason: str, as_json: bool) -> None:
    """Undo what a batch did, but for what went on since, such as a vote at the next stage; for leads. Needs your own
    key."""
    with acting("undoing a batch", review, "lead") as living:
        _follow(living, living.screening.undo_batch(review, batch, reason), as_json)


def _ask(review: str, asked: Mapping[str, object], as_json: bool) -> None:
    """Asks for a batch, and waits for it."""
    given = {name: value for name, value in asked.items() if value is not None}
    with acting("asking for a batch", review, "lead") as living:
        _follow(living, living.screening.request_batch(review, given), as_json)


def _follow(living: Client, view: BatchView, as_json: bool) -> None:
    """Waits until a batch is over, and says what came of it; it goes on whether anybody waits or not."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f}")
    review, batch = view.review, view.batch
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(batch, total=view.n)
        try:
            while view.state not in _OVER:
                time.sleep(_PAUSE)
                view = living.screening.batch(review, batch)
                is_undone = view.undone_at is not None
                gone = (view.taken_back, view.not_taken_back) if is_undone else (view.done, view.left_alone)
                bar.update(task, completed=gone[0] + sum(gone[1].values()), total=view.done if is_undone else view.n)
        except Unavailable as lost:
            goes_on = f"it goes on whether you wait or not: living queue batch show {review} {batch}"
            raise Unavailable(f"{lost.detail}; {goes_on}", slug=lost.slug) from lost
        except KeyboardInterrupt:
            err.print(f"it goes on: living queue batch show {review} {batch}", soft_wrap=True, highlight=False)
            raise
    if as_json:
        print_json(view)
        return
    _say(view)
    if view.left_alone and view.undone_at is None:
        for number, row in enumerate(living.screening.batch_records(review, batch, "left_alone")):
            if number == _SHOWN:
                print_line(f"  ... all of them: living queue batch show {review} {batch} --outcome left_alone")
                break
            print_line(f"  {row.record}: {row.why}")


def _say(view: BatchView) -> None:
    """How far a batch is, in a line or two."""
    print_line(f"{view.batch}: {view.kind} at {view.stage}, {counted(view.n, 'record')}: {view.reason}")
    waits = view.n - view.done - sum(view.left_alone.values())
    rest = f", {waits:,} not gone through" if waits else ""
    print_line(f"  {view.done:,} done{_left(view.left_alone, 'left alone')}{rest}")
    if view.undone_at is not None:
        print_line(f"  {view.taken_back:,} of these undone{_left(view.not_taken_back, 'stay')}: {view.undo_reason}")


def _left(left: Mapping[str, int], what: str) -> str:
    return f", {sum(left.values()):,} {what} ({_reasons(left)})" if left else ""


def _reasons(left: Mapping[str, int]) -> str:
    return ", ".join(f"{why} {n:,}" for why, n in left.items())


def _records(about: Mapping[str, Any]) -> dict[str, object]:
    """What the options say of stage, reason, and which records. Raises Invalid where they name none, or in two ways."""
    named = [*about["records"], *_lines(about["file"])]
    where = {
        "state": about["state"], "source": about["source"], "stated": about["stated"],
        "published_before": _day(about["published_before"]), "published_after": _day(about["published_after"]),
    }  # fmt: skip
    where = {name: value for name, value in where.items() if value is not None}
    if bool(named) == bool(where or about["every"]):
        raise Invalid("name records (--record, --records), or say which they are (--state, --source ..., or --all)")
    which: dict[str, object] = {"records": named} if named else {"where": where}
    return {"stage": about["stage"], "reason": about["reason"], **which}


def _lines(file: Path | None) -> Sequence[str]:
    if file is None:
        return []
    try:
        return file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}") from error


def _mapping(answers: Sequence[str], judged_for: Sequence[str]) -> dict[str, dict[str, object]]:
    """`stated=answer` or `stated=answer:reason` as the platform takes them. Raises Invalid for what is neither."""
    mapping: dict[str, dict[str, object]] = {}
    for pair in answers:
        stated, _, given = pair.rpartition("=")
        answer, _, excluded_for = given.partition(":")
        if not stated.strip() or not answer.strip():
            raise Invalid(f"--answer {pair!r}: write it as stated=answer, or stated=answer:reason")
        mapping[stated.strip()] = {"answer": answer.strip(), "judged_for": list(judged_for)}
        if excluded_for.strip():
            mapping[stated.strip()]["excluded_for"] = excluded_for.strip()
    return mapping


def _day(given: datetime | None) -> str | None:
    return None if given is None else given.date().isoformat()


def _names(living: Client, review: str) -> dict[str, str]:
    """What the files of imports are called; where ingest cannot say it, they have their hashes."""
    try:
        return {row.id: row.name for row in living.ingest.imports(review)}
    except LivingError:
        return {}


COMMANDS = (decisions, app)
