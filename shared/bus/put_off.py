"""Putting off: an event that needs more than this release can is kept until a release that can comes.

Such as a protocol's version with a feature of tomorrow: its services work on by the version before it, and say so; the
next release adopts it by itself. A later event of its key that can be done makes it void; which is later the events
say themselves (`Event.ordinal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
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


def waiting(session: Session, consumer: str, *, lock: bool = False) -> Sequence[PutOffEventRow]:
    """What a consumer has put off, oldest first; `lock` keeps others from it, and passes over what others have."""
    query = (
        select(PutOffEventRow).where(col(PutOffEventRow.consumer) == consumer).order_by(col(PutOffEventRow.event_id))
    )
    if lock:
        query = query.with_for_update(skip_locked=True)
    return session.execute(query).scalars().all()


def tell(session: Session, consumer: str) -> str:
    """`ok`, or a sentence for people."""
    rows = waiting(session, consumer)
    if not rows:
        return "ok"
    named = [_named(row) for row in rows[:_NAMED]]
    more = [f"{len(rows) - _NAMED} more"] if len(rows) > _NAMED else []
    return f"not adopted, since this release lacks what is needed: {'; '.join(named + more)}"


def _named(row: PutOffEventRow) -> str:
    why = f" (tried, and failed: {row.reason})" if row.reason else ""
    return f"{row.type} of {row.key} needs {row.lacks}{why}, since {row.since:%Y-%m-%d %H:%M}"
