"""`living synthesis confidence`: how sure people are of a CMOC, by the four parts of GRADE-CERQual, and judging it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Group, argument, option
from services.cli.context import acting, client
from services.cli.printing import day, print_json, print_line, print_rows

confidence = Group("confidence", help="How sure people are of a CMOC, and judging that (GRADE-CERQual).")

_CMOC = argument("cmoc", "The CMOC's id.")

#: How confident somebody is in the whole, and how much they are concerned about a part of it.
LEVELS, CONCERNS = ("high", "moderate", "low", "very_low"), ("none", "minor", "moderate", "serious")


def _concern(name: str, about: str) -> Callable[[Any], Any]:
    help = f"How much you are concerned about {about}: {', '.join(CONCERNS[:-1])} or {CONCERNS[-1]}."
    return option(f"--{name}", required=True, help=help, type=click.Choice(CONCERNS), metavar="CONCERN")


@confidence.command("show", example="living synthesis confidence show ics-leadership cmoc-5")
@REVIEW
@_CMOC
@AS_JSON
def show(review: str, cmoc: str, as_json: bool) -> None:
    """List how sure people were of a CMOC, each time with why, oldest first. The last one holds."""
    with client() as living:
        rows = list(living.synthesis.confidence(review, cmoc))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("how sure", lambda row: _spoken(row.confidence)),
        ("by", lambda row: called(row.by)),
        ("on", lambda row: day(row.at)),
        ("limitations", lambda row: row.methodological_limitations),
        ("coherence", lambda row: row.coherence),
        ("adequacy", lambda row: row.adequacy),
        ("relevance", lambda row: row.relevance),
        ("because", lambda row: row.why),
        ("holds", lambda row: "yes" if row.event == rows[-1].event else "no"),
    ]
    print_rows(rows, columns, as_json=as_json, empty=f"Nobody has judged yet how sure one may be of {cmoc}.")


@confidence.command(
    "judge",
    example="living synthesis confidence judge ics-leadership cmoc-5 moderate --limitations minor --coherence none "
    "--adequacy moderate --relevance none --why 'eight studies, all of one country'",
)
@REVIEW
@_CMOC
@argument("level", "How sure one may be of it.", type=click.Choice(LEVELS))
@_concern("limitations", "how the studies were done")
@_concern("coherence", "how well it fits their data")
@_concern("adequacy", "whether there is enough of that")
@_concern("relevance", "whether that is about what the review asks")
@option("--why", required=True, help="Why; readers of the next revision see it.")
@AS_JSON
def judge(
    review: str,
    cmoc: str,
    level: str,
    limitations: str,
    coherence: str,
    adequacy: str,
    relevance: str,
    why: str,
    as_json: bool,
) -> None:
    """Say how sure one may be of a CMOC, by the four parts of GRADE-CERQual; for adjudicators and leads.

    The last that was said holds, and all of it stays. It changes no status. The next revision says it.
    """
    said = {
        "methodological_limitations": limitations, "coherence": coherence, "adequacy": adequacy,
        "relevance": relevance, "confidence": level, "why": why,
    }  # fmt: skip
    with acting("judging how sure one may be", review, "adjudicator") as living:
        judged = living.synthesis.judge_confidence(review, cmoc, said)
    if as_json:
        print_json(judged)
    else:
        print_line(f"Confidence in {judged.cmoc} is {_spoken(judged.confidence)} from now on.")


def _spoken(level: str) -> str:
    return level.replace("_", " ")
