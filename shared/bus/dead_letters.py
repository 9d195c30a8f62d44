"""Dead letters: deliveries that will never work as they are, kept whole until a person decides."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlmodel import Session

from shared.bus.port import Delivery
from shared.db.tables import DeadLetter
from shared.db.work import Work
from shared.errors import Conflict, NotFound, Rejected
from shared.events import registry
from shared.events.base import Envelope
from shared.ids import new_id
from shared.service import Service


def set_aside(work: Work, consumer: str, delivery: Delivery, why: Rejected) -> DeadLetter | None:
    """Keeps a delivery with its reason, once: None when this place of the log is kept already."""
    place = (delivery.topic, delivery.partition, delivery.offset)
    known = select(DeadLetter.id).where(
        DeadLetter.consumer == consumer,
        DeadLetter.topic == place[0],
        DeadLetter.partition == place[1],
        DeadLetter.offset == place[2],
    )
    if work.session.execute(known).first():
        return None
    event_id, type_ = _what_can_be_read(delivery.value)
    letter = DeadLetter(
        id=new_id("dead"), consumer=consumer, topic=place[0], partition=place[1], offset=place[2],
        event_id=event_id, type=type_, value=delivery.value, slug=why.slug, reason=why.detail,
        set_aside_at=work.now,
    )  # fmt: skip
    return work.add(letter)


def waiting(session: Session) -> int:
    """How many dead letters nobody has decided about."""
    return session.execute(
        select(func.count()).select_from(DeadLetter).where(DeadLetter.state == "waiting")
    ).scalar_one()


def retry(service: Service, letter_id: str, work: Work) -> DeadLetter:
    """Runs the service's handlers on a dead letter now. Raises Rejected, unchanged, when it still will not work."""
    letter = work.session.get(DeadLetter, letter_id, with_for_update=True)
    if letter is None:
        raise NotFound(f"{service.name} has no dead letter {letter_id!r}")
    if letter.state != "waiting":
        raise Conflict(f"dead letter {letter_id!r} is {letter.state} already")
    envelope = Envelope.from_json(letter.value)
    react(service, envelope, work)
    letter.state, letter.decided_at = "retried", work.now
    return letter


def react(service: Service, envelope: Envelope, work: Work) -> None:
    """Runs everything the service's table says for this event; what it emits follows from this event."""
    event = registry.decode(envelope)
    work.happened = envelope.happened
    with work.following(envelope.correlationid, envelope.id):
        for effect in service.effects(type(event)):
            effect(event, work)


def _what_can_be_read(value: bytes) -> tuple[str | None, str | None]:
    try:
        envelope = Envelope.from_json(value)
    except Rejected:
        return None, None
    return envelope.id, envelope.type
