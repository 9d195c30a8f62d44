"""`living synthesis rewordings`: links to a CMOC that reads otherwise, kept or withdrawn, one or many at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Literal

import click

from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import counted, print_json, print_line, print_rows

if TYPE_CHECKING:
    from shared.wire.synthesis import LinksJudged, RewordingView

rewordings = Group("rewordings", help="Links to words that are others now: keeping or withdrawing them.")

#: As many links as one request judges.
_AT_ONCE = 200


@rewordings.command("list", example="living synthesis rewordings list ics-leadership")
@REVIEW
@AS_JSON
def list_(review: str, as_json: bool) -> None:
    """List elements that read otherwise than when links to them were coded, with both words and how many links.

    Each of these links stands until somebody judges whether it holds for the words of today.
    """
    with client() as living:
        rows = list(living.synthesis.rewordings(review))
    columns = [
        ("CMOC", lambda row: row.cmoc),
        ("element", lambda row: row.element),
        ("links", lambda row: row.links),
        ("since version", lambda row: row.since_version),
        ("what became of the words", _became),
    ]
    print_rows(rows, columns, as_json=as_json, empty="No link is to be judged anew.")


def _became(row: RewordingView) -> str:
    return "; ".join(f"{it.part}: {it.before} -> {it.after}" for it in row.rewordings)


@rewordings.command(
    "judge",
    example="living synthesis rewordings judge ics-leadership keep link_1 link_2 --why 'they hold, too'\n"
    "living synthesis rewordings judge ics-leadership keep --cmoc cmoc-4 --why 'only spelling changed'",
)
@REVIEW
@argument("verdict", "keep or withdraw.", type=click.Choice(["keep", "withdraw"]))
@argument("links", "The links, as `living synthesis evidence --json` has them.", nargs=-1)
@option("--cmoc", help="All links to this CMOC that are to be judged, instead of named ones.")
@option(
    "--element", type=click.Choice(["context", "resource", "reasoning", "outcome", "whole"]), help="Of one element."
)
@option("--why", required=True, help="Why; it stays with each link.")
@AS_JSON
def judge(
    review: str,
    verdict: Literal["keep", "withdraw"],
    links: tuple[str, ...],
    cmoc: str | None,
    element: Literal["context", "resource", "reasoning", "outcome", "whole"] | None,
    why: str,
    as_json: bool,
) -> None:
    """Say whether links hold for the words of today: `keep` them, or `withdraw` them, which stays in the history.

    Who coded a link may, an adjudicator and a lead may for all.
    """
    if bool(links) == (cmoc is not None) or (element is not None and cmoc is None):
        raise click.UsageError("name links, or --cmoc, with --element for one of its elements")
    done: list[LinksJudged] = []
    with acting("judging links anew", review, "reviewer") as living:
        # Read whole before the first is judged, since that takes it out of the listing.
        asked = (
            links
            if cmoc is None
            else [it.link for it in living.synthesis.evidence(review, cmoc=cmoc, element=element, asked=True)]
        )
        for some in _in_batches(asked):
            done.append(living.synthesis.judge_links(review, some, verdict, why))
    if as_json:
        print_json(done)
        return
    judged = sum(len(it.links) for it in done)
    left = f" {counted(done[-1].left, 'link')} of the review left to judge." if done else ""
    print_line(f"{counted(judged, 'link')}: {verdict}.{left}")


def _in_batches(links: tuple[str, ...] | list[str]) -> Iterator[list[str]]:
    each = iter(links)
    while some := list(islice(each, _AT_ONCE)):
        yield some
