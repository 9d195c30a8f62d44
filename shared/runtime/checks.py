"""Checks at start: what a service's database knows of the log and of the signing key must be so still.

A log that was lost, emptied or replaced, a key that is another, a database that is older than the log: each would
look like a fresh start and lose history without a word. So each is refused here, in a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from shared.bus import judging
from shared.bus.port import Delivery, EventLog, Place
from shared.db import places
from shared.db.engine import Database
from shared.db.many import each_of
from shared.db.tables import (
    DeadLetter,
    Fact,
    HeardType,
    HeardUpTo,
    InboxRow,
    OutboxRow,
    ParkedEvent,
    PublishedUpTo,
    published,
)
from shared.errors import Conflict, LogUnavailable, Rejected, Unavailable
from shared.events.base import Envelope
from shared.keys import SigningKey
from shared.service import Service
from shared.settings import Settings

KEY_FACT = "signing_key"

#: Messages held against the inbox at a time.
_PAGE = 500


@dataclass(frozen=True)
class Known:
    """What a database knows of the log: by partition, the offset and the event id of the last it told and heard."""

    published: Mapping[Place, tuple[int, str]]
    heard: Mapping[Place, tuple[int, str | None]]
    #: A topic that was told on, and one that was heard, by a release that kept no places yet.
    told_on: str | None
    listened: bool

    @classmethod
    def of(cls, session: Session, service: str) -> Known:
        heard = session.execute(select(HeardUpTo).where(HeardUpTo.consumer == service)).scalars()
        last = published().with_only_columns(OutboxRow.topic).order_by(OutboxRow.seq.desc())  # type: ignore[call-overload,union-attr]
        inbox = select(InboxRow.event_id).where(InboxRow.consumer == service)
        return cls(
            published={
                (row.topic, row.partition): (row.offset, row.event_id)
                for row in session.execute(select(PublishedUpTo)).scalars()
            },
            heard={(row.topic, row.partition): (row.offset, row.event_id) for row in heard},
            told_on=session.execute(last.limit(1)).scalar(),
            listened=session.execute(inbox.limit(1)).first() is not None,
        )

    def unheard(self, stored: Mapping[Place, int]) -> dict[Place, tuple[int, int]]:
        """Where the group has stored more than this database kept: from which offset up to which."""
        heard = {place: offset + 1 for place, (offset, _) in self.heard.items()}
        return {place: (heard.get(place, 0), it) for place, it in stored.items() if it > heard.get(place, 0)}

    @property
    def topics(self) -> set[str]:
        told = {self.told_on} if self.told_on else set()
        return {topic for topic, _ in (*self.published, *self.heard)} | told


def check_key(service: str, database: Database, key: SigningKey) -> None:
    """Keeps the key's fingerprint at a database's first start. Raises Conflict ever after for another key."""
    if not look_at_key(service, database, key):
        with database.session() as session:
            keep_key(session, key)
            session.commit()


def look_at_key(service: str, database: Database, key: SigningKey) -> bool:
    """Whether the database knows the key; False when it knows none yet. Raises Conflict when it knows another."""
    with database.session(readonly=True) as session:
        known = session.get(Fact, KEY_FACT)
        if known is not None and known.value != key.fingerprint:
            raise Conflict(
                f"the signing key ({key.fingerprint}) is not the one that {service} was first used with "
                f"({known.value}): put that one back; or, if it was changed on purpose, tell with `living key accept`",
                slug="another_key",
            )
    return known is not None


def keep_key(session: Session, key: SigningKey) -> None:
    """Makes the database know this key from now on."""
    session.merge(Fact(name=KEY_FACT, value=key.fingerprint, since=datetime.now(UTC)))


def known_keys(settings: Settings, services: Sequence[Service]) -> dict[str, str]:
    """By service, the fingerprint of the key its database was used with. Looks only at what is there.

    Raises Unavailable while a database cannot be asked: a key that it knows must not be replaced.
    """
    known = {}
    for service in services:
        try:
            with opened_if_there(settings, service, Fact) as database:
                if database is not None:
                    with database.session(readonly=True) as session:
                        fact = session.get(Fact, KEY_FACT)
                        known |= {service.name: fact.value} if fact is not None else {}
        except DBAPIError as error:
            why = f"there is no signing key, and whether {service.name} has known one cannot be asked"
            raise Unavailable(f"{why}: {judging.reason_of(error)}") from error
    return known


@contextmanager
def opened_if_there(settings: Settings, service: Service, table: type[SQLModel]) -> Iterator[Database | None]:
    """A service's database; None where there is none yet, or none with that table. Nothing is made by looking."""
    database = Database(settings.place(settings.database_url, service.name))
    try:
        yield database if _is_there(database) and inspect(database.engine).has_table(table.__tablename__) else None
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


def check_file(log: EventLog, topics: Collection[str], *, embedded: bool) -> None:
    """Raises Unavailable, saying what to do, when the log is there and cannot be read whole; LogUnavailable when it is
    another's lock, the disk or its rights that keep it from us, and nothing is lost."""
    try:
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
        last = log.at({place: goes_on - 1 for place, goes_on in passed.items()})
        with database.session() as session:
            places.heard(session, service.name, list(last.values()))
            session.commit()
    _go_on_after_rest(service, database, log)


def _go_on_after_rest(service: Service, database: Database, log: EventLog) -> None:
    """Has the group go on where the database is, where the log has forgotten it: a broker forgets the offsets of a
    group that was away for long (Kafka: `offsets.retention.minutes`, a week), and would give everything again."""
    with database.session(readonly=True) as session:
        heard = {place: it for place, it in Known.of(session, service.name).heard.items() if place[0] in service.topics}
    stored = log.stored(service.name, {topic for topic, _ in heard}) if heard else {}
    forgotten = {place: offset + 1 for place, (offset, _) in heard.items() if place not in stored}
    if forgotten:
        with suppress(Conflict):  # Another replica is at work, which has done it.
            log.rewind(service.name, forgotten)


def look_at_log(service: Service, database: Database, log: EventLog, *, embedded: bool) -> dict[Place, int]:
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
    _require_told_and_heard(service.name, known, log, there, remedy)
    ahead = known.unheard(stored)
    # A release that kept no places has heard all that its group stored.
    if known.heard or not known.listened:
        _require_nothing_unheard(service, database, log, ahead)
    for _, envelope in told_and_unknown(service, database, log):
        raise Conflict(
            f"the database of {service.name} is older than the event log: {service.name} told {envelope.id} "
            f"({envelope.type} of {envelope.subject}), and this database knows nothing of it. Put the newer database "
            f"back; where there is none, `living log rewind {service.name}` says what goes on without it",
            slug="database_older",
        )
    return {place: goes_on for place, (_, goes_on) in ahead.items()}


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


def _require_told_and_heard(service: str, known: Known, log: EventLog, topics: set[str], remedy: str) -> None:
    last = {**known.heard, **known.published}
    last = {place: it for place, it in last.items() if place[0] in topics}
    found = log.at({place: offset for place, (offset, _) in last.items()})
    for place, (offset, event_id) in last.items():
        there = found.get(place)
        if there is None or places.event_id(there) != event_id:
            instead = "nothing" if there is None else f"another message ({places.event_id(there) or 'no event'})"
            raise Unavailable(
                f"the event log is not as {service} left it: {place[0]}/{place[1]}@{offset} should be "
                f"{event_id or 'a message'}, and there is {instead}. {remedy}",
                slug="log_lost",
            )
    before_places = (known.told_on and not known.published) or (known.listened and not known.heard)
    if before_places and not any(log.ends(topics).values()):
        raise Unavailable(f"{service} has used the event log before, and it is empty. {remedy}", slug="log_lost")


def _require_nothing_unheard(
    service: Service, database: Database, log: EventLog, ahead: Mapping[Place, tuple[int, int]]
) -> None:
    reading = log.between(ahead)
    while page := list(islice(reading, _PAGE)):
        _require_heard(service, database, page)


def _require_heard(service: Service, database: Database, deliveries: Sequence[Delivery]) -> None:
    with database.session(readonly=True) as session:
        types = _types_heard(session, service)
        concern = {envelope.id: at for at, envelope in _read(deliveries) if envelope.type in types}
        for column in (InboxRow.event_id, DeadLetter.event_id, ParkedEvent.event_id):
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
    heard = set(session.execute(select(HeardType.type).where(HeardType.consumer == service.name)).scalars())
    types = {reaction.event.type for reaction in service.reactions}
    return types & heard if heard else types


def told_and_unknown(service: Service, database: Database, log: EventLog) -> Iterator[tuple[Delivery, Envelope]]:
    """The events on the log that the service told after what its database knows of, in the log's order: none, unless
    an older database was put back. What was appended a moment ago, and still counts as waiting, is in the outbox."""
    own = {event.topic for event in service.emits}
    ends = log.ends(own - log.missing(own))
    with database.session(readonly=True) as session:
        known = Known.of(session, service.name)
        begun = known.told_on is not None or session.execute(select(OutboxRow.seq).limit(1)).first() is not None
    # A partition on which it knows nothing is of no use where a release before kept no places, or no whole journal.
    beyond = {place: known.published[place][0] + 1 for place in ends if place in known.published}
    beyond |= {} if begun else dict.fromkeys(ends.keys() - beyond.keys(), 0)
    reading = log.between({place: (start, ends[place]) for place, start in beyond.items() if start < ends[place]})
    while page := list(islice(reading, _PAGE)):
        told = [(at, it) for at, it in _read(page) if it.source == f"living/{service.name}"]
        with database.session(readonly=True) as session:
            ids = select(each_of(session, [it.id for _, it in told], OutboxRow.event_id))
            journal = set(session.execute(select(OutboxRow.event_id).where(OutboxRow.event_id.in_(ids))).scalars())
        yield from ((at, it) for at, it in told if it.id not in journal)


def _read(deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, Envelope]]:
    for delivery in deliveries:
        try:
            yield delivery, Envelope.from_json(delivery.value)
        except Rejected:
            continue  # What is no event was set aside, and is not in the inbox.
