"""`living queue`: the screening queue from a terminal - take a record, read it, answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

import click
from rich.console import Group as Parts
from rich.panel import Panel
from rich.text import Text

from services.cli import assigning, batches, flowing, following, mine, notes, parking, settling, training
from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.held import LEASE, lease_of
from services.cli.marking import marked
from services.cli.printing import err, minute, out, print_json, print_line, print_rows, table
from services.cli.reasons import out_for
from shared.client import Client
from shared.errors import Invalid

if TYPE_CHECKING:
    from shared.events.protocol import Cmoc
    from shared.events.screening import VoteCast
    from shared.events.stages import FormField, Highlights
    from shared.wire.screening import (
        ClaimMode,
        CoefficientView,
        Interval,
        Kind,
        PairAgreement,
        ReasonAgreement,
        RecordView,
        StageAgreement,
        TaskInHand,
    )

app = Group(help="The screening queue: take a record, read it, answer.")
for command in (
    *parking.COMMANDS,
    *notes.COMMANDS,
    *mine.COMMANDS,
    *settling.COMMANDS,
    *batches.COMMANDS,
    *training.COMMANDS,
    *assigning.COMMANDS,
    following.follow,
):
    app.add_command(command)

#: What each kind of a form's field takes.
_KINDS = {"text": "text", "choice": "one of", "choices": "any of", "cmocs": "any of", "number": "a number"}

#: What is said of a full text.
_TEXTS = {"sought": "it is sought", "retrieved": "here is a copy", "not_retrieved": "it cannot be had"}

#: How many records a claim may name.
MOST_NAMED = 50

#: How many authors are shown, and how many characters of each part of a CMOC.
_AUTHORS, _GIST = 3, 60

_EXCLUDED_FOR = option(
    "--excluded-for", "excluded_for", help="Which of the stage's reasons it is out for, where it has any."
)
_JUDGED_FOR = option(
    "--judged-for", "judged_for", multiple=True, help="A CMOC that you judge it for; repeat it for several."
)
_FIELD = option(
    "--field",
    multiple=True,
    help="A field of the stage's form, `name=value`, as `living queue next` lists them; repeat it for several values.",
)


@app.command("status", example="living queue status shared-records")
@REVIEW
@AS_JSON
def status(review: str, as_json: bool) -> None:
    """How each stage stands: what waits, what is in hand, conflicts, what is parked, what is decided."""
    with client() as living:
        rows = living.screening.queue(review)
    columns = [
        ("stage", lambda row: row.stage),
        ("open", lambda row: row.open),
        ("in hand", lambda row: row.in_hand),
        ("conflicts", lambda row: row.conflicts),
        # A platform of before parks nothing.
        ("parked", lambda row: getattr(row, "parked", 0)),
        ("decided", lambda row: row.decided),
    ]
    print_rows(rows, columns, as_json=as_json, empty="the protocol has no stages")


@app.command("funnel", example="living queue funnel shared-records")
@REVIEW
@AS_JSON
def funnel(review: str, as_json: bool) -> None:
    """What became of the records that entered each stage, and for which of its reasons how many are out.

    Withdrawn, and not among them, are those that were merged or kept out by a rule before anything was decided.
    """
    with client() as living:
        found = living.screening.funnel(review)
    if as_json:
        print_json(found)
        return
    columns = [
        ("stage", lambda row: row.stage),
        ("entered", lambda row: row.entered),
        ("on", lambda row: row.advanced),
        ("out", lambda row: row.excluded),
        ("out for", out_for),
        ("waiting", lambda row: row.open + row.conflicts),
        # A platform of before parks nothing.
        ("parked", lambda row: getattr(row, "parked", 0)),
        ("withdrawn", lambda row: row.withdrawn),
    ]
    print_rows(found.stages, columns, as_json=False, empty="the protocol has no stages")


@app.command("flow", example="living queue flow shared-records --on 2024-12-31 --svg flow.svg")
@REVIEW
@option("--on", help="As it was at the end of this day (2024-12-31, UTC).", type=click.DateTime(["%Y-%m-%d"]))
@option("--cycle", type=int, help="What changed within this cycle.")
@option("--svg", help="Draw it into this file too.", type=click.Path(dir_okay=False, path_type=Path))
@AS_JSON
def flow(review: str, on: datetime | None, cycle: int | None, svg: Path | None, as_json: bool) -> None:
    """The flow of records as PRISMA 2020 has it: found, kept out, and per stage in, out and for which reasons.

    What came by citations, or was added by hand, has figures of its own beside those of databases and registers.
    """
    day = on and on.date()
    with client() as living:
        found = living.screening.flow(review, on=day, cycle=cycle)
        drawn = living.screening.flow_svg(review, on=day, cycle=cycle) if svg is not None else ""
    if svg is not None:
        try:
            svg.write_text(drawn, encoding="utf-8")
        except OSError as error:
            raise Invalid(f"{svg} cannot be written: {error.strerror}") from error
    if as_json:
        print_json(found)
        return
    print_rows(flowing.lines(found), flowing.columns(found, out.width), as_json=False, empty="")


@app.command("next", example="living queue next shared-records --stage title_abstract")
@REVIEW
@option("--stage", help="Only from this stage.")
@option("--conflict", is_flag=True, help="A conflict to decide, for adjudicators or its voters.")
@option(
    "--mode",
    type=click.Choice(["in_order", "half_screened_first", "fresh", "mine"]),
    default="in_order",
    help="What comes first; mine is only what you hold.",
)
@option("--within", help="Only of the records that these words find, as `living search query` takes them.")
@AS_JSON
def next_(review: str, stage: str | None, conflict: bool, mode: ClaimMode, within: str | None, as_json: bool) -> None:
    """Take the next record: it is kept for you for a while. Shows it, the question, and how to answer.

    Without a stage you stay at the one where you are, while anything waits for you there. Needs your own key, for it is
    you who holds the record.
    """
    with acting("taking a record", review, "adjudicator" if conflict else "reviewer") as living:
        records = None if within is None else _found(living, review, within)
        kind: Kind = "conflict" if conflict else "screening"
        tasks = [] if records == [] else living.screening.claim_many(review, 1, stage, kind, mode, records)
        task = tasks[0] if tasks else None
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
@LEASE
@argument("answer", "One of the stage's answers.")
@option("--reason", help="Why.")
@_EXCLUDED_FOR
@_JUDGED_FOR
@_FIELD
@AS_JSON
def look(
    review: str,
    lease: str,
    answer: str,
    reason: str | None,
    excluded_for: str | None,
    judged_for: tuple[str, ...],
    field: tuple[str, ...],
    as_json: bool,
) -> None:
    """Give your own answer to a conflict of others, before you see a vote; then it is shown with its votes, to decide.

    Needs your own key. What you answer here is kept beside your decision, and is no vote.
    """
    given = _given(field)
    with acting("looking at a conflict", review, "adjudicator") as living:
        lease = lease_of(living, review, lease)
        fields = _filled(living.screening.in_hand(review, lease).fields, given) if given else {}
        task = living.screening.look(
            review, lease, answer, reason, fields, excluded_for=excluded_for, judged_for=judged_for
        )
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
@LEASE
@argument("answer", "One of the stage's answers.")
@option("--reason", help="Why.")
@_EXCLUDED_FOR
@_JUDGED_FOR
@_FIELD
@AS_JSON
def vote(
    review: str,
    lease: str,
    answer: str,
    reason: str | None,
    excluded_for: str | None,
    judged_for: tuple[str, ...],
    field: tuple[str, ...],
    as_json: bool,
) -> None:
    """Answer for the record you hold. Needs your own key."""
    given = _given(field)
    with acting("voting", review) as living:
        lease = lease_of(living, review, lease)
        # Only the form says whether a field takes one value or a list of them.
        fields = _filled(living.screening.in_hand(review, lease).fields, given) if given else {}
        receipt = living.screening.vote(
            review, lease, answer, reason, fields, excluded_for=excluded_for, judged_for=judged_for
        )
    if as_json:
        print_json(receipt)
    else:
        print_line(f"{receipt.record} at {receipt.stage}: {receipt.state}")
        if receipt.state == "open":
            print_line(f"Until all its votes are in: living queue undo {review} {receipt.task}", "dim")
        elif receipt.state == "conflict":
            print_line(f"Whoever has yet to decide it takes it by: living queue next {review} --conflict", "dim")


@app.command("undo", example="living queue undo shared-records task_01a2...")
@REVIEW
@argument("task", "The task that you voted on, as `living queue vote` showed it.")
@AS_JSON
def undo(review: str, task: str, as_json: bool) -> None:
    """Take your vote back, as long as others' votes on the record are still to come. Needs your own key.

    The record waits for a vote again, which may be yours.
    """
    with acting("taking a vote back", review) as living:
        receipt = living.screening.take_back(review, task)
    if as_json:
        print_json(receipt)
    else:
        print_line(f"{receipt.record} at {receipt.stage}: your vote is taken back")


@app.command("revise", example="living queue revise shared-records task_01a2... include --reason 'see p. 4'")
@REVIEW
@argument("task", "A task that you voted on, all votes of which are in.")
@argument("answer", "One of the stage's answers.")
@option("--reason", help="Why.")
@_EXCLUDED_FOR
@_JUDGED_FOR
@_FIELD
@AS_JSON
def revise(
    review: str,
    task: str,
    answer: str,
    reason: str | None,
    excluded_for: str | None,
    judged_for: tuple[str, ...],
    field: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what you would answer after seeing the others' votes. Needs your own key.

    It is kept beside your vote, and changes neither the decision nor how far votes agree.
    """
    given = _given(field)
    with acting("revising a vote", review) as living:
        fields = _filled(living.screening.task(review, task).fields, given) if given else {}
        receipt = living.screening.revise(
            review, task, answer, reason, fields, excluded_for=excluded_for, judged_for=judged_for
        )
    if as_json:
        print_json(receipt)
    else:
        print_line(f"{receipt.record} at {receipt.stage}: kept beside your vote")


@app.command(
    "reopen", example="living queue reopen shared-records RECORD --stage full_text --reason 'wrong paper read'"
)
@REVIEW
@argument("record", "The record, by its id.")
@option("--stage", required=True, help="The stage whose question is asked again.")
@option("--reason", required=True, help="Why.")
@option("--votes-stand", is_flag=True, help="Keep its votes, and have an adjudicator decide; else people vote anew.")
@AS_JSON
def reopen(review: str, record: str, stage: str, reason: str, votes_stand: bool, as_json: bool) -> None:
    """Open a record again at a stage that was decided about it, for leads. Needs your own key.

    Its votes are kept and count no more, and people vote anew. What it passed later it need not pass again.
    """
    with acting("opening a record again", review, "lead") as living:
        summary = living.screening.reopen(review, record, stage, reason, "stand" if votes_stand else "anew")
    if as_json:
        print_json(summary)
    else:
        waits = "waits for an adjudicator" if votes_stand else "people vote anew"
        print_line(f"{summary.record} at {summary.stage}: {waits}")


@app.command("release", example="living queue release shared-records lease_01a2...")
@REVIEW
@LEASE
def release(review: str, lease: str) -> None:
    """Give a record back to the queue. Needs the key of whoever holds it."""
    with acting("giving a record back", review) as living:
        print_line(f"{living.screening.release(review, lease_of(living, review, lease)).lease}: given back")


@app.command("agreement", example="living queue agreement shared-records")
@REVIEW
@option("--cycle", type=int, help="Only of tasks that had all their votes within this cycle.")
@option("--pairs", is_flag=True, help="How far any two people agree.")
@AS_JSON
def agreement(review: str, cycle: int | None, pairs: bool, as_json: bool) -> None:
    """How far independent votes agree, stage by stage: counts, coefficients with their intervals of 95 per cent, and
    what is left out.

    Cohen's kappa is of tasks with two votes, Gwet's AC1 and Krippendorff's alpha are of any number. Where nearly all
    answers are the same, kappa and alpha are low however well people agree: go by AC1 and the counts. Two people whose
    kappa is below the protocol's `agreement_floor` of a stage, over 20 tasks or more, are named.
    """
    with client("lead") as living:
        rows = living.screening.agreement(review, cycle=cycle)
        # A platform of before knows no floor.
        below = [(row.stage, pair) for row in rows for pair in row.between if getattr(pair, "below", False)]
        called = called_in(living, review) if (pairs or below) and not as_json else str
    if pairs and not as_json:
        _print_pairs(rows, called)
        _warn_of(below, called)
        return
    columns = [
        ("stage", lambda row: row.stage),
        ("tasks", lambda row: row.n),
        ("agreed", lambda row: row.agreed),
        ("kappa", lambda row: "" if row.kappa is None else f"{row.kappa:.2f}{_within(row.kappa_interval)}"),
        ("AC1", lambda row: _coefficient(row.ac1)),
        ("alpha", lambda row: _coefficient(row.alpha)),
        ("reasons", lambda row: _of_reasons(getattr(row, "reasons", None))),
        ("one vote", lambda row: row.one_vote),
        ("withheld", lambda row: row.withheld),
        ("answers", lambda row: ", ".join(f"{pair.first}/{pair.second} {pair.n}" for pair in row.pairs)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no stage has votes to compare yet")
    if not as_json:
        _warn_of(below, called)


def _warn_of(below: Iterable[tuple[str, PairAgreement]], called: Callable[[str], str]) -> None:
    """Names those who agree less than the protocol asks for."""
    for stage, pair in below:
        print_line(
            f"\n{called(pair.first)} and {called(pair.second)} agree less at {stage} than its agreement_floor asks: "
            f"kappa {_coefficient(pair.kappa)} over {pair.n} tasks",
            "yellow",
        )


def _found(living: Client, review: str, words: str) -> list[str]:
    """The first records that are found, as many as a claim may name."""
    return [record.record for record in living.search.find(review, words, limit=MOST_NAMED).items]


def _print_pairs(rows: Iterable[StageAgreement], called: Callable[[str], str]) -> None:
    columns: list[tuple[str, Callable[[tuple[str, PairAgreement]], object]]] = [
        ("stage", lambda row: row[0]),
        ("one", lambda row: called(row[1].first)),
        ("other", lambda row: called(row[1].second)),
        ("tasks", lambda row: row[1].n),
        ("agreed", lambda row: row[1].agreed),
        ("kappa", lambda row: _coefficient(row[1].kappa)),
        ("AC1", lambda row: _coefficient(row[1].ac1)),
    ]
    pairs = [(row.stage, pair) for row in rows for pair in row.between]
    print_rows(pairs, columns, as_json=False, empty="no two people have voted on the same task yet")


def _of_reasons(found: ReasonAgreement | None) -> str:
    return "" if found is None else f"{found.agreed} of {found.n}, AC1 {_coefficient(found.ac1)}"


def _coefficient(found: CoefficientView | None) -> str:
    return "" if found is None else f"{found.value:.2f}{_within(found.interval)}"


def _within(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval.low:.2f} to {interval.high:.2f})"


def _show(review: str, task: TaskInHand, called: Callable[[str], str]) -> None:
    """Prints a task with all that is needed to answer it: the record, where its paper is, the form, the command."""
    # Another program gets no box: it has no width to draw one in.
    highlights = getattr(task, "highlights", None)  # A platform of before has none of these.
    reasons, judged_for = getattr(task, "reasons", []), getattr(task, "judged_for", None)
    record = _record(task.record, highlights)
    out.print(Panel(record, title=Text(task.stage)) if out.is_terminal else Parts(Text(task.stage), record))
    for line in _citation(task.record):
        print_line(line, "dim")
    if task.record.restricted:
        print_line(f"Restricted: living records show {review} {task.record.record} has what it says.", "yellow")
    out.print()
    out.print(table(["", ""], _form(review, task, called), show_header=False))
    needed = "".join(f" --field {field.name}=..." for field in task.fields if field.required)
    needed = f"{' --judged-for ...' if judged_for else ''}{' --excluded-for ...' if reasons else ''}{needed}"
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


def _record(record: RecordView, highlights: Highlights | None) -> Parts:
    authors = [*record.authors[:_AUTHORS], *(["et al."] if len(record.authors) > _AUTHORS else [])]
    about = " · ".join(str(part) for part in ("; ".join(authors), record.venue, record.published) if part)
    parts = [
        marked(record.title or "[no title]", highlights, "bold"),
        Text(about, style="dim"),
        Text(""),
        marked(record.abstract, highlights) if record.abstract else Text("No abstract.", style="dim"),
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


def _form(review: str, task: TaskInHand, called: Callable[[str], str]) -> list[list[str]]:
    """What may be answered, line by line: the answers, then each field as `--field` takes it."""
    answers = [
        f"{answer.value} (needs a --reason)" if answer.reason_required else answer.value for answer in task.answers
    ]
    lines = [["question", task.question], *_criteria(task), ["answers", ", ".join(answers)]]
    for reason in getattr(task, "reasons", ()):
        lines.append([f"--excluded-for {reason.value}", f"{reason.label}{_said(getattr(reason, 'help', None))}"])
    asks_for_cmocs = getattr(task, "judged_for", None) == "cmocs"
    if asks_for_cmocs:
        lines.append(["--judged-for", "the CMOCs that you judge it for (any of; for what is out none says all)"])
        lines += _cmocs(task)
    for field in task.fields:
        takes = f"{_KINDS[field.kind]}{_bounds(field)}{_needed(field)}"
        lines.append([f"--field {field.name}=", f"{field.label} ({takes})"])
        lines += [["", text] for text in (getattr(field, "definition", None), getattr(field, "help", None)) if text]
        if field.options:
            lines.append(["", ", ".join(field.options)])
        elif field.kind == "cmocs" and not asks_for_cmocs:
            lines += _cmocs(task)
    for tag in getattr(task, "tags", ()):
        takes = {"choice": ", ".join(tag.options), "number": "a number"}.get(tag.kind, "text")
        lines.append([f"tag {tag.name}=", f"{tag.label} ({takes}); for yourself, by `living queue tag`"])
    if task.cmocs:
        lines += [[name, getattr(task.definitions, name)] for name in ("context", "mechanism", "outcome")]
    if (text := getattr(task, "full_text", None)) is not None:
        state = _TEXTS.get(text.state or "", "it was never sought")
        lines.append(["full text", f"{state}: living texts show {review} {task.record.record}"])
    lines += [line for vote in task.votes for line in _voted(vote, called)]
    # A platform of before shows none.
    for other in getattr(task, "elsewhere", ()):
        same = f" on {other.record}, the same work"
        lines += [line for vote in other.votes for line in _voted(vote, called, same)]
    lines += [
        [f"{called(it.person)} stands by", ": ".join(filter(None, (it.answer, it.reason)))]
        for it in getattr(task, "stands", ())
    ]
    return [*lines, ["kept for you until", minute(task.expires_at)]]


def _criteria(task: TaskInHand) -> list[list[str]]:
    criteria = getattr(task, "criteria", None)
    given = [("in", criteria.include), ("out", criteria.exclude)] if criteria is not None else []
    return [[name if at == 0 else "", text] for name, texts in given for at, text in enumerate(texts)]


def _cmocs(task: TaskInHand) -> list[list[str]]:
    return [["", f"{cmoc.id}: {_gist(cmoc)}"] for cmoc in task.cmocs]


def _said(text: str | None) -> str:
    return f": {text}" if text else ""


def _bounds(field: FormField) -> str:
    """The least and the most that a number may be, where the protocol says so."""
    least, most = getattr(field, "least", None), getattr(field, "most", None)
    return "".join(f", {name} {bound:g}" for name, bound in (("least", least), ("most", most)) if bound is not None)


def _voted(vote: VoteCast, called: Callable[[str], str], where: str = "") -> list[list[str]]:
    """A vote with all of its form, line by line."""
    said = (vote.answer, getattr(vote, "excluded_for", None), vote.reason)
    about = ", ".join(getattr(vote, "judged_for", ()))
    lines = [[f"{called(vote.person)} voted{where}", ": ".join(filter(None, (*said, about and f"for {about}")))]]
    return [*lines, *(["", f"{name}: {_spoken(value)}"] for name, value in vote.fields.items())]


def _spoken(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


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


def _filled(form: Iterable[FormField], given: Mapping[str, list[str]]) -> dict[str, str | float | list[str]]:
    """The values as the form's fields take them: a list for a field of several, a number for one, else a text.

    Raises Invalid for several values of a field that takes one. A field that the form does not have goes as it is:
    the platform says so, with everything else that is wrong.
    """
    kinds = {field.name: field.kind for field in form}
    for name, values in given.items():
        if len(values) > 1 and kinds.get(name) in ("text", "choice", "number"):
            raise Invalid(f"--field {name}: takes one value, and {len(values)} are given: {', '.join(values)}")
    return {
        name: values if (kind := kinds.get(name)) in ("choices", "cmocs") else _one(kind, values[0])
        for name, values in given.items()
    }


def _one(kind: str | None, value: str) -> str | float:
    """A number as such; what is none goes as it is, for the platform to say so."""
    try:
        return (int(value) if value.strip().lstrip("+-").isdigit() else float(value)) if kind == "number" else value
    except ValueError:
        return value
