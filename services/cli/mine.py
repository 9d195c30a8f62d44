"""`living queue mine` and `workload`: what one has done, and for leads how much everybody does."""

from __future__ import annotations

from datetime import datetime

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, option
from services.cli.context import client
from services.cli.printing import print_rows

_DAY = click.DateTime(["%Y-%m-%d"])
_SINCE = option("--since", help="From this day on (2026-11-30, UTC).", type=_DAY)
_UNTIL = option("--until", help="Until the end of this day.", type=_DAY)


@click.command("mine", cls=Command, example="living queue mine shared-records --words 'boards trust' --answer exclude")
@REVIEW
@option("--stage", help="Only at this stage.")
@option("--answer", help="Only with this answer.")
@option("--words", help="Only on records whose titles have all of these words.")
@_SINCE
@_UNTIL
@AS_JSON
def mine(
    review: str,
    stage: str | None,
    answer: str | None,
    words: str | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """List your own votes, the newest first. Those that are free you may still take back (`living queue undo`)."""
    with client() as living:
        found = living.screening.my_votes(
            review, stage=stage, answer=answer, words=words,
            since=since.date() if since else None, until=until.date() if until else None,
        )  # fmt: skip
        rows = list(found)
    columns = [
        ("at", lambda row: row.cast_at),
        ("stage", lambda row: row.stage),
        ("answer", lambda row: row.answer),
        ("title", lambda row: row.title or row.record),
        ("task", lambda row: row.task),
        ("state", lambda row: row.state),
        ("free", lambda row: "yes" if row.free else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="you have no such vote")


@click.command("workload", cls=Command, example="living queue workload shared-records --since 2026-11-01")
@REVIEW
@_SINCE
@_UNTIL
@AS_JSON
def workload(review: str, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """How many votes everybody has cast, by day and stage; for leads. What anybody answered is not shown.

    At most 31 days at once, the last 14 where none are given.
    """
    with client("lead") as living:
        rows = living.screening.workload(
            review, since=since.date() if since else None, until=until.date() if until else None
        )
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("day", lambda row: row.day),
        ("who", lambda row: called(row.person)),
        ("stage", lambda row: row.stage),
        ("votes", lambda row: row.votes),
        ("conflicts decided", lambda row: row.decided),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nobody has voted in these days")


COMMANDS = (mine, workload)
