"""Held keys: the keys of a service's topics that stand still, and their events, parked in order until they go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from shared import tracing
from shared.bus.judging import Judgement, Outcome
from shared.bus.port import Delivery
from shared.bus.reading import Heard
from shared.db.many import each_of, is_sqlite
from shared.db.said import table_of
from shared.db.tables import DeadLetterRow, HeldKeyRow, ParkedEventRow
from shared.pauses import pause_after

#: A key of a topic.
Key = tuple[str, str]

#: Why a key is held, as it is kept.
FAULT, NOT_YET, UNKNOWN_VERSION, RELEASED = "fault", "not_yet", "unknown_version", "released"

#: All of them.
CAUSES = (FAULT, NOT_YET, UNKNOWN_VERSION, RELEASED)

_CAUSES = {
    Outcome.FAULT: FAULT,
    Outcome.NOT_YET: NOT_YET,
    Outcome.UNKNOWN_VERSION: UNKNOWN_VERSION,
}

#: Seconds between two tries: the first after a fault is the listener's own, the longest is everybody's.
FIRST, LONGEST = 1.0, 60.0

#: How long an event may wait for another one before that counts as trouble.
PATIENCE = timedelta(minutes=1)


def delivery_of(row: ParkedEventRow | DeadLetterRow) -> Delivery:
    """What was delivered, as a row keeps it."""
    position = row.topic, row.partition, row.offset, row.key or ""
    return Delivery(*position, row.value, tracing.headers_of(row.traceparent))


class Held:
    """The held keys and parked events of one consumer, within one transaction.

    Times are the machine's, since the platform's clock may stand still. A clock that was set back must not make
    a key wait for as long: what is due in a time longer than any pause is due now.
    """

    def __init__(self, session: Session, consumer: str) -> None:
        self._session, self._consumer = session, consumer
        self._ours = col(HeldKeyRow.consumer) == consumer
        self.now = datetime.now(UTC)

    def among(self, keys: Collection[Key]) -> set[Key]:
        """Which of these keys are held. They stay as they are until this transaction ends."""
        if not keys or not self._session.execute(select(exists().where(self._ours))).scalar_one():
            return set()  # As nearly always, and asked without handing all of the keys over.
        query = select(col(HeldKeyRow.topic), col(HeldKeyRow.key)).where(
            self._ours,
            col(HeldKeyRow.topic).in_({topic for topic, _ in keys}),
            col(HeldKeyRow.key).in_(select(each_of(self._session, {key for _, key in keys}, HeldKeyRow.key))),
        )
        rows = self._session.execute(query.order_by(col(HeldKeyRow.topic), col(HeldKeyRow.key)).with_for_update())
        return {(row.topic, row.key) for row in rows} & set(keys)

    def hold(self, heard: Heard, judgement: Judgement, *, pause: float | None, letter: str | None = None) -> HeldKeyRow:
        """The hold of an event's key, to be added; it is tried again after `pause` seconds, or never by itself."""
        now, delivery = self.now, heard.delivery
        return HeldKeyRow(
            consumer=self._consumer, topic=delivery.topic, key=delivery.key, partition=delivery.partition,
            review=heard.review, cause=_CAUSES[judgement.outcome], reason=judgement.reason, letter=letter,
            since=now, tries=0 if judgement.presumed else 1, 
            try_at=None if pause is None else now + timedelta(seconds=pause),
        )  # fmt: skip

    def park(self, parked: Sequence[Heard]) -> None:
        """Keeps events until their keys go on."""
        rows = [
            {
                "consumer": self._consumer, "topic": one.delivery.topic, "partition": one.delivery.partition,
                "offset": one.delivery.offset, "key": one.delivery.key, "value": one.delivery.value,
                "event_id": one.envelope.id if one.envelope else "", "type": one.envelope.type if one.envelope else "",
                "parked_at": self.now, "traceparent": tracing.read(one.delivery.headers),
            }
            for one in parked
        ]  # fmt: skip
        if rows:
            insert = (sqlite if is_sqlite(self._session) else postgresql).insert
            # What the log gives a second time may be parked already, though the inbox has forgotten it.
            anew = insert(table_of(ParkedEventRow)).on_conflict_do_nothing()
            self._session.connection().execute(anew, rows)

    def parked_in(self, topic: str, partition: int) -> int:
        """How many events of a partition are parked."""
        count = select(func.count()).where(
            col(ParkedEventRow.consumer) == self._consumer,
            col(ParkedEventRow.topic) == topic,
            col(ParkedEventRow.partition) == partition,
        )
        parked: int = self._session.execute(count).scalar_one()
        return parked

    def is_any(self) -> tuple[bool, bool]:
        """Whether any key is held, and whether one of them is due."""
        any_, due = exists().where(self._ours), exists().where(self._ours, _due(self.now))
        held, ready = self._session.execute(select(any_, due)).one()
        return bool(held), bool(ready)

    def due(self, limit: int) -> list[HeldKeyRow]:
        """Keys to try now, those that have been due longest; locked, and those that another process has are passed
        over. Those come first that were tried least, so that some that wait in vain do not keep others waiting."""
        query = select(HeldKeyRow).where(self._ours, _due(self.now)).order_by(col(HeldKeyRow.try_at)).limit(limit)
        rows = self._session.execute(query.with_for_update(skip_locked=True)).scalars()
        return sorted(rows, key=lambda row: (row.tries, row.topic, row.key))

    def parked(self, keys: Sequence[HeldKeyRow], limit: int) -> list[ParkedEventRow]:
        """The parked events of these keys, a key's in their order, and key after key."""
        of_topic: dict[str, set[str]] = defaultdict(set)
        for row in keys:
            of_topic[row.topic].add(row.key)
        # Topic by topic, since keys of several topics may have one name.
        theirs = [
            and_(
                col(ParkedEventRow.topic) == topic,
                col(ParkedEventRow.key).in_(select(each_of(self._session, names, ParkedEventRow.key))),
            )
            for topic, names in of_topic.items()
        ]
        query = (
            select(ParkedEventRow)
            .where(col(ParkedEventRow.consumer) == self._consumer, or_(*theirs))
            .order_by(col(ParkedEventRow.topic), col(ParkedEventRow.key), col(ParkedEventRow.offset))
            .limit(limit)
        )
        return list(self._session.execute(query).scalars())

    def stir(self, reviews: Collection[str]) -> None:
        """Makes due what waits for another event, where it may have come: something of its review was done."""
        self._make_due(col(HeldKeyRow.cause) == NOT_YET, col(HeldKeyRow.review).in_(reviews))

    def stir_all(self) -> None:
        """Makes due all that does not wait for a person."""
        self._make_due()

    def try_unknown_versions(self) -> None:
        """Makes due what waits for another release: this may be it."""
        self._make_due(col(HeldKeyRow.cause) == UNKNOWN_VERSION)

    def _make_due(self, *which: ColumnElement[bool]) -> None:
        self._session.execute(
            update(HeldKeyRow)
            .where(self._ours, *which, col(HeldKeyRow.try_at) > self.now)
            .values(try_at=at_once(self.now)),
            execution_options={"synchronize_session": False},
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The held keys of a consumer in a few numbers: by cause, and the one that has stood longest of those that are
    trouble, None while none is."""

    count: dict[str, int]
    oldest: HeldKeyRow | None

    def __str__(self) -> str:
        """`ok`, or a sentence for people."""
        if self.oldest is None:
            return "ok"
        total, old = sum(self.count.values()), self.oldest
        causes = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in sorted(self.count.items()))
        return (
            f"{total} key{' is' if total == 1 else 's are'} held ({causes}), the oldest since "
            f"{old.since:%Y-%m-%d %H:%M}: {old.topic}/{old.key}: {old.reason}"
        )


def tell(session: Session, consumer: str) -> Summary:
    """What is held. A fault and an unknown version are trouble at once, an event that waits for another one after a
    minute."""
    ours, cause = col(HeldKeyRow.consumer) == consumer, col(HeldKeyRow.cause)
    count = session.execute(select(cause, func.count()).where(ours).group_by(cause)).all()
    patient = datetime.now(UTC) - PATIENCE
    trouble = or_(
        cause.in_([FAULT, UNKNOWN_VERSION]),
        and_(cause == NOT_YET, col(HeldKeyRow.since) < patient),
    )
    oldest = select(HeldKeyRow).where(ours, trouble).order_by(col(HeldKeyRow.since)).limit(1)
    return Summary({why: number for why, number in count}, session.execute(oldest).scalar_one_or_none())


def parked_of(session: Session, consumer: str) -> int:
    """How many events of a consumer are parked."""
    query = select(func.count()).select_from(ParkedEventRow).where(col(ParkedEventRow.consumer) == consumer)
    parked: int = session.execute(query).scalar_one()
    return parked


def pause_of_key(tries: int, first: float = FIRST) -> float:
    """Seconds until a held key is tried again."""
    return pause_after(tries, first=first, longest=LONGEST)


def at_once(now: datetime) -> datetime:
    """When a key is due that is to be tried before those that are due by the clock."""
    return now - timedelta(seconds=LONGEST)


def cause_of(judgement: Judgement) -> str:
    return _CAUSES[judgement.outcome]


def _due(now: datetime) -> ColumnElement[bool]:
    try_at = col(HeldKeyRow.try_at)
    return or_(and_(try_at.is_not(None), try_at <= now), try_at > now + timedelta(seconds=2 * LONGEST))
