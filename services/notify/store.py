"""Every query of notify."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, insert, or_, select, update

from services.notify.models import CANCELLED, WAITING, Attempt, Delivery, Notice, Subscription
from shared.db.work import Work
from shared.errors import NotFound
from shared.ids import new_id

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
) -> Subscription:
    """One subscription of a review; only the owner's when one is given. Raises NotFound.

    Whoever ends one or sends to one locks it first, so that nothing waits for a subscription that has ended.
    """
    found = work.session.get(Subscription, subscription_id, with_for_update=lock or None)
    if found is None or found.review != review or owner not in (None, found.owner):
        raise NotFound(f"review {review!r} has no subscription {subscription_id!r} of yours")
    return found


def subscriptions(
    work: Work, review: str, *, owner: str | None, after: str | None, limit: int
) -> Sequence[Subscription]:
    """Subscriptions of a review, oldest first."""
    query = select(Subscription).where(Subscription.review == review).order_by(Subscription.id).limit(limit)
    if owner is not None:
        query = query.where(Subscription.owner == owner)
    if after is not None:
        query = query.where(Subscription.id > after)
    return work.session.scalars(query).all()


def active_subscriptions(work: Work, review: str, owner: str) -> int:
    """How many subscriptions of a review a person has that have not ended."""
    mine = (Subscription.review == review, Subscription.owner == owner, Subscription.active)
    return work.session.scalars(select(func.count()).select_from(Subscription).where(*mine)).one()


def subscribers(work: Work, review: str, kind: str) -> Iterator[list[str]]:
    """The active webhook subscriptions of a review that ask for a kind of notice, a chunk at a time.

    They are locked against being ended until the work commits.
    """
    after = ""
    while True:
        query = (
            select(Subscription.id, Subscription.kinds)
            .where(Subscription.review == review, Subscription.id > after)
            .where(Subscription.active, Subscription.channel == "webhook")
            .order_by(Subscription.id)
            .limit(CHUNK)
            .with_for_update(read=True)
        )
        rows = work.session.execute(query).all()
        if not rows:
            return
        yield [row.id for row in rows if kind in row.kinds]
        after = rows[-1].id


def has_notice(work: Work, notice_id: str) -> bool:
    return work.session.get(Notice, notice_id) is not None


def add_deliveries(work: Work, notice: Notice, subscribed: Collection[str]) -> list[str]:
    """Makes a delivery of a notice for each subscription, due now; answers their ids."""
    rows = [
        {
            "id": new_id("dlv"), "subscription": subscription_id, "notice": notice.id, "state": WAITING,
            "attempts": 0, "failures": 0, "created_at": work.now, "due_at": work.now,
        }
        for subscription_id in subscribed
    ]  # fmt: skip
    if rows:
        work.session.flush()
        work.session.execute(insert(Delivery), rows)
    return [str(row["id"]) for row in rows]


def due(work: Work, *, wall: datetime, sending: Collection[str], full: Collection[str], limit: int) -> list[Claim]:
    """Deliveries that are due and that nobody is at, the longest due first; not those to hosts that are `full`.

    The rows are locked until the work commits; whoever sends one leases it first.
    """
    query = (
        select(Delivery, Subscription, Notice.body)
        .join(Subscription, Subscription.id == Delivery.subscription)
        .join(Notice, Notice.id == Delivery.notice)
        .where(Delivery.state == WAITING, Delivery.due_at <= work.now)
        .where(or_(Delivery.leased_until.is_(None), Delivery.leased_until <= wall))
        .where(Delivery.id.not_in(sending), Subscription.host.not_in(full))
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    return [_claim(found, to, body) for found, to, body in work.session.execute(query)]


def lease(work: Work, claims: Collection[Claim], *, until: datetime) -> None:
    """Keeps other senders away from these deliveries until then, by the machine's clock."""
    if claims:
        mine = Delivery.id.in_([claim.delivery for claim in claims])
        work.session.execute(update(Delivery).where(mine).values(leased_until=until))


def delivery(work: Work, delivery_id: str, *, of: str | None = None) -> Delivery:
    """One delivery (of one subscription, when given), locked until the work ends. Raises NotFound."""
    found = work.session.get(Delivery, delivery_id, with_for_update=True)
    if found is None or of not in (None, found.subscription):
        raise NotFound(f"there is no delivery {delivery_id!r} of this subscription")
    return found


def deliveries(
    work: Work, subscription_id: str, *, before: str | None, limit: int
) -> Sequence[tuple[Delivery, Notice]]:
    """Deliveries of a subscription with what they bring, newest first."""
    query = (
        select(Delivery, Notice)
        .join(Notice, Notice.id == Delivery.notice)
        .where(Delivery.subscription == subscription_id)
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Delivery.id < before)
    return [(found, notice) for found, notice in work.session.execute(query)]


def delivery_and_notice(work: Work, delivery_id: str) -> tuple[Delivery, Notice]:
    """One delivery and what it brings."""
    query = select(Delivery, Notice).join(Notice, Notice.id == Delivery.notice).where(Delivery.id == delivery_id)
    found, notice = work.session.execute(query).one()
    return found, notice


def attempts(work: Work, deliveries: Collection[str]) -> dict[str, list[Attempt]]:
    """The attempts of each of some deliveries, in order."""
    made: dict[str, list[Attempt]] = {delivery_id: [] for delivery_id in deliveries}
    query = select(Attempt).where(Attempt.delivery.in_(made)).order_by(Attempt.delivery, Attempt.number)
    for attempt in work.session.scalars(query):
        made[attempt.delivery].append(attempt)
    return made


def cancel_waiting(work: Work, subscription_id: str) -> None:
    """Calls off what has not reached a subscription yet."""
    waiting = (Delivery.subscription == subscription_id, Delivery.state == WAITING)
    work.session.execute(update(Delivery).where(*waiting).values(state=CANCELLED))


def revisions(work: Work, review: str, *, before: tuple[int, str] | None, limit: int) -> Sequence[Notice]:
    """The notices of a review's revisions, newest first: the entries of its feed."""
    query = (
        select(Notice)
        .where(Notice.review == review, Notice.kind == "revision")
        .order_by(Notice.number.desc(), Notice.id.desc())
        .limit(limit)
    )
    if before is not None:
        number, notice_id = before
        earlier = (Notice.number == number) & (Notice.id < notice_id)
        query = query.where((Notice.number < number) | earlier)
    return work.session.scalars(query).all()


def _claim(delivery: Delivery, to: Subscription, body: str) -> Claim:
    return Claim(
        delivery.id, to.id, delivery.attempts, to.host, to.url or "", secret=to.secret or "", body=body.encode()
    )
