"""`living ingest quota`: how much the sources that all reviews share were asked, and what they say is left."""

from __future__ import annotations

from itertools import islice

import click
from rich.text import Text

from services.cli.commands import AS_JSON, Command, option
from services.cli.context import client
from services.cli.printing import minute, out, print_json, print_rows

#: Days of one source, or of several, that are read at most.
_MOST_ROWS = 10_000


@click.command(
    "quota", cls=Command, example="living ingest quota\nliving ingest quota --source openalex --days 30 --json"
)
@option("--source", help="Only this source.")
@option("--days", help="How many days, the newest first.", type=click.IntRange(1, 400), default=7)
@AS_JSON
def quota(source: str | None, days: int, as_json: bool) -> None:
    """How much each source was asked on each day (UTC), what it said is left, and which are left alone; for leads."""
    with client("lead") as living:
        parked = [it for it in living.ingest.parked() if source in (None, it.source)]
        rows = []
        seen: set[object] = set()
        for row in islice(living.ingest.quotas(), _MOST_ROWS):
            if row.day not in seen and len(seen) == days:
                break
            seen.add(row.day)
            rows += [row] if source in (None, row.source) else []
    if as_json:
        print_json({"quotas": rows, "parked": parked})
        return
    columns = [
        ("day", lambda row: row.day),
        ("source", lambda row: row.source),
        ("answers", lambda row: row.requests),
        ("left", lambda row: _left(row.remaining, row.limit)),
        ("USD left", lambda row: _left(row.remaining_usd, row.limit_usd)),
        ("USD spent", lambda row: f"{row.spent_usd:.10g}" if row.spent_usd else ""),
        ("refused", lambda row: row.refusals or ""),
    ]
    print_rows(rows, columns, as_json=False, empty="no source was asked yet")
    for it in parked:
        out.print(Text(f"\n{it.source} is left alone until {minute(it.until)}: {it.why}", style="red"), soft_wrap=True)


def _left(remaining: float | None, limit: float | None) -> str:
    """What is left of how much, as far as the source says it."""
    if remaining is None:
        return "" if limit is None else f"? of {limit:.10g}"
    return f"{remaining:.10g}" if limit is None else f"{remaining:.10g} of {limit:.10g}"
