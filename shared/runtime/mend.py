"""Mending: makes a lost log anew from the services' journals, and lets a service go on with an older database.

Each service's published outbox is its journal: the very events, in the order in which they were told. Every topic is
told by one service, so that a log made of the journals has each key in its order; only the offsets begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import bindparam, delete, func, select, update
from sqlmodel import Session, col

from shared.bus import positions
from shared.bus.open import open_log
from shared.bus.port import Delivery, EventLog, Last, Message, Partition
from shared.clock import parse_instant
from shared.db import inbox, migrate
from shared.db.engine import Database
from shared.db.said import table_of
from shared.db.tables import DeadLetterRow, HeardUpToRow, OutboxRow, ParkedEventRow, PublishedUpToRow, published
from shared.errors import Conflict, Unavailable
from shared.events.base import Envelope
from shared.events.registry import TOPICS
from shared.runtime import checks
from shared.service import Service
from shared.settings import Settings
from shared.storage import sync_folder
from shared.tracing import headers_of

#: Events of a journal that are appended at a time.
_PAGE = 200
#: What is set against offsets of messages that no journal has, so that they collide with none.
_BEFORE = 1 << 40

At = tuple[Partition, int]


@dataclass(frozen=True)
class Mended:
    """How many events of each service the new log has; where the lost file was put, if there was one; and what a
    person should know."""

    events: Mapping[str, int]
    aside: Path | None = None
    remarks: Sequence[str] = ()


@dataclass
class _Journal:
    """A service's database while its log is made anew."""

    service: Service
    database: Database
    published: dict[Partition, tuple[int, str]] = field(default_factory=dict)
    events: int = 0


def mend(settings: Settings, services: Sequence[Service]) -> Mended:
    """Makes the log anew, with every event that the services' journals have. The platform must be stopped.

    A damaged file is kept beside the new one; topics of Kafka must be empty. Raises Conflict when a service runs or
    the log is whole. When it is cut short, the start goes on refusing, and mending begins again.
    """
    with ExitStack() as stack:
        journals = [it for it in _journals(settings, services, stack) if it is not None]
        _require_lost(settings, journals)
        with _draft(settings) as log:
            log.create_topics()
            if any(log.ends(TOPICS).values()):
                raise Conflict(
                    "the topics hold messages already: delete them, or name other ones with LIVING_TOPIC_PREFIX"
                )
            remarks = [remark for journal in journals for remark in _append(journal, log)]
            where = _find(log, _known_ids(journals))
            for journal in journals:
                log.rewind(journal.service.name, _goes_on(journal, where))
        aside = _swap(settings) if settings.embedded else None
        for journal in journals:
            with journal.database.session() as session:
                _rewrite(session, journal, where)
                session.commit()
    return Mended({it.service.name: it.events for it in journals}, aside, remarks)


@dataclass(frozen=True)
class Rewound:
    """From which offset to which a group went back; and how many events its journal has again."""

    moved: Mapping[Partition, tuple[int, int]]
    journalled: int


def rewind(service: Service, database: Database, log: EventLog) -> Rewound:
    """Puts the group of a service back to what its database has heard, and takes into its journal what it told and
    the database does not know; what these events say does not come back into its tables.

    Raises Conflict while the service runs.
    """
    stored = log.stored(service.name, service.topics)
    with database.session(readonly=True) as session:
        ahead = checks.Known.of(session, service.name).unheard(stored)
    leadership = database.leadership("relay")
    if not leadership.hold():
        raise Conflict(f"{service.name} is running: stop the platform first", slug="at_work")
    try:
        log.rewind(service.name, {partition: goes_on for partition, (goes_on, _) in ahead.items()})
        journalled = _take_into_journal(service, database, log)
    finally:
        leadership.release()
    return Rewound({partition: (was, now) for partition, (now, was) in ahead.items()}, journalled)


def _take_into_journal(service: Service, database: Database, log: EventLog) -> int:
    reading, count = checks.emitted_and_unknown(service, database, log), 0
    while page := list(islice(reading, _PAGE)):
        with database.session() as session:
            session.add_all(_journal_row(at, envelope) for at, envelope in page)
            last = {at.topic_partition: Last(number, at.offset) for number, (at, _) in enumerate(page)}
            positions.published(session, last, [envelope.id for _, envelope in page])
            session.commit()
        count += len(page)
    return count


def _journal_row(at: Delivery, envelope: Envelope) -> OutboxRow:
    return OutboxRow(
        event_id=envelope.id, correlation=envelope.correlationid, review=envelope.data.get("review") or "",
        type=envelope.type, topic=at.topic, key=at.key, payload=at.value.decode(),
        recorded_at=parse_instant(envelope.recordedtime),
    )  # fmt: skip


def _journals(settings: Settings, services: Sequence[Service], stack: ExitStack) -> Iterator[_Journal | None]:
    """Opens what there is of databases, and keeps every relay away from them."""
    for service in services:
        database = stack.enter_context(checks.opened_if_there(settings, service, PublishedUpToRow))
        if database is None:
            yield None
            continue
        leadership = database.leadership("relay")
        if not leadership.hold():
            raise Conflict(f"{service.name} is running: stop the platform first", slug="at_work")
        stack.callback(leadership.release)
        revision = migrate.current(database)
        if revision is not None and revision != migrate.head(service):
            raise Conflict(
                f"the database of {service.name} is not of this release: `living db upgrade` first", slug="drift"
            )
        yield _Journal(service, database)


def _require_lost(settings: Settings, journals: Iterable[_Journal]) -> None:
    with closing(_open(settings)) as log:
        try:
            topics = {topic for journal in journals for topic in checks.topics_of(journal.service)}
            checks.check_file(log, topics, embedded=settings.embedded)
            for journal in journals:
                checks.look_at_log(journal.service, journal.database, log, embedded=settings.embedded)
        except Unavailable as lost:
            if lost.slug != "log_lost":
                raise
        else:
            raise Conflict("the event log is as the services left it: there is nothing to mend", slug="log_whole")


def _open(settings: Settings, beside: str = "") -> EventLog:
    return open_log(settings.resolved(settings.log_url) + beside, prefix=settings.topic_prefix)


@contextmanager
def _draft(settings: Settings) -> Iterator[EventLog]:
    """The log to be: beside the place of the lost one, or the empty topics themselves."""
    if not settings.embedded:
        with closing(_open(settings)) as log:
            yield log
        return
    for left_over in _files(_file(settings, ".mending")):
        left_over.unlink()
    with closing(_open(settings, ".mending")) as log:
        yield log


def _file(settings: Settings, beside: str = "") -> Path:
    return Path(settings.resolved(settings.log_url).partition(":")[2] + beside)


def _files(path: Path) -> list[Path]:
    """A SQLite file with what SQLite keeps beside it."""
    return [file for end in ("", "-wal", "-shm", "-journal") if (file := Path(f"{path}{end}")).exists()]


def _swap(settings: Settings) -> Path | None:
    """Puts the draft into the place of the lost file, which is kept."""
    lost, draft = _file(settings), _file(settings, ".mending")
    aside = lost.with_name(f"{lost.name}.lost-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    # Where the file itself is away, its WAL is kept.
    kept = [file.rename(f"{aside}{file.name.removeprefix(lost.name)}") for file in _files(lost)]
    draft.rename(lost)
    sync_folder(lost.parent)
    return kept[0] if kept else None


def _append(journal: _Journal, log: EventLog) -> Iterator[str]:
    """Appends a journal, oldest first; tells what is lacking."""
    first, unknown = None, 0
    for rows in _pages(journal.database):
        first = rows[0].seq if first is None else first
        known = [row for row in rows if row.topic in TOPICS]
        unknown += len(rows) - len(known)
        last: Mapping[Partition, Last] = log.append(
            [Message(it.topic, it.key, it.payload.encode(), headers_of(it.traceparent)) for it in known]
        )
        journal.published |= {partition: (it.offset, known[it.index].event_id) for partition, it in last.items()}
        journal.events += len(known)
    if first is not None and first > 1:
        yield f"the journal of {journal.service.name} begins at its event {first}: what it told before is not in it"
    if unknown:
        yield f"{unknown} events of {journal.service.name} are of topics that this release does not have: left out"


def _pages(database: Database) -> Iterator[Sequence[OutboxRow]]:
    seq = 0
    while True:
        with database.session(readonly=True) as session:
            page = published().where(col(OutboxRow.seq) > seq).order_by(col(OutboxRow.seq)).limit(_PAGE)
            rows = session.execute(page).scalars().all()
        if not rows:
            return
        yield rows
        seq = rows[-1].seq or 0


def _known_ids(journals: Iterable[_Journal]) -> set[str]:
    """The events whose position some database knows."""
    ids: set[str] = set()
    for journal in journals:
        with journal.database.session(readonly=True) as session:
            for column in (col(HeardUpToRow.event_id), col(ParkedEventRow.event_id), col(DeadLetterRow.event_id)):
                ids.update(it for it in session.execute(select(column)).scalars() if it is not None)
    return ids


def _find(log: EventLog, ids: set[str]) -> dict[str, At]:
    """Where these events stand on the new log."""
    found = ((positions.event_id(delivery), delivery) for delivery in log.read(TOPICS))
    return {event_id: (it.topic_partition, it.offset) for event_id, it in found if event_id in ids}


def _goes_on(journal: _Journal, where: Mapping[str, At]) -> dict[Partition, int]:
    """Where the service's group goes on: a little before the last message heard; at the beginning, where that one is
    on no journal. The inbox knows what comes again."""
    goes_on = {(topic, number): 0 for topic in journal.service.topics for number in range(TOPICS[topic].partitions)}
    with journal.database.session(readonly=True) as session:
        ours = select(HeardUpToRow).where(col(HeardUpToRow.consumer) == journal.service.name)
        heard = session.execute(ours).scalars().all()
    for row in heard:
        partition, offset = where.get(row.event_id or "", (None, 0))
        if partition == (row.topic, row.partition):
            goes_on[partition] = max(0, offset + 1 - inbox.OVERLAP)
    return goes_on


def _rewrite(session: Session, journal: _Journal, where: Mapping[str, At]) -> None:
    """Makes a database know the new positions."""
    now = datetime.now(UTC)
    session.execute(delete(PublishedUpToRow))
    for (topic, partition), (offset, event_id) in journal.published.items():
        session.add(PublishedUpToRow(topic=topic, partition=partition, offset=offset, event_id=event_id, at=now))
    for row in session.execute(select(HeardUpToRow)).scalars().all():
        moved_to, offset = where.get(row.event_id or "", (None, 0))
        if moved_to == (row.topic, row.partition):
            row.offset = offset
        else:
            session.delete(row)
    session.flush()
    for table in (ParkedEventRow, DeadLetterRow):
        _move(session, table, where)


def _move(session: Session, table: type[ParkedEventRow] | type[DeadLetterRow], where: Mapping[str, At]) -> None:
    """Moves rows to the new positions of their events. Those that no journal has go before all others, in their order;
    so do all but the first of those that keep one event twice, since it stood on the log twice."""
    columns = table_of(table).c
    session.connection().execute(update(table).values(offset=columns.offset - _BEFORE))
    first = select(columns.consumer, columns.event_id, func.min(columns.offset)).group_by(
        columns.consumer, columns.event_id
    )
    moved = update(table).where(
        columns.consumer == bindparam("whose"), columns.event_id == bindparam("its"), columns.offset == bindparam("was")
    )
    moved = moved.values(partition=bindparam("number"), offset=bindparam("place"))
    known = [row for row in session.execute(first).all() if row[1] in where]
    for start in range(0, len(known), _PAGE):
        rows = [
            {"whose": whose, "its": its, "was": was, "number": where[its][0][1], "place": where[its][1]}
            for whose, its, was in known[start : start + _PAGE]
        ]
        session.connection().execute(moved, rows)
