"""Dead letters: deliveries that do not work as they are, kept whole until a person decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypedDict

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from shared import tracing
from shared.bus.held import RELEASED, Held, at_once, delivery_of
from shared.bus.judging import Judgement, Outcome, judge, storable
from shared.bus.reading import Heard, Reacting, UnknownType, react, read
from shared.canonical import sha256
from shared.db.inbox import InboxEntry, unseen
from shared.db.paging import read_page
from shared.db.tables import DeadLetterRow, HeldKeyRow, LetterStates, ParkedEventRow
from shared.db.work import Work
from shared.errors import Conflict, NotFound, NotYet, Rejected
from shared.events.base import Envelope
from shared.ids import new_id
from shared.paging import Found, PageAsked
from shared.wire.common import LetterState

#: What letters of one cause have in common.
_CAUSE = (col(DeadLetterRow.type), col(DeadLetterRow.slug), col(DeadLetterRow.raised_at))

#: Events that one request gives up at most.
_MOST_GIVEN_UP = 1_000


class Group(TypedDict):
    """Waiting letters of one cause: its short name, what they have in common, and the oldest letter's id."""

    group: str
    type: str | None
    slug: str
    place: str | None
    count: int
    oldest: datetime
    newest: datetime
    example: str


def set_aside(work: Work, consumer: str, heard: Heard, why: Judgement, *, holds: bool) -> tuple[DeadLetterRow, bool]:
    """Keeps a delivery with its reason, once; answers its letter, and whether it is a new one."""
    delivery, envelope = heard.delivery, heard.envelope
    known = select(DeadLetterRow).where(
        col(DeadLetterRow.consumer) == consumer,
        col(DeadLetterRow.topic) == delivery.topic,
        col(DeadLetterRow.partition) == delivery.partition,
        col(DeadLetterRow.offset) == delivery.offset,
    )
    kept = work.session.execute(known).scalar_one_or_none()
    if kept is not None:
        kept.holds = holds and kept.state == LetterStates.WAITING
        return kept, False
    letter = DeadLetterRow(
        id=new_id("dead"), consumer=consumer, topic=delivery.topic, partition=delivery.partition, review=heard.review,
        offset=delivery.offset, key=storable(delivery.key), event_id=envelope.id if envelope else None,
        type=envelope.type if envelope else None, value=delivery.value, slug=why.slug, raised_at=why.raised_at,
        reason=why.reason, holds=holds, set_aside_at=work.now, traceparent=tracing.read(delivery.headers),
    )  # fmt: skip
    return work.add(letter), True


def waiting(session: Session) -> int:
    """How many dead letters nobody has decided about."""
    query = select(func.count()).select_from(DeadLetterRow).where(col(DeadLetterRow.state) == LetterStates.WAITING)
    letters: int = session.execute(query).scalar_one()
    return letters


def waiting_by_partition(session: Session, consumer: str) -> Counter[tuple[str, int]]:
    """How many dead letters nobody has decided about, of each partition that has any."""
    query = (
        select(col(DeadLetterRow.topic), col(DeadLetterRow.partition), func.count())
        .where(col(DeadLetterRow.state) == LetterStates.WAITING, col(DeadLetterRow.consumer) == consumer)
        .group_by(col(DeadLetterRow.topic), col(DeadLetterRow.partition))
    )
    return Counter({(topic, partition): count for topic, partition, count in session.execute(query).all()})


def groups(work: Work, page: PageAsked, *which: ColumnElement[bool]) -> Found[Group]:
    """A page of the waiting letters by cause, that of the oldest letter first."""
    by_cause = (
        select(
            *_CAUSE, func.count().label("count"), func.min(DeadLetterRow.set_aside_at).label("oldest"),
            func.max(DeadLetterRow.set_aside_at).label("newest"), func.min(DeadLetterRow.id).label("example"),
        )
        .where(col(DeadLetterRow.state) == LetterStates.WAITING, *which)
        .group_by(*_CAUSE)
        .subquery()
    )  # fmt: skip
    found = read_page(work, select(by_cause), page, by_cause.c.example)
    return Found(
        [
            {
                "group": _name(type_, slug, raised_at), "type": type_, "slug": slug, "place": raised_at or None,
                "count": count, "oldest": oldest, "newest": newest, "example": example,
            }
            for type_, slug, raised_at, count, oldest, newest, example in found.rows
        ],
        found.next,
    )  # fmt: skip


def of_group(session: Session, group: str, state: str, *which: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """What picks the letters of a group, by the group's name, of those that `which` picks. Raises NotFound where that
    is none."""
    causes = session.execute(select(*_CAUSE).where(col(DeadLetterRow.state) == state, *which).distinct())
    for type_, slug, raised_at in causes.all():
        if _name(type_, slug, raised_at) == group:
            of_type = col(DeadLetterRow.type).is_(None) if type_ is None else col(DeadLetterRow.type) == type_
            return [of_type, col(DeadLetterRow.slug) == slug, col(DeadLetterRow.raised_at) == raised_at, *which]
    raise NotFound(f"no {state} dead letters are of a group {group!r}")


def _name(type_: str | None, slug: str, raised_at: str) -> str:
    return sha256([type_, slug, raised_at])[:12]


def retry(work: Work, service: Reacting, letter_id: str) -> DeadLetterRow:
    """Does what a dead letter's event should have done, now; then the later events of its key go on.

    Raises Rejected with the reason when it still does not work (it stays as it is), Conflict when it is decided or
    another letter holds its key, NotFound; and what says that something we need is down.
    """
    letter = _lock(work, service, letter_id)
    held = _held(work, letter)
    if held is not None and held.letter != letter.id:
        raise Conflict(
            f"the events of {letter.topic}/{letter.key} wait for {held.letter or held.reason}: this one is behind it",
            slug="key_held",
        )
    _do(work, service, letter)
    _decide(work, letter, LetterStates.RETRIED)
    if held is not None:
        _release(held)
    return letter


def discard(work: Work, service: Reacting, letter_id: str, reason: str) -> tuple[DeadLetterRow, int]:
    """Decides that a dead letter is never done; answers how many later events of its key now go on without it.

    Raises Conflict when it is decided already, and NotFound.
    """
    letter = _lock(work, service, letter_id)
    held, behind = _held(work, letter), 0
    _decide(work, letter, LetterStates.DISCARDED)
    if letter.event_id is not None:
        # Should it be read again, and then be understood, it stays discarded.
        entry = InboxEntry(letter.event_id, letter.topic, letter.partition, letter.offset)
        unseen(work.session, letter.consumer, [entry])
    letter.decided_why = storable(reason)
    if held is not None and held.letter == letter.id:
        behind = parked_behind(work.session, held)
        _release(held)
    return letter, behind


def give_up(
    work: Work, service: Reacting, which: Sequence[ColumnElement[bool]], reason: str, *, keys: int, whole: bool
) -> tuple[int, int]:
    """Decides that what held keys wait for never comes: the first event parked of the first of them is never done, or
    with `whole` all of all. Each is kept as a discarded letter; what is left of a key goes on.

    `which` picks the keys, of which at most so many are looked at, and none that a letter holds; of their events at
    most a thousand are given up, and a key of which more are left stays held. Answers how many keys go on, and how
    many events these were.
    """
    waits = (*which, *waits_by_itself(service.name))
    query = (
        select(HeldKeyRow)
        .where(*waits)
        .order_by(col(HeldKeyRow.topic), col(HeldKeyRow.key))
        .limit(keys if whole else 1)
    )
    held = list(work.session.execute(query.with_for_update()).scalars())
    most = _MOST_GIVEN_UP if whole else 1
    parked = Held(work.session, service.name).parked(held, most + 1) if held else []
    of_key = {(row.topic, row.key): row for row in held}
    for event in parked[:most]:
        _give_up(work, event, of_key[event.topic, event.key], reason)
    left = {(event.topic, event.key) for event in parked[most:]} if whole else set()
    reached = {(event.topic, event.key) for event in parked[:most]} if left else set(of_key)
    for key in reached - left:
        _release(of_key[key])
    return len(reached - left), len(parked[:most])


def waits_by_itself(consumer: str) -> tuple[ColumnElement[bool], ...]:
    """The held keys that no letter stands for, and nobody has let go."""
    return col(HeldKeyRow.consumer) == consumer, col(HeldKeyRow.letter).is_(None), col(HeldKeyRow.cause) != RELEASED


def _give_up(work: Work, event: ParkedEventRow, held: HeldKeyRow, reason: str) -> None:
    heard = Heard(delivery_of(event), Envelope.from_json(event.value) if event.event_id else None)
    letter, _ = set_aside(work, held.consumer, heard, Judgement(Outcome.NOT_YET, held.cause, held.reason), holds=False)
    _decide(work, letter, LetterStates.DISCARDED)
    letter.decided_why = storable(reason)
    work.session.delete(event)


def parked_behind(session: Session, held: HeldKeyRow) -> int:
    """How many events of a held key are parked."""
    count = (
        select(func.count())
        .select_from(ParkedEventRow)
        .where(
            col(ParkedEventRow.consumer) == held.consumer,
            col(ParkedEventRow.topic) == held.topic,
            col(ParkedEventRow.key) == held.key,
        )
    )
    parked: int = session.execute(count).scalar_one()
    return parked


def _lock(work: Work, service: Reacting, letter_id: str) -> DeadLetterRow:
    letter = work.session.get(DeadLetterRow, letter_id, with_for_update=True)
    if letter is None:
        raise NotFound(f"{service.name} has no dead letter {letter_id!r}")
    if letter.state != LetterStates.WAITING:
        raise Conflict(f"dead letter {letter_id!r} is {letter.state} already")
    return letter


def _held(work: Work, letter: DeadLetterRow) -> HeldKeyRow | None:
    """Its key's hold, kept as it is until this work ends."""
    return work.session.get(HeldKeyRow, (letter.consumer, letter.topic, letter.key or ""), with_for_update=True)


def _do(work: Work, service: Reacting, letter: DeadLetterRow) -> None:
    delivery = delivery_of(letter)
    try:
        heard = read(service, delivery)
    except UnknownType as unknown:
        raise Rejected(f"this release knows no event {str(unknown)!r}: discard it", slug="unknown_type") from None
    if heard is None:
        raise Rejected(f"{service.name} does not react to {letter.type!r} any more: discard it", slug="no_reaction")
    if heard.problem is not None or heard.event is None or heard.envelope is None:
        assert heard.problem is not None
        raise Rejected(heard.problem.reason, slug=heard.problem.slug)
    entry = InboxEntry(heard.envelope.id, letter.topic, letter.partition, letter.offset)
    # What holds its key is in the inbox since it was first heard; what could not be read then is not.
    if not unseen(work.session, letter.consumer, [entry]) and not letter.holds:
        return
    try:
        with work.part():
            react(work, service, heard.envelope, heard.event, delivery.headers)
    except Rejected:
        raise
    except Exception as error:
        why = judge(error)
        if why.outcome is Outcome.DOWN:
            raise
        reason_not_yet = "it needs another event first: " if isinstance(error, NotYet) else ""
        raise Rejected(f"{reason_not_yet}{why.reason}", slug=why.slug, raised_at=why.raised_at) from error


def _decide(work: Work, letter: DeadLetterRow, state: LetterState) -> None:
    LetterStates.turn(letter, state)
    letter.decided_at, letter.decided_by = work.now, work.actor


def _release(held: HeldKeyRow) -> None:
    """Lets a key go on; the listener comes to it within a second."""
    held.cause, held.letter, held.tries, held.try_at = RELEASED, None, 0, at_once(datetime.now(UTC))
    held.reason = "it goes on"
