"""`living queue assign`, `assignments`, `unassign`, `cap` and `caps`: who is given what, and how much of it a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from services.cli.called import called_in
from services.cli.commands import AS_JSON, REVIEW, Command, argument, option
from services.cli.context import client
from services.cli.printing import minute, print_json, print_line, print_rows
from shared.client import Client
from shared.errors import Invalid, LivingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.wire.assigning import AssignmentView


@click.command(
    "assign",
    cls=Command,
    example="living queue assign shared-records --stage full_text --person 'Ana Roy' --person 'Ben Low' --percent 50",
)
@REVIEW
@option("--stage", required=True, help="The stage whose records these are.")
@option("--person", "people", multiple=True, required=True, help="Whom, by name or id; repeat it for several.")
@option("--record", "records", multiple=True, help="A record, by its id; repeat it for several.")
@option("--percent", type=click.IntRange(1, 100), help="So much of the stage's records for each of them.")
@option("--sample", type=click.IntRange(1), help="So many of the records that nobody has begun, drawn by lot.")
@AS_JSON
def assign(
    review: str,
    stage: str,
    people: tuple[str, ...],
    records: tuple[str, ...],
    percent: int | None,
    sample: int | None,
    as_json: bool,
) -> None:
    """Have only some people be given records of a stage, before all else that waits there; for leads.

    Give records, a percentage or a sample, and as many people as the stage asks for votes, or more. What others hold or
    have voted stays theirs. Conflicts are decided by whoever may.
    """
    if (len(records) > 0) + (percent is not None) + (sample is not None) != 1:
        raise Invalid("say what is assigned by one of --record, --percent and --sample")
    with client("lead") as living:
        ids = _people(living, review, people)
        made = living.screening.assign(
            review, stage, ids, records=records or None, percent=percent, sample=sample
        )  # fmt: skip
        called = called_in(living, review) if not as_json else str
    if as_json:
        print_json(made)
    else:
        print_line(f"{made.assignment}: {_what(made)} of {made.stage}, to {_named(made.people, called)}")


@click.command("assignments", cls=Command, example="living queue assignments shared-records")
@REVIEW
@option("--ended", is_flag=True, help="Those that were ended, too.")
@AS_JSON
def assignments(review: str, ended: bool, as_json: bool) -> None:
    """List what is assigned to whom, and how many of it wait for votes; for leads."""
    with client("lead") as living:
        rows = [row for row in living.screening.assignments(review) if ended or row.ended_at is None]
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("assignment", lambda row: row.assignment),
        ("stage", lambda row: row.stage),
        ("what", _what),
        ("people", lambda row: _named(row.people, called)),
        ("waiting", _waiting),
        ("made", lambda row: minute(row.made_at)),
        ("ended", lambda row: minute(row.ended_at) if row.ended_at else ""),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing is assigned")


@click.command("unassign", cls=Command, example="living queue unassign shared-records assignment_01a2...")
@REVIEW
@argument("assignment", "An assignment, as `living queue assignments` lists it.")
@AS_JSON
def unassign(review: str, assignment: str, as_json: bool) -> None:
    """End an assignment: its records are anybody's again; for leads."""
    with client("lead") as living:
        ended = living.screening.end_assignment(review, assignment)
    if as_json:
        print_json(ended)
    else:
        print_line(f"{ended.assignment}: ended; its records are anybody's within seconds")


@click.command("cap", cls=Command, example="living queue cap shared-records 120 --stage title_abstract")
@REVIEW
@argument("votes", "How many votes a day (UTC) at most, or `none` to take that away.")
@option("--stage", help="At this stage; without it, in the whole review.")
@option("--person", help="For this person, by name or id; without it, for everybody who has no cap of their own.")
@AS_JSON
def cap(review: str, votes: str, stage: str | None, person: str | None, as_json: bool) -> None:
    """Set how many votes a day people cast at most; for leads. What somebody holds stays theirs."""
    if votes != "none" and not (votes.isascii() and votes.isdigit()):
        raise Invalid(f"{votes!r} is no number of votes; give one, or `none`")
    with client("lead") as living:
        of = _people(living, review, [person])[0] if person is not None else None
        kept = living.screening.set_cap(review, None if votes == "none" else int(votes), stage=stage, person=of)
    if as_json:
        print_json(kept)
    else:
        said = "no cap" if kept.votes is None else f"at most {kept.votes} votes a day"
        print_line(f"{person or 'everybody'}, {stage or 'all stages together'}: {said}")


@click.command("caps", cls=Command, example="living queue caps shared-records")
@REVIEW
@AS_JSON
def caps(review: str, as_json: bool) -> None:
    """List how many votes a day people cast at most: for leads all caps, for others those that may hold for them."""
    with client("lead") as living:
        rows = living.screening.caps(review)
        called = called_in(living, review) if rows and not as_json else str
    columns = [
        ("stage", lambda row: row.stage or "all together"),
        ("who", lambda row: called(row.person) if row.person else "everybody"),
        ("votes a day", lambda row: row.votes),
    ]
    print_rows(rows, columns, as_json=as_json, empty="nothing is capped")


def _people(living: Client, review: str, given: Sequence[str]) -> list[str]:
    """People of a review by their names or ids. Raises Invalid for a name that is nobody's there, or several's."""
    try:
        members = [(it.person, it.name) for it in living.people.members(review)]
    except LivingError:  # Where people cannot be asked, ids are taken as they are.
        return list(given)
    return [_person(members, it, review) for it in given]


def _person(members: Sequence[tuple[str, str]], given: str, review: str) -> str:
    found = [id for id, name in members if given in (id, name)]
    if len(found) == 1:
        return found[0]
    if given.startswith("person_"):  # Who has a role in all reviews is listed by none.
        return given
    why = "several people there are called so; give an id" if found else "`living people list` shows who belongs to it"
    raise Invalid(f"{given!r} is nobody of review {review!r} alone: {why}")


def _named(people: Sequence[str], called: Callable[[str], str]) -> str:
    return ", ".join(called(it) for it in people)


def _what(row: AssignmentView) -> str:
    if row.kind == "share":
        return f"{row.percent} % each"
    return f"{row.size:,} records" if row.kind == "records" else f"a sample of {row.size:,}"


def _waiting(row: AssignmentView) -> str:
    if row.ended_at is not None:
        return ""
    more = " or more" if any(pool.or_more for pool in row.pools) else ""
    return f"{sum(pool.waiting for pool in row.pools):,}{more}{' (moving)' if row.moving else ''}"


COMMANDS = (assign, assignments, unassign, cap, caps)
