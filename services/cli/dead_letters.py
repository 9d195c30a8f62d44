"""`living dead-letters`: what did not work as it was, what waits behind it, and deciding about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from services.cli.commands import AS_JSON, Group, argument, option
from services.cli.context import asked_of_all, client, setting
from services.cli.printing import counted, minute, out, print_json, print_rows
from shared.client import Client
from shared.client.operations import SERVICES
from shared.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from shared.wire.common import DeadLetterGroup, Failure

Row = TypeVar("Row")

app = Group(help="Deliveries that did not work as they are, and deciding about them.")

SOME = option("--service", multiple=True, type=click.Choice(SERVICES), help="Only this service's (repeatable).")
SERVICE = argument("service", "The service that set it aside.", type=click.Choice(SERVICES))
LETTER = argument("letter", "The dead letter's id; or --group.", required=False)
GROUP = option("--group", help="All letters of this cause instead, oldest first (`living dead-letters groups`).")

#: Letters of a group that are decided by one request, so that each is answered soon.
_AT_ONCE = 100


@app.command("list", example="living dead-letters list --service screening --state discarded")
@SOME
@option(
    "--state",
    default="waiting",
    type=click.Choice(["waiting", "retried", "discarded"]),
    help="Only letters in this state.",
)
@option("--review", help="Only those of this review.")
@option("--group", help="Only those of this cause.")
@AS_JSON
def list_(service: tuple[str, ...], state: str, review: str | None, group: str | None, as_json: bool) -> None:
    """List dead letters with their reasons, oldest first."""
    with client("admin") as living:
        of = lambda name: living.operations.dead_letters(name, state, review=review, group=group)  # noqa: E731
        by_service = _of_each(service, of)
    if as_json:
        print_json(by_service)
        return
    columns = [
        ("service", lambda row: row[0]),
        ("letter", lambda row: row[1].id),
        ("why", lambda row: f"{row[1].type or 'unreadable'}: {row[1].decided_why or row[1].reason}"),
    ]
    print_rows(_rows(by_service), columns, as_json=False, empty=f"no dead letters are {state}")


@app.command("groups", example="living dead-letters groups")
@SOME
@AS_JSON
def groups(service: tuple[str, ...], as_json: bool) -> None:
    """List the causes that dead letters wait for: their type, the kind of reason, and where it was met."""
    with client("admin") as living:
        by_service = _of_each(service, living.operations.dead_letter_groups)
    if as_json:
        print_json(by_service)
        return
    columns = [
        ("service", lambda row: row[0]),
        ("group", lambda row: row[1].group),
        ("letters", lambda row: row[1].count),
        ("what they have in common", lambda row: _cause(row[1])),
        ("since", lambda row: minute(row[1].oldest)),
        ("for example", lambda row: row[1].example),
    ]
    print_rows(_rows(by_service), columns, as_json=False, empty="no dead letters wait")


@app.command("held", example="living dead-letters held --service synthesis")
@SOME
@AS_JSON
def held(service: tuple[str, ...], as_json: bool) -> None:
    """List the keys whose events wait, why, and how many of them."""
    with client("admin") as living:
        by_service = _of_each(service, living.operations.held)
    if as_json:
        print_json(by_service)
        return
    columns = [
        ("service", lambda row: row[0]),
        ("key", lambda row: f"{row[1].topic}/{row[1].key}"),
        ("cause", lambda row: row[1].cause.replace("_", " ")),
        ("parked", lambda row: row[1].parked),
        ("since", lambda row: minute(row[1].since)),
        ("reason", lambda row: row[1].reason),
        ("letter", lambda row: row[1].letter or ""),
    ]
    print_rows(_rows(by_service), columns, as_json=False, empty="no key is held")


@app.command("show", example="living dead-letters show screening dead_01a2...")
@SERVICE
@argument("letter", "The dead letter's id.")
@AS_JSON
def show(service: str, letter: str, as_json: bool) -> None:
    """Print one dead letter with its whole message."""
    with client("admin") as living:
        found = living.operations.dead_letter(service, letter)
    if as_json:
        print_json(found)
        return
    fields = [
        ("letter", f"{found.id} is {found.state}"),
        ("set aside", minute(found.set_aside_at)),
        ("event", f"{found.type or 'unreadable'} {found.event_id or ''}"),
        ("partition", f"{found.topic}/{found.partition}@{found.offset}, key {found.key!r}"),
        ("reason", f"{found.slug}: {found.reason}"),
        ("met in", found.raised_at),
        ("decided", f"by {found.decided_by}: {found.decided_why or found.state}" if found.decided_by else ""),
    ]
    for name, text in fields:
        if text:
            out.print(f"{name:10} {text}", highlight=False, markup=False, soft_wrap=True)
    out.print(found.value, highlight=False, markup=False, soft_wrap=True)


@app.command(
    "retry",
    example="living dead-letters retry screening dead_01a2...\nliving dead-letters retry screening --group 1f...",
)
@SERVICE
@LETTER
@GROUP
@option("--all", "go_on", is_flag=True, help="With --group: go on after one that still does not work.")
def retry(service: str, letter: str | None, group: str | None, go_on: bool) -> None:
    """Try a dead letter again now, or a whole group; what still does not work stays, with its reason."""
    one = _one(letter, group)
    with client("admin") as living:
        if one:
            done = living.operations.retry_dead_letter(service, letter or "")
            out.print(f"{done.id}: {done.state}")
            return
        _group(living, service, group or "", lambda after: {"all": go_on, "after": after}, "retry")


@app.command("discard", example="living dead-letters discard screening dead_01a2... --reason 'sent by a test, twice'")
@SERVICE
@LETTER
@GROUP
@option("--reason", required=True, help="Why it is never done; kept with the letter.")
def discard(service: str, letter: str | None, group: str | None, reason: str) -> None:
    """Decide that a dead letter, or a whole group, is never done; what waits behind it goes on without it."""
    one = _one(letter, group)
    with client("admin") as living:
        if one:
            decided = living.operations.discard_dead_letter(service, letter or "", reason)
            out.print(f"{decided.letter.id}: discarded; {decided.follows}", highlight=False)
            return
        _group(living, service, group or "", lambda after: {"reason": reason}, "discard")


@app.command(
    "give-up",
    example="living dead-letters give-up screening ingest.records/rec_1 --reason 'its review was a drill'\n"
    "living dead-letters give-up screening --review drill --reason 'it was never published'",
)
@SERVICE
@argument("key", "The held key, with its topic (`living dead-letters held`); or --review.", required=False)
@option("--review", help="All that is held of this review instead.")
@option("--whole", is_flag=True, help="All that is parked of the key, not its first event alone.")
@option("--reason", required=True, help="Why it never comes; kept with each event.")
@AS_JSON
def give_up(service: str, key: str | None, review: str | None, whole: bool, reason: str, as_json: bool) -> None:
    """Decide that what held keys wait for never comes.

    For keys that no dead letter holds: their events need another one first, or a later release. Each event that is
    given up is kept as a discarded letter; what is left of its key goes on.
    """
    if (key is None) == (review is None) or (key is not None and "/" not in key):
        raise Invalid("name one held key as TOPIC/KEY, or a review; `living dead-letters held` lists them")
    topic, _, name = (key or "").partition("/")
    if key is not None:
        asked = {"topic": topic, "key": name, "whole": whole, "reason": reason}
    else:
        asked = {"review": review, "reason": reason}
    with client("admin") as living:
        keys, events, more = 0, 0, True
        while more:
            answer = living.operations.give_up(service, asked)
            keys, events = keys + answer.released, events + answer.events
            more = answer.left > 0 and (whole or review is not None)
    if not keys and not events:
        raise NotFound(f"{service} holds nothing of {key or review} that waits by itself; `living dead-letters held`")
    if as_json:
        print_json({"released": keys, "events": events})
        return
    line = f"given up: {counted(events, 'event', 'events')} of {counted(keys, 'key', 'keys')}; what is left goes on"
    out.print(line, highlight=False)


def _cause(group: DeadLetterGroup) -> str:
    """Such as `ingest.record.merged: unknown_record in
    services.screening.reactions.records:move_votes_to_surviving_record`; what could not be read has no place in the
    code."""
    return f"{group.type or 'unreadable'}: {group.slug}" + (f" in {group.place}" if group.place else "")


def _one(letter: str | None, group: str | None) -> bool:
    """Whether one letter is meant. Raises Invalid unless it is one or a group."""
    if (letter is None) == (group is None):
        raise Invalid("name one dead letter, or a whole cause with --group; `living dead-letters groups` lists them")
    return letter is not None


def _group(living: Client, service: str, group: str, body: Callable[[str | None], dict[str, object]], how: str) -> None:
    """Decides about a group, a bounded number a request. Raises Conflict when some still do not work."""
    decide = living.operations.retry_group if how == "retry" else living.operations.discard_group
    first: Failure | None = None
    after: str | None = None
    done, failed = 0, 0
    while True:
        answer = decide(service, group, {"limit": _AT_ONCE, **body(after)})
        done, failed, first = done + answer.done, failed + answer.failed, first or answer.first_failure
        stopped = answer.failed and not body(after).get("all")
        if stopped or not answer.left or answer.last is None:
            break
        after = answer.last
    out.print(f"{done} {'retried' if how == 'retry' else 'discarded'}, {answer.left} left", highlight=False)
    if first is not None:
        raise Conflict(f"{failed} did not work, the first of them {first.letter}: {first.reason}", slug="still_dead")


def _of_each(service: tuple[str, ...], ask: Callable[[str], Iterator[Row]]) -> dict[str, list[Row]]:
    """What the named services tell, or all that are served where we ask; of the others a line says so."""
    if service:
        return {name: list(ask(name)) for name in service}
    rows, missing = asked_of_all(ask)
    if missing:
        click.echo(f"not asked, since not served at {setting('url')}: {', '.join(missing)}", err=True)
    return {asked: [row for name, row in rows if name == asked] for asked in SERVICES if asked not in missing}


def _rows(by_service: Mapping[str, Sequence[Row]]) -> list[tuple[str, Row]]:
    return [(name, row) for name, rows in by_service.items() for row in rows]
