"""`living synthesis comments`: what members say of lines of the draft, and what becomes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import click
from rich.text import Text

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import counted, day, indented, out, print_json, print_line
from shared.errors import NotFound

if TYPE_CHECKING:
    from shared.wire.synthesis import CommentView, DraftView

comments = Group("comments", help="Comments on lines of the draft.")

_COMMENT = argument("comment", "Its id, as `living synthesis comments list` shows it.")

#: The lines of a CMOC. A programme theory has one.
_PARTS = ("context", "resource", "reasoning", "outcome", "status")


@comments.command("list", example="living synthesis comments list ics-leadership --state open")
@REVIEW
@option("--state", type=click.Choice(["open", "resolved"]), help="Only those in this state.")
@option("--cmoc", help="Only those on this CMOC.")
@option("--theory", help="Only those on this programme theory.")
@AS_JSON
def list_(
    review: str, state: Literal["open", "resolved"] | None, cmoc: str | None, theory: str | None, as_json: bool
) -> None:
    """Print what members said of lines of the drafts, oldest first, with what was answered and what became of it.

    Of words that read otherwise by now it says so, with both.
    """
    with client() as living:
        rows = list(living.synthesis.comments(review, state=state, cmoc=cmoc, theory=theory))
        called = called_in(living, review) if rows and not as_json else str
    if as_json:
        print_json(rows)
        return
    for row in rows:
        _show(row, called)
    if not rows:
        print_line("There are no comments.")


def _show(row: CommentView, called: Callable[[str], str]) -> None:
    out.print(Text(f"{row.cmoc or row.theory}  {row.part}  {row.state}", style="bold"))
    out.print(indented(Text(row.words, "dim")))
    if row.earlier:
        now = f"it reads now: {row.words_now}" if row.words_now is not None else "there is no such line any more"
        out.print(indented(Text(f"said of earlier words; {now}", "yellow")))
    out.print(indented(Text(f"{called(row.by)} on {day(row.at)}: {row.text}")))
    for it in row.answers:
        out.print(indented(Text(f"{called(it.by)} on {day(it.at)}: {it.text}")))
    if row.resolved_by is not None:
        out.print(indented(Text(f"resolved by {called(row.resolved_by)}: {row.resolved_why}")))
    print_line(f"  {row.comment}", "dim")


@comments.command(
    "make",
    example="living synthesis comments make ics-leadership 'Of whom?' --cmoc cmoc-2 --part outcome\n"
    "living synthesis comments make ics-leadership 'Too broad.' --theory being",
)
@REVIEW
@argument("text", "What you say of it.")
@option("--cmoc", help="The CMOC.")
@option("--part", type=click.Choice(_PARTS), help="Which line of it.")
@option("--theory", help="The programme theory, instead of a CMOC.")
@AS_JSON
def make(review: str, text: str, cmoc: str | None, part: str | None, theory: str | None, as_json: bool) -> None:
    """Say something of a line of the draft: of a part of a CMOC or its status, or of a programme theory."""
    if (cmoc is None) == (theory is None) or (cmoc is None) != (part is None):
        raise click.UsageError("name a line: --cmoc and --part, or --theory")
    with acting("commenting", review, "reviewer") as living:
        words = _words(living.synthesis.draft(review), cmoc, part, theory)
        said = {"cmoc": cmoc, "theory": theory, "part": part or "statement", "words": words, "text": text}
        made = living.synthesis.comment(review, said)
    if as_json:
        print_json(made)
    else:
        print_line(f"{made.comment} is kept, said of: {made.words}")


def _words(draft: DraftView, cmoc: str | None, part: str | None, theory: str | None) -> str:
    """What the line says in the draft. Raises NotFound."""
    for it in draft.theories:
        if it.theory == theory:
            return f"{it.heading}: {it.statement}"
    for one in draft.cmocs:
        if one.cmoc == cmoc and part is not None:
            return str(getattr(one, part))
    raise NotFound(f"the draft has no {cmoc or theory!r}")


@comments.command("answer", example="living synthesis comments answer ics-leadership comment_1 'Of those referred.'")
@REVIEW
@_COMMENT
@argument("text", "What you answer.")
@AS_JSON
def answer(review: str, comment: str, text: str, as_json: bool) -> None:
    """Answer a comment that is open."""
    with acting("answering", review, "reviewer") as living:
        row = living.synthesis.answer_comment(review, comment, text)
    if as_json:
        print_json(row)
    else:
        print_line(f"{row.comment} has {counted(len(row.answers), 'answer')}.")


@comments.command("resolve", example="living synthesis comments resolve ics-leadership comment_1 --why 'Worded anew.'")
@REVIEW
@_COMMENT
@option("--why", required=True, help="What became of it.")
@AS_JSON
def resolve(review: str, comment: str, why: str, as_json: bool) -> None:
    """Say what became of a comment; for who made it, and for leads."""
    with acting("resolving a comment", review, "reviewer") as living:
        row = living.synthesis.resolve_comment(review, comment, why)
    if as_json:
        print_json(row)
    else:
        print_line(f"{row.comment} is resolved.")
