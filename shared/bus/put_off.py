"""Putting off: an event that needs more than this release can is kept until a release that can comes.

Such as a protocol's version with a feature of tomorrow: its services work on by the version before it, and say so; the
next release adopts it by itself. A later event of its key that can be done makes it void; which is later the events
say themselves (`Event.ordinal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from shared.db.tables import PutOffEventRow
from shared.db.work import Work
from shared.errors import Rejected
from shared.events import registry
from shared.events.base import Envelope, Event

#: How many are named to whoever asks how a service is.
_NAMED = 3


def puts_off(work: Work, consumer: str, envelope: Envelope, event: Event, traceparent: str | None) -> bool:
    """Whether an event is put off, which is kept then; one that need not be makes void what was."""
    if not event.demanding:
        return False
    lacks = event.lacking(consumer)
    known = work.session.get(PutOffEventRow, (consumer, event.type, event.key), with_for_update=True)
    if known is not None and _is_later(known, envelope, event):
        return bool(lacks)  # It comes a second time, or late, behind a newer one.
    if known is not None and not lacks:
        work.session.delete(known)
    if lacks:
        row = PutOffEventRow(
            consumer=consumer, type=event.type, key=event.key, review=event.review, event_id=envelope.id,
            value=envelope.to_json(), lacks=", ".join(lacks), since=datetime.now(UTC), traceparent=traceparent,
        )  # fmt: skip
        work.session.merge(row)
        work.note("event put off", review=event.review, type=event.type, key=event.key, lacks=lacks)
    return bool(lacks)


def _is_later(known: PutOffEventRow, envelope: Envelope, event: Event) -> bool:
    """Whether what was put off comes after this event of its key. Ids tell only where the events do not: a clock that
    was set back gives a later event a smaller one."""
    try:
        before = registry.decode(Envelope.from_json(known.value)).ordinal
    except Rejected:  # A later release put it off, and this one cannot read it.
        before = None
    if before is None or event.ordinal is None or before == event.ordinal:
        return known.event_id > envelope.id
    return before > event.ordinal


def waiting(session: Session, consumer: str) -> Sequence[PutOffEventRow]:
    """What a consumer has put off, oldest first, but for what others are at; it is kept from them."""
    query = (
        select(PutOffEventRow).where(col(PutOffEventRow.consumer) == consumer).order_by(col(PutOffEventRow.event_id))
    )
    return session.execute(query.with_for_update(skip_locked=True)).scalars().all()


def tell(session: Session, consumer: str) -> str:
    """`ok`, or a sentence for people."""
    ours = col(PutOffEventRow.consumer) == consumer
    # Asked every few seconds: the events themselves, which may be large, are not read.
    query = select(
        col(PutOffEventRow.type), col(PutOffEventRow.key), col(PutOffEventRow.lacks), col(PutOffEventRow.reason),
        col(PutOffEventRow.since), func.count().over(),
    )  # fmt: skip
    rows = session.execute(query.where(ours).order_by(col(PutOffEventRow.event_id)).limit(_NAMED)).all()
    if not rows:
        return "ok"
    named = [_named(*row[:-1]) for row in rows]
    more = [f"{rows[0][-1] - _NAMED} more"] if rows[0][-1] > _NAMED else []
    return f"not adopted, since this release lacks what is needed: {'; '.join(named + more)}"


def _named(type_: str, key: str, lacks: str, reason: str | None, since: datetime) -> str:
    why = f" (tried, and failed: {reason})" if reason else ""
    return f"{type_} of {key} needs {lacks}{why}, since {since:%Y-%m-%d %H:%M}"
