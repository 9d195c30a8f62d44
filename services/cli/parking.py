"""`living queue park` and its neighbours: what does not go on by itself, what one skips, and what leads free."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, argument, option, reason
from services.cli.context import acting, client
from services.cli.held import LEASE, TASK, lease_of, task_of
from services.cli.printing import minute, print_json, print_line, print_rows

if TYPE_CHECKING:
    from shared.wire.screening import ParkedTask, StageLeft

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    "park", cls=Command, example="living queue park shared-records lease_01a2... --reason 'asked the authors'"
)
@REVIEW
@TASK
@reason("Why; leads see it, and others once the task is closed.")
@option("--until", type=_DAY, help="The day on which it comes back by itself.")
@AS_JSON
def park(review: str, task: str, reason: str, until: datetime | None, as_json: bool) -> None:
    """Set a record aside that you hold: nobody is given it until a day, or until you or a lead bring it back. A lead
    may set any aside."""
    with acting("parking", review) as living:
        parking = living.screening.park(review, task_of(living, review, task), reason, until and until.date())
    if as_json:
        print_json(parking)
    else:
        print_line("parked" if parking.until is None else f"parked until {parking.until}")


@click.command("unpark", cls=Command, example="living queue unpark shared-records task_01a2...")
@REVIEW
@argument("task", "A task, as `living queue parked` lists it.")
@AS_JSON
def unpark(review: str, task: str, as_json: bool) -> None:
    """Bring a parked record back to the queue: one that you parked, or any as a lead."""
    with acting("bringing a record back", review) as living:
        standing = living.screening.unpark(review, task)
    if as_json:
        print_json(standing)
    else:
        print_line(f"{standing.record} at {standing.stage}: {standing.state}")


@click.command("parked", cls=Command, example="living queue parked shared-records")
@REVIEW
@AS_JSON
def parked(review: str, as_json: bool) -> None:
    """List what is parked: for leads all of it, and what led there, for others what they parked themselves."""
    with client("lead") as living:
        rows = list(living.screening.parked(review))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("task", lambda row: row.task),
        ("record", lambda row: row.title or row.record),
        ("stage", lambda row: row.stage),
        ("since", lambda row: minute(row.parking.since)),
        ("until", lambda row: row.parking.until),
        ("by", lambda row: row.parking.person and called(row.parking.person)),
        ("why", _why),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing is parked that you may see")


@click.command("skip", cls=Command, example="living queue skip shared-records lease_01a2...")
@REVIEW
@LEASE
@AS_JSON
def skip(review: str, lease: str, as_json: bool) -> None:
    """Give a record back and have it come to you after the others. Others are given it in its turn."""
    with acting("skipping a record", review) as living:
        ended = living.screening.skip(review, lease_of(living, review, lease))
    if as_json:
        print_json(ended)
    else:
        print_line(f"{ended.lease}: it comes to you again after the others")


@click.command("free", cls=Command, example="living queue free shared-records lease_01a2... --reason 'on leave'")
@REVIEW
@argument("lease", "A lease, as `living queue leases` lists it.")
@reason()
@AS_JSON
def free(review: str, lease: str, reason: str, as_json: bool) -> None:
    """Give back to the queue what somebody has in hand; for leads."""
    with acting("freeing a record", review, "lead") as living:
        ended = living.screening.free(review, lease, reason)
    if as_json:
        print_json(ended)
    else:
        print_line(f"{ended.lease}: back in the queue")


@click.command("leases", cls=Command, example="living queue leases shared-records")
@REVIEW
@option("--person", help="Only what this person holds, by their id.")
@AS_JSON
def leases(review: str, person: str | None, as_json: bool) -> None:
    """List what people have in hand; for leads."""
    with client("lead") as living:
        rows = list(living.screening.leases(review, person))
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("lease", lambda row: row.lease),
        ("person", lambda row: called(row.person)),
        ("kind", lambda row: row.kind),
        ("stage", lambda row: row.stage),
        ("record", lambda row: row.title or row.record),
        ("until", lambda row: minute(row.expires_at)),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nobody holds anything")


@click.command("left", cls=Command, example="living queue left shared-records")
@REVIEW
@AS_JSON
def left(review: str, as_json: bool) -> None:
    """How many records wait for you at each stage, beside what you have in hand."""
    with acting("counting what waits for you", review) as living:
        rows = living.screening.left(review)
    columns = [
        ("stage", lambda row: row.stage),
        ("left", _left),
        ("in hand", lambda row: row.in_hand),
        ("conflicts", lambda row: f"{row.conflicts:,}{' or more' if row.conflicts_or_more else ''}"),
        ("conflicts in hand", lambda row: row.conflicts_in_hand),
    ]
    print_rows(rows, columns, as_json=as_json, empty="the protocol has no stages")


def _why(row: ParkedTask) -> str:
    """The reason that somebody gave, or how often nothing came of it."""
    if row.parking.reason is not None:
        return row.parking.reason
    return "nothing came of it: " + ", ".join(returned.how for returned in row.returns)


def _left(row: StageLeft) -> str:
    # A platform of before caps nothing.
    today = getattr(row, "today", None)
    return f"{row.left:,}{' or more' if row.left_or_more else ''}{'' if today is None else f' ({today:,} today)'}"


COMMANDS = (park, unpark, parked, skip, free, leases, left)
