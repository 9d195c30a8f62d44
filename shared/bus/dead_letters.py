"""Dead letters: deliveries that do not work as they are, kept whole until a person decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from shared.bus.held import RELEASED, Held, at_once
from shared.bus.judging import Judgement, Outcome, judge, storable
from shared.bus.port import Delivery
from shared.bus.reading import Heard, UnknownType, react, read
from shared.canonical import sha256
from shared.db.inbox import Told, unseen
from shared.db.tables import DeadLetter, HeldKey, ParkedEvent
from shared.db.work import Work
from shared.errors import Conflict, NotFound, NotYet, Rejected
from shared.events.base import Envelope
from shared.ids import new_id
from shared.service import Service

#: What letters of one cause have in common.
_CAUSE = (DeadLetter.type, DeadLetter.slug, DeadLetter.raised_at)

#: Events that one request gives up at most.
_MOST_GIVEN_UP = 1_000

#: The states of a letter.
WAITING, RETRIED, DISCARDED = "waiting", "retried", "discarded"


def set_aside(work: Work, consumer: str, heard: Heard, why: Judgement, *, holds: bool) -> tuple[DeadLetter, bool]:
    """Keeps a delivery with its reason, once; answers its letter, and whether it is a new one."""
    place, envelope = heard.delivery, heard.envelope
    known = select(DeadLetter).where(
        DeadLetter.consumer == consumer,
        DeadLetter.topic == place.topic,
        DeadLetter.partition == place.partition,
        DeadLetter.offset == place.offset,
    )
    kept = work.session.execute(known).scalar_one_or_none()
    if kept is not None:
        kept.holds = holds and kept.state == WAITING
        return kept, False
    letter = DeadLetter(
        id=new_id("dead"), consumer=consumer, topic=place.topic, partition=place.partition, offset=place.offset,
        key=storable(place.key), event_id=envelope.id if envelope else None, review=heard.review,
        type=envelope.type if envelope else None, value=place.value, slug=why.slug, raised_at=why.raised_at,
        reason=why.reason, holds=holds, set_aside_at=work.now,
    )  # fmt: skip
    return work.add(letter), True


def waiting(session: Session) -> int:
    """How many dead letters nobody has decided about."""
    return session.execute(select(func.count()).select_from(DeadLetter).where(DeadLetter.state == WAITING)).scalar_one()


def waiting_by_partition(session: Session, consumer: str) -> Counter[tuple[str, int]]:
    """How many dead letters nobody has decided about, of each partition that has any."""
    query = (
        select(DeadLetter.topic, DeadLetter.partition, func.count())
        .where(DeadLetter.state == WAITING, DeadLetter.consumer == consumer)
        .group_by(DeadLetter.topic, DeadLetter.partition)
    )
    return Counter({(topic, partition): count for topic, partition, count in session.execute(query).all()})


def groups(session: Session, *which: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The waiting letters by cause, that of the oldest letter first: `group` (its short name), `type`, `slug`,
    `place`, `count`, `oldest`, `newest` and `example`, the oldest letter's id."""
    query = (
        select(
            *_CAUSE, func.count().label("count"), func.min(DeadLetter.set_aside_at).label("oldest"),
            func.max(DeadLetter.set_aside_at).label("newest"), func.min(DeadLetter.id).label("example"),
        )
        .where(DeadLetter.state == WAITING, *which)
        .group_by(*_CAUSE)
        .order_by(func.min(DeadLetter.id))
    )  # fmt: skip
    return [
        {
            "group": _name(row.type, row.slug, row.raised_at), "type": row.type, "slug": row.slug,
            "place": row.raised_at or None, "count": row.count, "oldest": row.oldest, "newest": row.newest,
            "example": row.example,
        }
        for row in session.execute(query)
    ]  # fmt: skip


def of_group(session: Session, group: str, state: str) -> list[ColumnElement[bool]]:
    """What the letters of a group have in common, by the group's name. Raises NotFound."""
    causes = session.execute(select(*_CAUSE).where(DeadLetter.state == state).distinct())
    for type_, slug, raised_at in causes.all():
        if _name(type_, slug, raised_at) == group:
            of_type = DeadLetter.type.is_(None) if type_ is None else DeadLetter.type == type_  # type: ignore[union-attr]
            return [of_type, DeadLetter.slug == slug, DeadLetter.raised_at == raised_at]
    raise NotFound(f"no {state} dead letters are of a group {group!r}")


def _name(type_: str | None, slug: str, raised_at: str) -> str:
    return sha256([type_, slug, raised_at])[:12]


def retry(service: Service, letter_id: str, work: Work) -> DeadLetter:
    """Does what a dead letter's event should have done, now; then the later events of its key go on.

    Raises Rejected with the reason when it still does not work (it stays as it is), Conflict when it is decided or
    another letter holds its key, NotFound; and what says that something we need is down.
    """
    letter = _lock(service, letter_id, work)
    held = _held(letter, work)
    if held is not None and held.letter != letter.id:
        raise Conflict(
            f"the events of {letter.topic}/{letter.key} wait for {held.letter or held.reason}: this one is behind it",
            slug="key_held",
        )
    _do(service, letter, work)
    _decide(letter, RETRIED, work)
    if held is not None:
        _release(held)
    return letter


def discard(service: Service, letter_id: str, reason: str, work: Work) -> tuple[DeadLetter, int]:
    """Decides that a dead letter is never done; answers how many later events of its key now go on without it.

    Raises Conflict when it is decided already, and NotFound.
    """
    letter = _lock(service, letter_id, work)
    held, behind = _held(letter, work), 0
    _decide(letter, DISCARDED, work)
    if letter.event_id is not None:
        # Should it be read again, and then be understood, it stays discarded.
        told = Told(letter.event_id, letter.topic, letter.partition, letter.offset)
        unseen(work.session, letter.consumer, [told])
    letter.decided_why = storable(reason)
    if held is not None and held.letter == letter.id:
        behind = parked_behind(work.session, held)
        _release(held)
    return letter, behind


def give_up(
    service: Service, which: Sequence[ColumnElement[bool]], reason: str, work: Work, *, keys: int, whole: bool
) -> tuple[int, int]:
    """Decides that what held keys wait for never comes: the first event parked of the first of them is never done, or
    with `whole` all of all. Each is kept as a discarded letter; what is left of a key goes on.

    `which` picks the keys, of which at most so many are looked at, and none that a letter holds; of their events at
    most a thousand are given up, and a key of which more are left stays held. Answers how many keys go on, and how
    many events these were.
    """
    waits = (*which, *waits_by_itself(service.name))
    query = select(HeldKey).where(*waits).order_by(HeldKey.topic, HeldKey.key).limit(keys if whole else 1)
    held = list(work.session.execute(query.with_for_update()).scalars())
    most = _MOST_GIVEN_UP if whole else 1
    parked = Held(work.session, service.name).parked(held, most + 1) if held else []
    of_key = {(row.topic, row.key): row for row in held}
    for event in parked[:most]:
        _give_up(event, of_key[event.topic, event.key], reason, work)
    left = {(event.topic, event.key) for event in parked[most:]} if whole else set()
    reached = {(event.topic, event.key) for event in parked[:most]} if left else set(of_key)
    for key in reached - left:
        _release(of_key[key])
    return len(reached - left), len(parked[:most])


def waits_by_itself(consumer: str) -> tuple[ColumnElement[bool], ...]:
    """The held keys that no letter stands for, and nobody has let go."""
    return HeldKey.consumer == consumer, HeldKey.letter.is_(None), HeldKey.cause != RELEASED  # type: ignore[union-attr]


def _give_up(event: ParkedEvent, held: HeldKey, reason: str, work: Work) -> None:
    delivery = Delivery(event.topic, event.partition, event.offset, event.key, event.value)
    heard = Heard(delivery, Envelope.from_json(event.value) if event.event_id else None)
    letter, _ = set_aside(work, held.consumer, heard, Judgement(Outcome.NOT_YET, held.cause, held.reason), holds=False)
    _decide(letter, DISCARDED, work)
    letter.decided_why = storable(reason)
    work.session.delete(event)


def parked_behind(session: Session, held: HeldKey) -> int:
    """How many events of a held key are parked."""
    of_key = (ParkedEvent.consumer, held.consumer), (ParkedEvent.topic, held.topic), (ParkedEvent.key, held.key)
    count = select(func.count()).select_from(ParkedEvent).where(*(column == value for column, value in of_key))
    return session.execute(count).scalar_one()


def _lock(service: Service, letter_id: str, work: Work) -> DeadLetter:
    letter = work.session.get(DeadLetter, letter_id, with_for_update=True)
    if letter is None:
        raise NotFound(f"{service.name} has no dead letter {letter_id!r}")
    if letter.state != WAITING:
        raise Conflict(f"dead letter {letter_id!r} is {letter.state} already")
    return letter


def _held(letter: DeadLetter, work: Work) -> HeldKey | None:
    """Its key's hold, kept as it is until this work ends."""
    return work.session.get(HeldKey, (letter.consumer, letter.topic, letter.key or ""), with_for_update=True)


def _do(service: Service, letter: DeadLetter, work: Work) -> None:
    try:
        heard = read(service, Delivery(letter.topic, letter.partition, letter.offset, letter.key or "", letter.value))
    except UnknownType as unknown:
        raise Rejected(f"this release knows no event {str(unknown)!r}: discard it", slug="unknown_type") from None
    if heard is None:
        raise Rejected(f"{service.name} does not react to {letter.type!r} any more: discard it", slug="no_reaction")
    if heard.problem is not None or heard.event is None or heard.envelope is None:
        assert heard.problem is not None
        raise Rejected(heard.problem.reason, slug=heard.problem.slug)
    told = Told(heard.envelope.id, letter.topic, letter.partition, letter.offset)
    # What holds its key is in the inbox since it was first heard; what could not be read then is not.
    if not unseen(work.session, letter.consumer, [told]) and not letter.holds:
        return
    try:
        with work.part():
            react(service, heard.envelope, heard.event, work)
    except Rejected:
        raise
    except Exception as error:
        why = judge(error)
        if why.outcome is Outcome.DOWN:
            raise
        told_not_yet = "it needs another event first: " if isinstance(error, NotYet) else ""
        raise Rejected(f"{told_not_yet}{why.reason}", slug=why.slug, raised_at=why.raised_at) from error


def _decide(letter: DeadLetter, state: str, work: Work) -> None:
    letter.state, letter.decided_at, letter.decided_by = state, work.now, work.actor


def _release(held: HeldKey) -> None:
    """Lets a key go on; the listener comes to it within a second."""
    held.cause, held.letter, held.tries, held.try_at = RELEASED, None, 0, at_once(datetime.now(UTC))
    held.reason = "it goes on"
