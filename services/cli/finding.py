"""`living search fragments`, `theories` and `releases`: finding what the synthesis says from a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Did, argument, option
from services.cli.context import client, listed, require_review
from services.cli.printing import out, print_json
from services.cli.search import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shared.wire.search import FoundFragment, FoundRelease, FoundTheory


#: As `shared.events.synthesis` has them, which a command's help need not load.
ELEMENTS = ("context", "resource", "reasoning", "outcome", "whole")
STANCES = ("supports", "refines", "contradicts", "bounds", "inverse")
INFERENCES = ("explicit", "inferred")
STATUSES = ("supported", "partially_supported", "no_evidence", "contested")
CLASSES = ("MAJOR", "MINOR", "PATCH", "NONE")

_Q = argument("q", "As in `query`; nothing, or *, for all.", default="")
_FACETS = option("--facets", is_flag=True, help="Count by what they can be narrowed by.")
_LIMIT = option("--limit", default=20, type=click.IntRange(1, 200), help="How many at most.")
_CURSOR = option("--cursor", help="The next page, as the page before told it.")


def _among(name: str, values: Iterable[str], what: str) -> Callable[[Did], Did]:
    return option(name, multiple=True, type=click.Choice(list(values)), help=f"Only {what} (repeatable).")


@app.command("fragments", example="living search fragments ics-leadership 'trust' --cmoc cmoc-1 --stance contradicts")
@REVIEW
@_Q
@option("--cmoc", multiple=True, help="Only those tied to this CMOC (repeatable).")
@_among("--element", ELEMENTS, "those tied to this element")
@_among("--stance", STANCES, "those of this stance")
@_among("--inference", INFERENCES, "those with this inference")
@_among("--standing", ("standing", "suspended"), "those that stand, or that a notice about their report holds up")
@option("--like", metavar="FRAGMENT", help="Those like this one instead, the most alike first.")
@_FACETS
@_LIMIT
@_CURSOR
@AS_JSON
def fragments(review: str, q: str, like: str | None, as_json: bool, **asked: Any) -> None:
    """Find fragments of the evidence by what they say. CMOC, element, stance and inference are of one link."""
    if like is not None and (q or any(asked[name] for name in ("cmoc", "element", "stance", "inference", "standing"))):
        raise click.UsageError("--like asks for what is like a fragment, whatever its words and links: leave these out")
    with client() as living:
        if like is not None:
            found: Any = living.search.fragments_alike(review, like, limit=min(asked["limit"], 20))
        else:
            found = living.search.find_fragments(review, q, **_given(asked))
        rows = listed(found)
        if not rows:
            require_review(living, review)
    _print(found, rows, _fragment, as_json)


@app.command("theories", example="living search theories ics-leadership 'shared vision' --status contested")
@REVIEW
@_Q
@option("--theory", multiple=True, help="Only those of this programme theory (repeatable).")
@_among("--status", STATUSES, "those of which the draft says this")
@_among("--standing", ("stated", "set_aside", "refuted", "merged", "split"), "those that are this now")
@_FACETS
@_LIMIT
@_CURSOR
@AS_JSON
def theories(review: str, q: str, as_json: bool, **asked: Any) -> None:
    """Find CMOCs by their words and those of their programme theories, set-aside ones too."""
    with client() as living:
        found = living.search.find_theories(review, q, **_given(asked))
        rows = listed(found)
        if not rows:
            require_review(living, review)
    _print(found, rows, _theory, as_json)


@app.command("releases", example="living search releases ics-leadership 'trust' --class MAJOR")
@REVIEW
@_Q
@option(
    "--class",
    "change_class",
    multiple=True,
    type=click.Choice(CLASSES),
    help="Only those of this change class (repeatable).",
)
@_FACETS
@_LIMIT
@_CURSOR
@AS_JSON
def releases(review: str, q: str, as_json: bool, **asked: Any) -> None:
    """Find signed revisions by their summaries and the words of what they changed."""
    with client() as living:
        found = living.search.find_releases(review, q, **_given(asked))
        rows = listed(found)
        if not rows:
            require_review(living, review)
    _print(found, rows, _release, as_json)


def _given(asked: dict[str, Any]) -> Any:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items() if value}


def _print(found: Any, rows: Sequence[Any], shown: Callable[[Any], Text], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for row in rows:
        out.print(shown(row))
    if (total := getattr(found, "total", None)) is not None:
        out.print(f"{len(rows)} of {total}", style="dim", highlight=False)
    if following := getattr(found, "next", None):
        out.print(f"next page: --cursor {following}", style="dim", highlight=False, soft_wrap=True)
    for name, values in getattr(found, "facets", {}).items():
        out.print(Text(f"{name}: ", style="bold") + Text(", ".join(f"{it.value} {it.count}" for it in values)))


def _fragment(one: FoundFragment) -> Text:
    ties = "; ".join(f"{it.stance} {it.cmoc} ({it.element}, {it.inference})" for it in one.links)
    held = [" suspended"] * one.suspended + [f" {it.kind}" for it in one.notices]
    said = f"{one.paraphrase}\n" + (f'"{one.quote}"\n' if one.quote else "")
    return Text(one.fragment, style="bold") + Text(f"  {one.record} {one.locator or ''}{''.join(held)}\n{said}{ties}\n")


def _theory(one: FoundTheory) -> Text:
    status = "" if one.status is None else f" {one.status}, {one.support} studies"
    gone = "" if one.standing == "stated" else f" {one.standing}: {one.why} {', '.join(one.into)}".rstrip()
    parts = f"in {one.context}; {one.resource}; {one.reasoning}; {one.outcome}"
    return Text(one.cmoc, style="bold") + Text(f"  {one.heading}{status}{gone}\n{parts}\n")


def _release(one: FoundRelease) -> Text:
    drill = " exercise" if one.drill else ""
    instead = f" Read revision {one.replaced_by} instead." if one.replaced_by is not None else ""
    withdrawn = f"withdrawn: {one.withdrawn}{instead}\n" if one.withdrawn is not None else ""
    said = f"  {one.change_class}{drill}\n{withdrawn}{one.summary}\n"
    return Text(f"revision {one.number}", style="bold") + Text(said)
