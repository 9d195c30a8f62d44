"""`living code`: the reports that wait for their coders, finishing one, and what two coders differ in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import counted, minute, print_json, print_line, print_rows
from services.cli.proposers import proposals, proposers

if TYPE_CHECKING:
    from shared.client import Client
    from shared.wire.synthesis import AgreedView, DifferenceView, EvidenceView, ExtractionView

app = Group("code", help="Reports that wait for their coders, and what two coders differ in.")
app.add_command(proposers)
app.add_command(proposals)

_EXTRACTION = argument("extraction", "Its id, as `living code list` shows it; `mine` is the one that you have in hand.")

#: What of a difference may count.
KEEPS = ("first", "second", "both", "neither")

_KINDS = {
    "agreed": "they agree",
    "other_stance": "another stance",
    "other_inference": "another inference",
    "only_first": "only {first}",
    "only_second": "only {second}",
}


@app.command("list", example="living code list ics-leadership --state differing")
@REVIEW
@option("--state", help="Only those: open, differing, done or withdrawn.",
        type=click.Choice(("open", "differing", "done", "withdrawn")))  # fmt: skip
@AS_JSON
def list_extractions(review: str, state: Any, as_json: bool) -> None:
    """List the included reports that coders are asked for, and how far each is."""
    with client() as living:
        rows = list(living.synthesis.extractions(review, state=state))
    columns: list[tuple[str, Callable[[ExtractionView], object]]] = [
        ("extraction", lambda row: row.extraction),
        ("report", lambda row: row.title or row.record),
        ("state", lambda row: row.state),
        ("finished", lambda row: f"{row.finished} of {row.coders}"),
        ("kept for you until", lambda row: minute(row.until) if row.until else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty=f"Nothing of {review} waits for coders.")


@app.command("next", example="living code next ics-leadership")
@REVIEW
@AS_JSON
def claim(review: str, as_json: bool) -> None:
    """Have the report that you have in hand, or else the next that waits for you; it is kept for you for a while."""
    with acting("coding", review, "reviewer") as living:
        claimed = living.synthesis.claim_extraction(review)
    if as_json:
        print_json(claimed)
    elif claimed.extraction is None:
        print_line("Nothing waits for you to code.")
    else:
        row = claimed.extraction
        until = minute(row.until) if row.until else "-"
        print_line(f"{row.title or 'no title'} (record {row.record}), yours until {until}: {row.extraction}")
        print_line("Code its evidence, and say `living code finish` when you have coded all that you find.")


@app.command("finish", example="living code finish ics-leadership mine")
@REVIEW
@_EXTRACTION
@AS_JSON
def finish(review: str, extraction: str, as_json: bool) -> None:
    """Say that you have coded all that you find in a report, perhaps nothing."""
    with acting("coding", review, "reviewer") as living:
        row = living.synthesis.finish_extraction(review, _named(living, review, extraction))
    if as_json:
        print_json(row)
    elif row.finished < row.coders:
        print_line("You have finished. What you coded is seen, and counts, once the other coder has, too.")
    else:
        print_line("They differ: `living code differences`." if row.state == "differing" else "It is done.")


@app.command("release", example="living code release ics-leadership mine")
@REVIEW
@_EXTRACTION
@AS_JSON
def release(review: str, extraction: str, as_json: bool) -> None:
    """Give a report back for others to code. What you coded of it counts for nothing unless you come back to it."""
    with acting("coding", review, "reviewer") as living:
        row = living.synthesis.release_extraction(review, _named(living, review, extraction))
    if as_json:
        print_json(row)
    else:
        print_line("It was given back.")


@app.command("differences", example="living code differences ics-leadership extraction_...")
@REVIEW
@_EXTRACTION
@option("--all", "every", is_flag=True, help="Also what they agree on, and what was decided.")
@AS_JSON
def differences(review: str, extraction: str, every: bool, as_json: bool) -> None:
    """List what the two coders of a report say, side by side, once both have finished."""
    with client() as living:
        found = living.synthesis.differences(review, _named(living, review, extraction))
        called = called_in(living, review) if not as_json else str
    if as_json:
        print_json(found)
        return
    rows = [it for it in found.differences if every or not it.decided]
    coders = dict(zip(("first", "second"), map(called, found.extraction.finished_by), strict=False))
    names = {slot: f"{slot} ({name})" for slot, name in coders.items()}
    columns: list[tuple[str, Callable[[DifferenceView], object]]] = [
        ("difference", lambda row: row.difference),
        ("CMOC", lambda row: f"{row.cmoc}, {row.element}"),
        ("how", lambda row: _KINDS[row.kind].format_map(names)),
        *((name, _side(at)) for at, name in enumerate(names.values())),
        ("decided", lambda row: _decision(row, names, called)),
    ]
    agreed = sum(it.kind == "agreed" for it in found.differences)
    left = sum(not it.decided for it in found.differences)
    decided = len(found.differences) - agreed - left
    print_rows(rows, columns, as_json=False, empty="Nothing is left to decide.")
    print_line(", ".join([f"{agreed} agreed", *([f"{decided} decided"] if decided else []), f"{left} to decide"]) + ".")


@app.command(
    "reconcile",
    example="living code reconcile ics-leadership extraction_... difference_... first --why 'the table says so, too'",
)
@REVIEW
@_EXTRACTION
@argument("difference", "The difference's id, as `living code differences` shows it.")
@argument("keep", "Which side counts.", type=click.Choice(KEEPS))
@option("--why", required=True, help="Why; it stays with what is dropped.")
@AS_JSON
def reconcile(review: str, extraction: str, difference: str, keep: Any, why: str, as_json: bool) -> None:
    """Decide what two coders differ in: the first one's counts, the second's, both or neither."""
    with acting("reconciling", review, "reviewer") as living:
        made = living.synthesis.reconcile(review, _named(living, review, extraction), difference, keep, why)
    if as_json:
        print_json(made)
    else:
        print_line(f"{counted(len(made.kept), 'link')} kept, {counted(len(made.dropped), 'link')} dropped.")


@app.command("agreement", example="living code agreement ics-leadership")
@REVIEW
@AS_JSON
def agreement(review: str, as_json: bool) -> None:
    """Say how far coders agreed before anything was reconciled: Krippendorff's alpha, by element and by stance."""
    with client() as living:
        found = living.synthesis.coding_agreement(review)
    if as_json:
        print_json(found)
        return
    rows: list[tuple[str, AgreedView]] = [
        ("every unit", found.every), ("where both coded", found.where_both), *found.by_element.items(),
        *((f"{stance}, or not", it) for stance, it in found.by_stance.items()),
    ]  # fmt: skip
    columns: list[tuple[str, Callable[[tuple[str, AgreedView]], object]]] = [
        ("of", lambda row: row[0]),
        ("units", lambda row: row[1].n),
        ("alike", lambda row: row[1].agreed),
        ("alpha", lambda row: "undefined" if row[1].alpha is None else f"{row[1].alpha:.2f}"),
    ]
    print_rows(rows, columns, as_json=False, empty="")


def _named(living: Client, review: str, extraction: str) -> str:
    """An extraction's id; of `mine` that of the one in hand."""
    if extraction != "mine":
        return extraction
    mine = next(living.synthesis.extractions(review, mine=True), None)
    if mine is None:
        raise click.UsageError("you have no report in hand: living code next")
    return mine.extraction


def _side(at: int) -> Callable[[DifferenceView], object]:
    def said(row: DifferenceView) -> object:
        one: EvidenceView | None = (row.first, row.second)[at]
        if one is None:
            return ""
        decision = getattr(row, "decision", None)
        dropped = "dropped: " if decision is not None and one.link in decision.dropped else ""
        return f"{dropped}{one.stance}, {one.inference}: {one.paraphrase} ({one.locator})"

    return said


def _decision(row: DifferenceView, names: dict[str, str], called: Callable[[str], str]) -> str:
    """What counts of a difference, by whom and why; an earlier platform says no more than whether it is decided."""
    if (it := getattr(row, "decision", None)) is not None:
        return f"{names.get(it.keep, it.keep)}, by {called(it.by)}: {it.why}"
    return "they agree" if row.kind == "agreed" else "yes" if row.decided else "no"
