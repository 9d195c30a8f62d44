"""`living log`: what is unread on the event log, whether it is the one the services know, and mending it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, TypedDict

import click

from services.cli.commands import AS_JSON, Group, argument, option
from services.cli.context import key_path, require_platform, settings
from services.cli.printing import counted, err, out, print_json, print_rows
from shared.client.operations import SERVICES
from shared.errors import Conflict, LivingError, NotFound, Unavailable

if TYPE_CHECKING:
    from shared.bus.port import EventLog
    from shared.keys.ring import KeyRing
    from shared.service import Service

#: What is told of a service whose start nothing is in the way of.
WELL = ("ok", "no database yet")

app = Group(help="The event log: what is unread, whether it is whole, and mending it.")


@app.command("lag", example="living log lag\nliving log lag screening search --json")
@argument("services", "Which services; all without any.", nargs=-1, type=click.Choice(SERVICES))
@AS_JSON
def lag(services: tuple[str, ...], as_json: bool) -> None:
    """What each service has not done yet, partition by partition.

    Says how many messages wait, how old the first of them is, who reads the partition, and how many of its keys
    are held. Asks the log itself, so the platform need not run.
    """
    with opened() as log:
        rows = [row for service in _chosen(services) for row in _unread(service, log)]
    columns = [
        ("service", lambda row: row["service"]),
        ("partition", lambda row: f"{row['topic']}/{row['partition']}"),
        ("unread", lambda row: row["unread"]),
        ("oldest", lambda row: _age(row["oldest_unread_seconds"])),
        ("held keys", lambda row: row["held_keys"] or ""),
        ("read by", lambda row: row["read_by"] or "nobody"),
    ]
    print_rows(rows, columns, as_json=as_json, empty="no service reads the log")


@app.command("check", example="living log check")
@AS_JSON
def check(as_json: bool) -> None:
    """Hold log and signing key against what each database knows, as a start does; exits 1 when one differs.

    Writes nothing, so it may be asked while the platform runs.
    """
    with opened() as log:
        rows = as_known(log)
    columns = [("service", lambda row: row["service"]), ("told", lambda row: row["told"])]
    print_rows(rows, columns, as_json=as_json, empty="no services")
    if any(row["told"] not in WELL for row in rows):
        raise Conflict("a start would be refused", slug="not_as_known")


@app.command("mend", example="living log mend --yes")
@option("--yes", is_flag=True, help="Do not ask first.")
@AS_JSON
def mend(yes: bool, as_json: bool) -> None:
    """Make a lost or damaged log anew, from what every service keeps of what it told.

    The new log has the same events, each key in its order. A damaged file is kept beside it; topics of Kafka must
    be empty. The platform must be stopped. Only a log that a start refuses is mended.
    """
    from shared import logging
    from shared.runtime.mend import mend as make_anew

    logging.configure(settings())

    if not yes:
        click.confirm(f"Make {settings().resolved(settings().log_url)} anew from the journals?", abort=True, err=True)
    mended = make_anew(settings(), _chosen(()))
    if as_json:
        print_json({"events": mended.events, "aside": mended.aside, "remarks": mended.remarks})
        return
    for name, events in mended.events.items():
        out.print(f"{name}: {events} events", highlight=False)
    if mended.aside is not None:
        out.print(f"the lost file is kept as {mended.aside}", soft_wrap=True, highlight=False)
    for remark in mended.remarks:
        err.print(remark, style="yellow", soft_wrap=True)


@app.command("rewind", example="living log rewind screening")
@argument("service", "The service whose database was put back.", type=click.Choice(SERVICES))
@AS_JSON
def rewind(service: str, as_json: bool) -> None:
    """Let a service whose database is older than the log go on with it: the last resort, where there is no newer one.

    Puts its place on the log back to what its database has heard; at its next start it hears again what it missed.
    What it told since is taken into its journal, but what that says, such as votes, is not in its tables again, while
    other services have heard it. The service must be stopped.
    """
    from shared.db.tables import HeardUpToRow
    from shared.runtime.checks import opened_if_there
    from shared.runtime.mend import rewind as put_back

    (chosen,) = _chosen((service,))
    with opened() as log, opened_if_there(settings(), chosen, HeardUpToRow) as database:
        if database is None:
            raise NotFound(
                f"{service} has no database yet: start the platform once, which makes one, also where it is refused"
            )
        rewound = put_back(chosen, database, log)
    rows = [
        {"topic": topic, "partition": number, "from": was, "to": now}
        for (topic, number), (was, now) in sorted(rewound.moved.items())
    ]
    columns = [
        ("partition", lambda row: f"{row['topic']}/{row['partition']}"),
        ("from", lambda row: row["from"]),
        ("to", lambda row: row["to"]),
    ]
    if as_json:
        return print_json({"moved": rows, "in_journal_again": rewound.journalled})
    nothing = "nothing to do" if not rewound.journalled else "nothing to hear again"
    print_rows(rows, columns, as_json=False, empty=f"{service} has heard all that counts as heard: {nothing}")
    if rewound.journalled:
        warning = (
            f"in the journal of {service} again: {counted(rewound.journalled, 'event')}. "
            "What they say is not in its tables"
        )
        err.print(f"{warning}: `living events tail` shows them; decide again what they decided", style="yellow")


def _chosen(names: tuple[str, ...]) -> tuple[Service, ...]:
    from services.catalog import choose

    return choose(names)


@contextmanager
def opened() -> Iterator[EventLog]:
    """The log of the settings, for reading."""
    from shared.bus.open import open_log

    require_platform()
    url = settings().resolved(settings().log_url)
    with closing(open_log(url, prefix=settings().topic_prefix)) as log:
        yield log


def as_known(log: EventLog) -> list[dict[str, str]]:
    """Of each service, whether log and signing key are as its database knows them: one of WELL, or what is wrong."""
    from shared.keys.file import read_ring

    try:
        ring: KeyRing | Unavailable = read_ring(key_path())
    except Unavailable as error:
        ring = error
    return [{"service": service.name, "told": _checked(service, log, ring)} for service in _chosen(())]


def refusal_without(service: Service) -> str | None:
    """What a start says of a service whose database is away though the log knows its work; None where it would make
    one without a word, or the log cannot be looked at, which is told by itself."""
    from shared.runtime import checks

    try:
        with opened() as log:
            checks.look_at_log_anew(service, log, embedded=settings().embedded)
    except Conflict as error:
        return error.detail
    except (NotFound, Unavailable):
        pass
    return None


class _Unread(TypedDict):
    """What a service has not done yet of a partition."""

    service: str
    topic: str
    partition: int
    unread: int
    oldest_unread_seconds: float | None
    held_keys: int
    read_by: str | None


def _unread(service: Service, log: EventLog) -> Iterator[_Unread]:
    from shared.runtime.log_metrics import oldest, seconds_since

    if not service.topics:
        return
    unread, readers, held = log.unread(service.name, service.topics), log.readers(service.name), _held(service)
    since = oldest(log, unread)
    for partition, left in unread.items():
        yield {
            "service": service.name,
            "topic": partition[0],
            "partition": partition[1],
            "unread": left.messages,
            "oldest_unread_seconds": round(seconds_since(since[partition]), 1) if partition in since else None,
            "held_keys": held.get(partition, 0),
            "read_by": readers.get(partition),
        }


def _held(service: Service) -> dict[tuple[str, int], int]:
    """How many keys of each partition are held; none where there is no database to tell."""
    from sqlalchemy import func, select
    from sqlmodel import col

    from shared.db.tables import HeldKeyRow
    from shared.runtime.checks import opened_if_there

    with opened_if_there(settings(), service, HeldKeyRow) as database:
        if database is None:
            return {}
        partition = col(HeldKeyRow.topic), col(HeldKeyRow.partition)
        counted = select(*partition, func.count()).where(col(HeldKeyRow.consumer) == service.name).group_by(*partition)
        with database.session(readonly=True) as session:
            rows = session.execute(counted).all()
    return {(topic, number): count for topic, number, count in rows}


def _checked(service: Service, log: EventLog, ring: KeyRing | Unavailable) -> str:
    from sqlalchemy.exc import DBAPIError

    from shared.bus.judging import reason_of
    from shared.db.tables import HeardUpToRow
    from shared.runtime import checks

    try:
        with checks.opened_if_there(settings(), service, HeardUpToRow) as database:
            if database is None:
                # A log that cannot be looked at is told by itself, and of each service that has a database.
                with suppress(Unavailable):
                    checks.look_at_log_anew(service, log, embedded=settings().embedded)
                return "no database yet"
            checks.check_file(log, checks.topics_of(service), embedded=settings().embedded)
            checks.look_at_log(service, database, log, embedded=settings().embedded)
            if isinstance(ring, Unavailable):
                raise ring
            checks.look_at_key(service.name, database, ring)
    except (LivingError, DBAPIError) as error:
        return reason_of(error)
    return "ok"


def _age(seconds: float | None) -> str:
    """Such as `12 s`, `3 min`, `5 h` or `2 days`; empty without one."""
    if seconds is None:
        return ""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
