"""Every query of notify."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, insert, or_, select, update
from sqlmodel import col

from services.notify.domain import DeliveryStates
from services.notify.models import (
    AttemptRow,
    DeliveryRow,
    NotificationKind,
    NotificationRow,
    StandingRow,
    SubscriptionRow,
    TroubleRow,
)
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.ids import first_id, new_id
from shared.paging import Found, PageAsked

#: Subscriptions read and deliveries written at a time, so that memory does not grow with their number.
CHUNK = 500


@dataclass(frozen=True)
class Claim:
    """A delivery that this sender alone is at, and all it takes to send it.

    `attempts` is how many had been made when it was claimed.
    """

    delivery: str
    subscription: str
    attempts: int
    host: str
    url: str
    secret: str = field(repr=False)
    body: bytes


def subscription(
    work: Work, review: str, subscription_id: str, *, owner: str | None = None, lock: bool = False
) -> SubscriptionRow:
    """One subscription of a review; only the owner's when one is given. Raises NotFound.

    Whoever ends one or sends to one locks it first, so that nothing waits for a subscription that has ended.
    """
    found = work.session.get(SubscriptionRow, subscription_id, with_for_update=lock or None)
    if found is None or found.review != review or owner not in (None, found.owner):
        raise NotFound(f"review {review!r} has no subscription {subscription_id!r} of yours")
    return found


def lock_subscription(work: Work, subscription_id: str) -> SubscriptionRow:
    """A subscription that is there, locked until this work ends."""
    return work.session.get_one(SubscriptionRow, subscription_id, with_for_update=True)


def subscriptions(work: Work, review: str, page: PageAsked, *, owner: str | None) -> Found[SubscriptionRow]:
    """Subscriptions of a review, oldest first."""
    query = select(SubscriptionRow).where(col(SubscriptionRow.review) == review)
    if owner is not None:
        query = query.where(col(SubscriptionRow.owner) == owner)
    return read_page(work, query, page, col(SubscriptionRow.id))


def active_subscriptions(work: Work, review: str, owner: str) -> int:
    """How many subscriptions of a review a person has that have not ended."""
    mine = (col(SubscriptionRow.review) == review, col(SubscriptionRow.owner) == owner, col(SubscriptionRow.active))
    return work.session.scalars(select(func.count()).select_from(SubscriptionRow).where(*mine)).one()


def active_of(work: Work, owner: str, review: str | None = None) -> list[SubscriptionRow]:
    """The subscriptions of somebody that have not ended, of one review or of all, locked until this work ends."""
    query = select(SubscriptionRow).where(col(SubscriptionRow.owner) == owner, col(SubscriptionRow.active))
    if review is not None:
        query = query.where(col(SubscriptionRow.review) == review)
    return list(work.session.scalars(query.order_by(col(SubscriptionRow.id)).with_for_update()))


def owners(work: Work, review: str) -> list[tuple[str, int]]:
    """Whose the subscriptions of a review are, ended ones too, and how many each has; by the index of owners alone."""
    owned = select(col(SubscriptionRow.owner), func.count()).where(col(SubscriptionRow.review) == review)
    return [(owner, number) for owner, number in work.session.execute(owned.group_by(col(SubscriptionRow.owner)))]


def replace_name(work: Work, review: str, name: str, person: str) -> None:
    """Puts a person for a name in the subscriptions of a review."""
    theirs = update(SubscriptionRow).where(col(SubscriptionRow.review) == review, col(SubscriptionRow.owner) == name)
    work.session.execute(theirs.values(owner=person))


def subscribers(work: Work, review: str, *kinds: str, owner: str | None = None) -> Iterator[list[str]]:
    """The active webhook subscriptions of a review, or of one of its people, that ask for any of these kinds of
    notification, a chunk at a time.

    They are locked against being ended until the work commits.
    """
    after = ""
    while True:
        query = (
            select(col(SubscriptionRow.id), col(SubscriptionRow.kinds))
            .where(col(SubscriptionRow.review) == review, col(SubscriptionRow.id) > after)
            .where(col(SubscriptionRow.active), col(SubscriptionRow.channel) == "webhook")
            .order_by(col(SubscriptionRow.id))
            .limit(CHUNK)
            .with_for_update(read=True)
        )
        if owner is not None:
            query = query.where(col(SubscriptionRow.owner) == owner)
        rows = work.session.execute(query).all()
        if not rows:
            return
        yield [row.id for row in rows if not set(kinds).isdisjoint(row.kinds)]
        after = rows[-1].id


def notification(work: Work, notification_id: str) -> NotificationRow:
    """A notification that is there."""
    return work.session.get_one(NotificationRow, notification_id)


def has_notification(work: Work, notification_id: str) -> bool:
    return work.session.get(NotificationRow, notification_id) is not None


def add_deliveries(work: Work, notification: NotificationRow, subscribed: Collection[str]) -> list[str]:
    """Makes a delivery of a notification for each subscription, due now; answers their ids."""
    rows = [
        {
            "id": new_id("dlv"), "subscription": subscription_id, "notice": notification.id,
            "state": DeliveryStates.WAITING, "attempts": 0, "failures": 0, "created_at": work.now, "due_at": work.now,
        }
        for subscription_id in subscribed
    ]  # fmt: skip
    if rows:
        work.session.flush()
        work.session.execute(insert(DeliveryRow), rows)
    return [str(row["id"]) for row in rows]


def due(work: Work, *, wall: datetime, sending: Collection[str], full: Collection[str], limit: int) -> list[Claim]:
    """Deliveries that are due and that nobody is at, the longest due first; not those to hosts that are `full`.

    The rows are locked until the work commits; whoever sends one leases it first.
    """
    query = (
        select(DeliveryRow, SubscriptionRow, col(NotificationRow.body))
        .join(SubscriptionRow, col(SubscriptionRow.id) == col(DeliveryRow.subscription))
        .join(NotificationRow, col(NotificationRow.id) == col(DeliveryRow.notice))
        .where(col(DeliveryRow.state) == DeliveryStates.WAITING, col(DeliveryRow.due_at) <= work.now)
        .where(or_(col(DeliveryRow.leased_until).is_(None), col(DeliveryRow.leased_until) <= wall))
        .where(col(DeliveryRow.id).not_in(sending), col(SubscriptionRow.host).not_in(full))
        .order_by(col(DeliveryRow.due_at), col(DeliveryRow.id))
        .limit(limit)
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )
    return [_claim(found, to, body) for found, to, body in work.session.execute(query)]


def lease(work: Work, claims: Collection[Claim], *, until: datetime) -> None:
    """Keeps other senders away from these deliveries until then, by the machine's clock."""
    if claims:
        mine = col(DeliveryRow.id).in_([claim.delivery for claim in claims])
        work.session.execute(update(DeliveryRow).where(mine).values(leased_until=until))


def delivery(work: Work, delivery_id: str, *, of: str | None = None) -> DeliveryRow:
    """One delivery (of one subscription, when given), locked until the work ends. Raises NotFound."""
    found = work.session.get(DeliveryRow, delivery_id, with_for_update=True)
    if found is None or of not in (None, found.subscription):
        raise NotFound(f"there is no delivery {delivery_id!r} of this subscription")
    return found


def deliveries(work: Work, subscription_id: str, page: PageAsked) -> Found[tuple[DeliveryRow, NotificationRow]]:
    """Deliveries of a subscription with what they bring, newest first."""
    query = (
        select(DeliveryRow, NotificationRow)
        .join(NotificationRow, col(NotificationRow.id) == col(DeliveryRow.notice))
        .where(col(DeliveryRow.subscription) == subscription_id)
    )
    return read_page(work, query, page, col(DeliveryRow.id), descending=True)


def delivery_and_notification(work: Work, delivery_id: str) -> tuple[DeliveryRow, NotificationRow]:
    """One delivery and what it brings."""
    query = (
        select(DeliveryRow, NotificationRow)
        .join(NotificationRow, col(NotificationRow.id) == col(DeliveryRow.notice))
        .where(col(DeliveryRow.id) == delivery_id)
    )
    found, notification = work.session.execute(query).one()
    return found, notification


def attempts(work: Work, deliveries: Collection[str]) -> dict[str, list[AttemptRow]]:
    """The attempts of each of some deliveries, in order."""
    made: dict[str, list[AttemptRow]] = {delivery_id: [] for delivery_id in deliveries}
    query = (
        select(AttemptRow)
        .where(col(AttemptRow.delivery).in_(made))
        .order_by(col(AttemptRow.delivery), col(AttemptRow.number))
    )
    for attempt in work.session.scalars(query):
        made[attempt.delivery].append(attempt)
    return made


def cancel_waiting(work: Work, subscription_id: str) -> None:
    """Calls off what has not reached a subscription yet."""
    may_end = col(DeliveryRow.state).in_(DeliveryStates.before(DeliveryStates.CANCELLED))
    theirs = update(DeliveryRow).where(col(DeliveryRow.subscription) == subscription_id, may_end)
    work.session.execute(theirs.values(state=DeliveryStates.CANCELLED))


def forget_deliveries(work: Work, before: datetime, limit: int) -> int:
    """Takes away the oldest deliveries that are over and were made before then, with their attempts; answers how
    many."""
    over = (col(DeliveryRow.id) < first_id("dlv", before), col(DeliveryRow.state) != DeliveryStates.WAITING)
    # Held, so that none is asked for again meanwhile.
    old = select(col(DeliveryRow.id)).where(*over).order_by(col(DeliveryRow.id)).limit(limit).with_for_update()
    ids = work.session.scalars(old).all()
    work.session.execute(delete(AttemptRow).where(col(AttemptRow.delivery).in_(ids)))
    work.session.execute(delete(DeliveryRow).where(col(DeliveryRow.id).in_(ids)))
    return len(ids)


def entries(work: Work, review: str, kinds: Collection[NotificationKind], page: PageAsked) -> Found[NotificationRow]:
    """The notifications of a review's revisions, or of its trouble, newest first: the entries of a feed."""
    query = select(NotificationRow).where(col(NotificationRow.review) == review, col(NotificationRow.kind).in_(kinds))
    return read_page(work, query, page, col(NotificationRow.number), col(NotificationRow.id), descending=True)


def last_number(work: Work, review: str, kinds: Collection[NotificationKind]) -> int:
    """The number of the newest notification of some kinds; 0 where there is none."""
    mine = col(NotificationRow.review) == review, col(NotificationRow.kind).in_(kinds)
    return work.session.scalars(select(func.max(col(NotificationRow.number))).where(*mine)).one() or 0


def lock_trouble(work: Work, review: str, source: str) -> TroubleRow | None:
    """How it stands with a source, locked until this work ends; None where it never gave trouble."""
    return work.session.get(TroubleRow, (review, source), with_for_update=True)


def keep_standing(work: Work, standing: StandingRow) -> None:
    """Keeps how the stages of a review stand, unless what is kept is newer."""
    known = work.session.get(StandingRow, standing.review, with_for_update=True)
    if known is None or known.at <= standing.at:
        work.session.merge(standing)


def to_be_digested(work: Work, after: str, limit: int) -> list[tuple[SubscriptionRow, StandingRow]]:
    """The next subscriptions, by id, to progress that is another than they were told last, locked until this work
    ends."""
    query = (
        select(SubscriptionRow, StandingRow)
        .join(StandingRow, col(StandingRow.review) == col(SubscriptionRow.review))
        .where(col(SubscriptionRow.minutes).is_not(None), col(SubscriptionRow.active))
        .where(col(SubscriptionRow.id) > after)
        .where(or_(col(SubscriptionRow.digest).is_(None), col(SubscriptionRow.digest) != col(StandingRow.event)))
        .order_by(col(SubscriptionRow.id))
        .limit(limit)
        .with_for_update(of=SubscriptionRow)
    )
    return [(subscribed, standing) for subscribed, standing in work.session.execute(query)]


def cancel_waiting_for(work: Work, notifications: Collection[str]) -> None:
    """Calls off what of these notifications has reached nobody yet."""
    may_end = col(DeliveryRow.state).in_(DeliveryStates.before(DeliveryStates.CANCELLED))
    theirs = update(DeliveryRow).where(col(DeliveryRow.notice).in_(notifications), may_end)
    work.session.execute(theirs.values(state=DeliveryStates.CANCELLED))


def cancel_waiting_of(work: Work, subscription_id: str, kinds: Collection[str]) -> None:
    """Calls off what of these kinds has not reached a subscription yet."""
    of_kinds = select(col(NotificationRow.id)).where(
        col(NotificationRow.id) == DeliveryRow.notice, col(NotificationRow.kind).in_(kinds)
    )
    may_end = col(DeliveryRow.state).in_(DeliveryStates.before(DeliveryStates.CANCELLED))
    theirs = update(DeliveryRow).where(col(DeliveryRow.subscription) == subscription_id, may_end, of_kinds.exists())
    work.session.execute(theirs.values(state=DeliveryStates.CANCELLED))


def _claim(delivery: DeliveryRow, to: SubscriptionRow, body: str) -> Claim:
    return Claim(
        delivery.id, to.id, delivery.attempts, to.host, to.url or "", secret=to.secret or "", body=body.encode()
    )
