"""`living code proposers` and `living code proposals`: who proposes codings, how well, and what a coder makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import print_json, print_line, print_rows
from shared.errors import NotFound

if TYPE_CHECKING:
    from shared.wire.ingest import EvaluatedProposer, ProposedCodingView, ProposerView

proposers = Group("proposers", help="What proposes codings: how well it does in a review, and whether it is on.")
proposals = Group("proposals", help="What is proposed of a copy: taking it up as your own, or refusing it.")

_PROPOSER = argument("proposer", "Which one: rules, or chat.")
_TEXT = argument("text", "A copy, as `living texts show` lists them.")
_PROPOSAL = argument("proposal", "A proposal, as `living code proposals list` shows it.")
_DATA = ("participant_quote", "author_interpretation", "observation", "quantitative")


@proposers.command("list", example="living code proposers list ics-leadership")
@REVIEW
@AS_JSON
def list_proposers(review: str, as_json: bool) -> None:
    """List what proposes codings, how that was evaluated on what people coded in the review, and whether it is on."""
    with client() as living:
        rows = living.ingest.proposers(review)
    columns: list[tuple[str, Callable[[ProposerView], object]]] = [
        ("proposer", lambda row: row.proposer),
        ("version", lambda row: row.version),
        ("on", lambda row: "yes" if row.on else "no"),
        ("evaluated", lambda row: _evaluated(row.evaluation)),
        ("finds", lambda row: _share(row.evaluation.sensitivity if row.evaluation else None)),
        ("is right in", lambda row: _share(row.evaluation.precision if row.evaluation else None)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="Nothing proposes codings.")


def _evaluated(found: EvaluatedProposer | None) -> str:
    if found is None:
        return "no"
    few = "" if found.enough or found.state != "done" else f", {found.least_links} are the least"
    return f"{found.state}: {found.links} links of {found.reports} copies{few}"


def _share(of: list[float] | None) -> str:
    return "" if of is None else f"{100 * of[0]:.0f} % ({100 * of[1]:.0f} to {100 * of[2]:.0f})"


@proposers.command("evaluate", example="living code proposers evaluate ics-leadership rules")
@REVIEW
@_PROPOSER
@AS_JSON
def evaluate(review: str, proposer: str, as_json: bool) -> None:
    """Have a proposer be held against what people coded in the review; for leads. Copies that go out are open ones."""
    with acting("evaluating", review, "lead") as living:
        made = living.ingest.evaluate_proposer(review, proposer)
    if as_json:
        print_json(made)
    else:
        print_line("It is evaluated, which takes a while: living code proposers list")


@proposers.command("switch", example="living code proposers switch ics-leadership rules on --why 'it finds half'")
@REVIEW
@_PROPOSER
@argument("state", "on or off.", type=click.Choice(["on", "off"]))
@option("--why", required=True, help="Why; it is told.")
@AS_JSON
def switch(review: str, proposer: str, state: str, why: str, as_json: bool) -> None:
    """Have coders be shown what a proposer proposes, or no more; for leads, once it was evaluated on enough."""
    with acting("switching", review, "lead") as living:
        row = living.ingest.switch_proposer(review, proposer, on=state == "on", why=why)
    if as_json:
        print_json(row)
    else:
        print_line(f"{row.proposer} ({row.version}) is {'on' if row.on else 'off'}.")


@proposals.command("ask", example="living code proposals ask ics-leadership text_01a2")
@REVIEW
@_TEXT
@AS_JSON
def ask(review: str, text: str, as_json: bool) -> None:
    """Have the proposers that are on read a copy."""
    with acting("coding", review, "reviewer") as living:
        found = living.ingest.ask_for_proposals(review, text)
    if as_json:
        print_json(found)
        return
    for it in found.readings:
        more = f": {it.proposals} proposed, {it.dropped} dropped" if it.state == "done" else f" {it.trouble or ''}"
        print_line(f"{it.proposer} ({it.version}): {it.state}{more}".rstrip())


@proposals.command("list", example="living code proposals list ics-leadership text_01a2")
@REVIEW
@_TEXT
@AS_JSON
def list_proposals(review: str, text: str, as_json: bool) -> None:
    """List what is proposed of a copy, without what you have refused. Nothing of it counts."""
    with client() as living:
        rows = list(living.ingest.proposed_codings(review, text))
    columns: list[tuple[str, Callable[[ProposedCodingView], object]]] = [
        ("proposal", lambda row: row.proposal),
        ("where", lambda row: row.locator),
        ("CMOC", lambda row: f"{row.cmoc}, {row.element}"),
        ("stance", lambda row: row.stance),
        ("quote", lambda row: row.exact),
        ("why", lambda row: f"{row.proposer}: {row.why}"),
        ("taken up", lambda row: "yes" if getattr(row, "taken", False) else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="Nothing is proposed: living code proposals ask")


@proposals.command(
    "accept",
    example="living code proposals accept ics-leadership text_01a2 proposed_01a2 --says 'Trust grew.' "
    "--data author_interpretation",
)
@REVIEW
@_TEXT
@_PROPOSAL
@option("--says", required=True, help="What it says, in your words.")
@option("--data", required=True, type=click.Choice(_DATA), help="What kind of data it is.")
@option("--stance", help="Another stance than is proposed.",
        type=click.Choice(["supports", "refines", "contradicts", "bounds", "inverse"]))  # fmt: skip
@option("--element", help="Another element than is proposed.",
        type=click.Choice(["context", "resource", "reasoning", "outcome", "whole"]))  # fmt: skip
@option("--cmoc", help="Another CMOC than is proposed.")
@option("--inferred", is_flag=True, help="The report does not say so itself: you infer it.")
@option("--why", help="Why you read it so.")
@AS_JSON
def accept(
    review: str, text: str, proposal: str, says: str, data: str, stance: str | None, element: str | None,
    cmoc: str | None, inferred: bool, why: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a proposal your own link, as it is proposed or changed. It bears what proposed its quote."""
    with acting("coding", review, "reviewer") as living:
        found = next((it for it in living.ingest.proposed_codings(review, text) if it.proposal == proposal), None)
        if found is None:
            raise NotFound(f"nothing {proposal!r} is proposed to you of copy {text!r}: living code proposals list")
        anchored = living.ingest.accept_proposal(review, text, proposal)
        link: dict[str, Any] = {
            "cmoc": cmoc or found.cmoc, "element": element or found.element, "stance": stance or found.stance,
            "inference": "inferred" if inferred else "explicit", "rationale": why,
        }  # fmt: skip
        fragment = {"paraphrase": says, "data_type": data, "receipt": anchored.receipt}
        taken = living.synthesis.link_one(
            review, {"record": anchored.anchor.record, "fragment": fragment, "links": [link]}
        )
    if as_json:
        print_json(taken)
    else:
        print_line("It is coded, as yours." if taken.changed else "The same was coded before, and stands.")


@proposals.command("refuse", example="living code proposals refuse ics-leadership text_01a2 proposed_01a2")
@REVIEW
@_TEXT
@_PROPOSAL
@AS_JSON
def refuse(review: str, text: str, proposal: str, as_json: bool) -> None:
    """Have a proposal be shown to you no more. Nobody else learns of it."""
    with acting("coding", review, "reviewer") as living:
        done = living.ingest.refuse_proposal(review, text, proposal)
    if as_json:
        print_json(done)
    else:
        print_line("It is shown to you no more.")
