"""`living ingest copies`: where the texts of the reports that a review goes on with can be read by anybody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click
from rich.text import Text

from services.cli.commands import AS_JSON, REVIEW, Command
from services.cli.context import client
from services.cli.printing import day, minute, out, print_json, table, title_of

if TYPE_CHECKING:
    from shared.wire.ingest import CopyCounts, RecordCopiesView


@click.command(
    "copies", cls=Command, example="living ingest copies shared-records\nliving ingest copies shared-records --json"
)
@REVIEW
@AS_JSON
def copies(review: str, as_json: bool) -> None:
    """Show which records that passed a stage can be read by anybody, and where, as Unpaywall said it last.

    The addresses are others' words, and nothing here follows them. A text without a licence may be read, and no more.
    """
    with client() as living:
        rows = list(living.ingest.open_copies(review))
        asks = asks_for(living.ingest.status(review).open_copies)
    counts = {name: 0 for name in ("open", "closed", "unknown", "not_asked", "without_doi")} | Counter(map(_how, rows))
    if as_json:
        print_json({"counts": counts, "asks": asks, "records": rows})
        return
    if rows:
        out.print(table(["record", "title", "open", "version", "licence", "at", "asked"], map(_cells, rows)))
        out.print()
    out.print(
        f"{len(rows)} passed a stage: {counts['open']} open, {counts['closed']} closed, "
        f"{counts['unknown']} of a DOI that nobody knows, {not_asked(counts['not_asked'], asks)}, "
        f"{counts['without_doi']} without a DOI"
    )
    for row in rows:
        if row.open_copies and row.open_copies.trouble:
            again = minute(row.open_copies.retry_at) if row.open_copies.retry_at else "the next turn"
            line = f"{row.doi} was asked for in vain, again at {again}: {row.open_copies.trouble}"
            out.print(Text(line, style="yellow"), soft_wrap=True)


def asks_for(counts: CopyCounts | None) -> bool:
    """Whether the platform asks anybody where texts are open; one of before did not say, and asked."""
    return counts is None or bool(getattr(counts, "asks", True))


def not_asked(count: int, asks: bool) -> str:
    """How many were not asked for, and whether they will be."""
    return f"{count} not asked for yet" if asks or not count else f"{count} not asked: LIVING_CONTACT is not set"


def _how(row: RecordCopiesView) -> str:
    if row.doi is None:
        return "without_doi"
    return (row.open_copies.found if row.open_copies else None) or "not_asked"


def _cells(row: RecordCopiesView) -> list[object]:
    answer = row.open_copies
    best = answer.copies[0] if answer and answer.copies else None
    asked = day(answer.answered_at) if answer and answer.answered_at else ""
    where = (best.version or "?", best.licence or "none", best.pdf or best.url) if best else ("", "", "")
    return [row.record, title_of(row.title), _how(row).replace("_", " "), *where, asked]
