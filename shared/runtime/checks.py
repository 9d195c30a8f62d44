"""Checks at start: what a service's database knows of the log and of the signing key must be so still.

A log that was lost, emptied or replaced, a key that is another, a database that is older than the log: each would
look like a fresh start and lose history without a word. So each is refused here, in a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col

from shared.bus import judging, positions
from shared.bus.port import Delivery, EventLog, Partition
from shared.db.engine import Database, opened
from shared.db.many import each_of
from shared.db.said import table_of
from shared.db.tables import (
    BusBase,
    DeadLetterRow,
    FactRow,
    HeardTypeRow,
    HeardUpToRow,
    InboxRow,
    OutboxRow,
    ParkedEventRow,
    PublishedUpToRow,
    published,
)
from shared.errors import Conflict, LogUnavailable, Rejected, Unavailable
from shared.events.base import Envelope
from shared.keys.ring import KeyRing, kid_of
from shared.service import Service
from shared.settings import Settings

Answer = TypeVar("Answer")

KEY_FACT = "signing_key"

#: Messages held against the inbox at a time.
_PAGE = 500


@dataclass(frozen=True)
class Known:
    """What a database knows of the log: by partition, the offset and the event id of the last it told and heard."""

    published: Mapping[Partition, tuple[int, str]]
    heard: Mapping[Partition, tuple[int, str | None]]
    #: A topic that was told on, and one that was heard, by a release that kept no positions yet.
    emitted_on: str | None
    listened: bool

    @classmethod
    def of(cls, session: Session, service: str) -> Known:
        heard = session.execute(select(HeardUpToRow).where(col(HeardUpToRow.consumer) == service)).scalars()
        last = published().with_only_columns(col(OutboxRow.topic)).order_by(col(OutboxRow.seq).desc())
        inbox = select(col(InboxRow.event_id)).where(col(InboxRow.consumer) == service)
        return cls(
            published={
                (row.topic, row.partition): (row.offset, row.event_id)
                for row in session.execute(select(PublishedUpToRow)).scalars()
            },
            heard={(row.topic, row.partition): (row.offset, row.event_id) for row in heard},
            emitted_on=session.execute(last.limit(1)).scalar(),
            listened=session.execute(inbox.limit(1)).first() is not None,
        )

    def unheard(self, stored: Mapping[Partition, int]) -> dict[Partition, tuple[int, int]]:
        """Where the group has stored more than this database kept: from which offset up to which."""
        heard = {partition: offset + 1 for partition, (offset, _) in self.heard.items()}
        return {
            partition: (heard.get(partition, 0), it) for partition, it in stored.items() if it > heard.get(partition, 0)
        }

    @property
    def topics(self) -> set[str]:
        emitted = {self.emitted_on} if self.emitted_on else set()
        return {topic for topic, _ in (*self.published, *self.heard)} | emitted


def check_key(service: str, database: Database, ring: KeyRing) -> None:
    """Keeps the fingerprints of the ring's keys at a database's first start, and of keys that came by rotation.

    Raises Conflict for a ring that lacks a key the database knows.
    """
    if not look_at_key(service, database, ring):
        with database.session() as session:
            keep_key(session, ring)
            session.commit()


def look_at_key(service: str, database: Database, ring: KeyRing) -> bool:
    """Whether the database knows every key of the ring. Raises Conflict when it knows one that the ring lacks: a
    rotation keeps those of before."""
    with database.session(readonly=True) as session:
        known = session.get(FactRow, KEY_FACT)
        fingerprints = set(known.value.split()) if known is not None else set()
    lacking = sorted(fingerprints - ring.fingerprints)
    if lacking:
        raise Conflict(
            f"the key ring lacks {', '.join(map(kid_of, lacking))}, with which {service} was used: put the right one "
            "back; or, if it was changed on purpose, tell with `living key accept`",
            slug="another_key",
        )
    return fingerprints == ring.fingerprints


def keep_key(session: Session, ring: KeyRing) -> None:
    """Makes the database know the keys of this ring from now on."""
    session.merge(FactRow(name=KEY_FACT, value=" ".join(sorted(ring.fingerprints)), since=datetime.now(UTC)))


def known_keys(settings: Settings, services: Sequence[Service]) -> dict[str, frozenset[str]]:
    """By service, the fingerprints of the keys its database was used with. Looks only at what is there.

    Raises Unavailable while a database cannot be asked: a key that it knows must not be replaced.
    """
    asked = {service.name: asked_if_there(settings, service, FactRow, _keys_known) for service in services}
    return {name: keys for name, keys in asked.items() if keys is not None}


def _keys_known(session: Session) -> frozenset[str] | None:
    fact = session.get(FactRow, KEY_FACT)
    return frozenset(fact.value.split()) if fact is not None else None


def asked_if_there(
    settings: Settings, service: Service, table: type[SQLModel], ask: Callable[[Session], Answer | None]
) -> Answer | None:
    """What a service's database answers about its keys; None where it is not there yet, or has not that table.

    Raises Unavailable while it cannot be asked: no key is made or changed in spite of what it may know.
    """
    try:
        with opened_if_there(settings, service, table) as database:
            if database is None:
                return None
            with database.session(readonly=True) as session:
                return ask(session)
    except DBAPIError as error:
        raise Unavailable(
            f"which keys {service.name} was used with cannot be asked of its database: {judging.reason_of(error)}. "
            "Start it, or mend LIVING_DATABASE_URL"
        ) from error


@contextmanager
def opened_if_there(settings: Settings, service: Service, table: type[SQLModel]) -> Iterator[Database | None]:
    """A service's database; None where there is none yet, or none with that table. Nothing is made by looking."""
    database = Database(settings.resolved(settings.database_url, service.name))
    try:
        yield database if _is_there(database) and inspect(database.engine).has_table(table_of(table).name) else None
    finally:
        database.close()


def _is_there(database: Database) -> bool:
    if database.sqlite:
        return Path(database.url.database or "").is_file()
    server = create_engine(database.url.set(database="postgres"))
    try:
        with server.connect() as connection:
            named = text("SELECT 1 FROM pg_database WHERE datname = :name")
            return connection.execute(named, {"name": database.url.database}).first() is not None
    finally:
        server.dispose()


def check_file(log: EventLog, topics: Collection[str], *, embedded: bool, upgrades: bool = False) -> None:
    """Looks at what there is of the log; `upgrades` first makes one of an earlier release one of this.

    Raises Unavailable, saying what to do, when the log is there and cannot be read whole; LogUnavailable when it is
    another's lock, the disk or its rights that keep it from us, and nothing is lost.
    """
    try:
        if upgrades:
            log.upgrade()
        if log.missing(topics) != set(topics):
            log.verify()
    except LogUnavailable as error:
        # Brokers that do not answer have lost nothing, nor has a file that we may not open now.
        if not embedded or error.slug not in (LogUnavailable.slug, "damaged"):
            raise
        raise Unavailable(f"{error.detail}. {_remedy(embedded)}", slug="log_lost") from error


def check_log(service: Service, database: Database, log: EventLog, *, embedded: bool) -> None:
    """Holds what the database told and heard against the log, then keeps what it takes for given.

    Raises what `look_at_log` raises.
    """
    passed = look_at_log(service, database, log, embedded=embedded)
    if passed:
        last = log.at({partition: goes_on - 1 for partition, goes_on in passed.items()})
        with database.session() as session:
            positions.heard(session, service.name, list(last.values()))
            session.commit()
    _go_on_after_rest(service, database, log)


def _go_on_after_rest(service: Service, database: Database, log: EventLog) -> None:
    """Has the group go on where the database is, where the log has forgotten it: a broker forgets the offsets of a
    group that was away for long (Kafka: `offsets.retention.minutes`, a week), and would give everything again."""
    with database.session(readonly=True) as session:
        heard = {
            partition: it
            for partition, it in Known.of(session, service.name).heard.items()
            if partition[0] in service.topics
        }
    stored = log.stored(service.name, {topic for topic, _ in heard}) if heard else {}
    forgotten = {partition: offset + 1 for partition, (offset, _) in heard.items() if partition not in stored}
    if forgotten:
        with suppress(Conflict):  # Another replica is at work, which has done it.
            log.rewind(service.name, forgotten)


def look_at_log(service: Service, database: Database, log: EventLog, *, embedded: bool) -> dict[Partition, int]:
    """Holds what the database told and heard against the log; answers where the group rightly goes on, further than
    the database has kept. Writes nothing.

    Raises Unavailable when the log has not what stood on it, Conflict when the group has gone on from what this
    database never heard, or the service has told what this database does not know. A database that knows nothing yet,
    as of a first start, agrees with every log on which its service was never at work.
    """
    topics = topics_of(service)
    missing = log.missing(topics)
    there = topics - missing
    # What the group stored is asked for first: a replica that listens meanwhile hears before it stores.
    stored = log.stored(service.name, there.intersection(service.topics)) if there else {}
    with database.session(readonly=True) as session:
        known = Known.of(session, service.name)
    remedy = _remedy(embedded)
    gone = sorted(missing & known.topics)
    if gone:
        raise Unavailable(
            f"{service.name} has used the event log before, but {', '.join(gone)} is not on it (any more). {remedy}",
            slug="log_lost",
        )
    if not there:
        return {}
    _require_emitted_and_heard(service.name, known, log, there, remedy)
    ahead = known.unheard(stored)
    # A release that kept no positions has heard all that its group stored.
    if known.heard or not known.listened:
        _require_nothing_unheard(service, database, log, ahead)
    for _, envelope in emitted_and_unknown(service, database, log):
        raise Conflict(
            f"the database of {service.name} is older than the event log: {service.name} told {envelope.id} "
            f"({envelope.type} of {envelope.subject}), and this database knows nothing of it. Put the newer database "
            f"back; where there is none, `living log rewind {service.name}` says what goes on without it",
            slug="database_older",
        )
    return {partition: goes_on for partition, (_, goes_on) in ahead.items()}


def look_at_log_anew(service: Service, log: EventLog, *, embedded: bool) -> None:
    """Raises what a start without a database would raise: where the service was at work on this log, it is refused."""
    with TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/none.db") as nothing:
        BusBase.metadata.create_all(nothing.engine)
        look_at_log(service, nothing, log, embedded=embedded)


def topics_of(service: Service) -> set[str]:
    """Every topic that a service hears or tells on."""
    return {*service.topics, *(event.topic for event in service.emits)}


def _remedy(embedded: bool) -> str:
    why = "It was removed, emptied or damaged, is an older copy, or belongs to another platform: "
    if embedded:
        return f"{why}put the right file back, or make it anew from the services' journals with `living log mend`"
    return (
        f"{why}look at LIVING_LOG_URL and LIVING_TOPIC_PREFIX, or restore the topics; where they are lost for good "
        "and empty, `living log mend` fills them anew from the services' journals"
    )


def _require_emitted_and_heard(service: str, known: Known, log: EventLog, topics: set[str], remedy: str) -> None:
    last = {**known.heard, **known.published}
    last = {partition: it for partition, it in last.items() if partition[0] in topics}
    found = log.at({partition: offset for partition, (offset, _) in last.items()})
    for partition, (offset, event_id) in last.items():
        there = found.get(partition)
        if there is None or positions.event_id(there) != event_id:
            instead = "nothing" if there is None else f"another message ({positions.event_id(there) or 'no event'})"
            raise Unavailable(
                f"the event log is not as {service} left it: {partition[0]}/{partition[1]}@{offset} should be "
                f"{event_id or 'a message'}, and there is {instead}. {remedy}",
                slug="log_lost",
            )
    before_positions = (known.emitted_on and not known.published) or (known.listened and not known.heard)
    if before_positions and not any(log.ends(topics).values()):
        raise Unavailable(f"{service} has used the event log before, and it is empty. {remedy}", slug="log_lost")


def _require_nothing_unheard(
    service: Service, database: Database, log: EventLog, ahead: Mapping[Partition, tuple[int, int]]
) -> None:
    reading = log.between(ahead)
    while page := list(islice(reading, _PAGE)):
        _require_heard(service, database, page)


def _require_heard(service: Service, database: Database, deliveries: Sequence[Delivery]) -> None:
    with database.session(readonly=True) as session:
        types = _types_heard(session, service)
        concern = {envelope.id: at for at, envelope in _read(deliveries) if envelope.type in types}
        for column in (col(InboxRow.event_id), col(DeadLetterRow.event_id), col(ParkedEventRow.event_id)):
            known = select(column).where(column.in_(select(each_of(session, list(concern), InboxRow.event_id))))
            for event_id in session.execute(known).scalars():
                concern.pop(event_id, None)
    if concern:
        event_id, at = next(iter(concern.items()))
        raise Conflict(
            f"the database of {service.name} is older than the event log believes: {event_id} "
            f"({at.topic}/{at.partition}@{at.offset}) counts as heard, and this database never heard it. Put the newer "
            f"database back; or `living log rewind {service.name}` lets it hear again what it missed",
            slug="database_older",
        )


def _types_heard(session: Session, service: Service) -> set[str]:
    """The types of event that this database has listened to: what a release added only now was never heard."""
    heard = set(
        session.execute(select(col(HeardTypeRow.type)).where(col(HeardTypeRow.consumer) == service.name)).scalars()
    )
    types = {reaction.event.type for reaction in service.reactions}
    return types & heard if heard else types


def emitted_and_unknown(service: Service, database: Database, log: EventLog) -> Iterator[tuple[Delivery, Envelope]]:
    """The events on the log that the service told after what its database knows of, in the log's order: none, unless
    an older database was put back. What was appended a moment ago, and still counts as waiting, is in the outbox."""
    own = {event.topic for event in service.emits}
    ends = log.ends(own - log.missing(own))
    with database.session(readonly=True) as session:
        known = Known.of(session, service.name)
        begun = known.emitted_on is not None or session.execute(select(col(OutboxRow.seq)).limit(1)).first() is not None
    # A partition on which it knows nothing is of no use where a release before kept no positions, or no whole journal.
    beyond = {partition: known.published[partition][0] + 1 for partition in ends if partition in known.published}
    beyond |= {} if begun else dict.fromkeys(ends.keys() - beyond.keys(), 0)
    reading = log.between(
        {partition: (start, ends[partition]) for partition, start in beyond.items() if start < ends[partition]}
    )
    while page := list(islice(reading, _PAGE)):
        emitted = [(at, it) for at, it in _read(page) if it.source == f"living/{service.name}"]
        with database.session(readonly=True) as session:
            ids = select(each_of(session, [it.id for _, it in emitted], OutboxRow.event_id))
            known_ids = select(col(OutboxRow.event_id)).where(col(OutboxRow.event_id).in_(ids))
            journal = set(session.execute(known_ids).scalars())
        yield from ((at, it) for at, it in emitted if it.id not in journal)


def _read(deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, Envelope]]:
    for delivery in deliveries:
        try:
            yield delivery, Envelope.from_json(delivery.value)
        except Rejected:
            continue  # What is no event was set aside, and is not in the inbox.
