"""Every query of notify."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, and_, delete, func, insert, or_, select, update
from sqlmodel import col

from services.notify.domain import DeliveryStates
from services.notify.domain.filters import by_rank, interests
from services.notify.models import (
    AttemptRow,
    ChangedCmocRow,
    DeliveryRow,
    GatheredRow,
    InterestRow,
    NotificationKind,
    NotificationRow,
    StandingRow,
    SubscriptionRow,
    TroubleRow,
    WithdrawnRow,
)
from shared.db.paging import read_page
from shared.db.work import Work
from shared.errors import NotFound
from shared.events.synthesis import RANKS
from shared.ids import first_id, new_id
from shared.paging import Found, PageAsked
from shared.wire.notify import Channel, Every

#: What a subscription is that follows progress, beside the standing of its review, and was told of another one last.
_TO_BE_DIGESTED = (
    col(SubscriptionRow.minutes).is_not(None), col(SubscriptionRow.active),
    col(SubscriptionRow.unconfirmed_until).is_(None),
    or_(col(SubscriptionRow.digest).is_(None), col(SubscriptionRow.digest) != col(StandingRow.event)),
)  # fmt: skip

#: Subscriptions read and deliveries written at a time, so that memory does not grow with their number.
CHUNK = 500


@dataclass(frozen=True)
class Claim:
    """A delivery that this sender alone is at, and all it takes to send it.

    `attempts` is how many had been made when it was claimed. `old_secret` was rotated and signs still.
    """

    delivery: str
    subscription: str
    attempts: int
    host: str
    url: str
    secret: str = field(repr=False)
    body: bytes
    channel: Channel = "webhook"
    kind: NotificationKind = "revision"
    old_secret: str | None = field(default=None, repr=False)


class Subscribed(NamedTuple):
    """A subscription that is to be told of something, and when."""

    id: str
    kinds: list[str]
    every: Every
    zone: str


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


def channel_of(work: Work, subscription_id: str) -> Channel:
    """By what something is sent to a subscription that is there."""
    return work.session.get_one(SubscriptionRow, subscription_id).channel


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


def subscribers(
    work: Work, review: str, *kinds: str, owner: str | None = None, changed: Mapping[str, int] | None = None
) -> Iterator[list[Subscribed]]:
    """The subscriptions of a review, or of one of its people, that something is sent to, and that ask for any of these
    kinds of notification, a chunk at a time; those alone that ask for something that was `changed` by as much.

    They are locked against being ended until the work commits.
    """
    after = ""
    while True:
        query = (
            select(*(getattr(SubscriptionRow, name) for name in Subscribed._fields))
            .where(col(SubscriptionRow.review) == review, col(SubscriptionRow.id) > after)
            .where(col(SubscriptionRow.active), col(SubscriptionRow.channel) != "feed")
            .where(col(SubscriptionRow.unconfirmed_until).is_(None))
            .order_by(col(SubscriptionRow.id))
            .limit(CHUNK)
            .with_for_update(read=True)
        )
        if owner is not None:
            query = query.where(col(SubscriptionRow.owner) == owner)
        if changed is not None:
            query = query.where(col(SubscriptionRow.id).in_(_interested(review, changed)))
        rows = [Subscribed(*row) for row in work.session.execute(query)]
        yield [row for row in rows if not set(kinds).isdisjoint(row.kinds)]
        if len(rows) < CHUNK:
            return
        after = rows[-1].id


def _interested(review: str, changed: Mapping[str, int]) -> Select[str]:
    """The subscriptions of a review that ask for what was changed by as much, by the index of interests alone."""
    enough = [
        and_(col(InterestRow.what).in_(whats), col(InterestRow.rank) <= rank)
        for rank, whats in by_rank(changed).items()
    ]
    return select(col(InterestRow.subscription)).where(col(InterestRow.review) == review, or_(*enough))


def add_interests(work: Work, subscription: SubscriptionRow) -> None:
    """Keeps what a subscription is told of where revisions find it."""
    rank = RANKS[subscription.least]
    rows = [
        {"subscription": subscription.id, "what": what, "review": subscription.review, "rank": rank}
        for what in interests(subscription.theories, subscription.cmocs)
    ]
    work.session.flush()
    work.session.execute(insert(InterestRow), rows)


def forget_interests(work: Work, subscription_id: str) -> None:
    """Has a subscription that is over be found no more."""
    work.session.execute(delete(InterestRow).where(col(InterestRow.subscription) == subscription_id))


def asked_by_mail(work: Work, review: str, owner: str, since: datetime) -> int:
    """How many addresses somebody has named since then, also of subscriptions that are over."""
    mine = (
        col(SubscriptionRow.review) == review, col(SubscriptionRow.owner) == owner,
        col(SubscriptionRow.created_at) > since, col(SubscriptionRow.channel) == "email",
    )  # fmt: skip
    return work.session.scalars(select(func.count()).select_from(SubscriptionRow).where(*mine)).one()


def unconfirmed(work: Work, review: str, owner: str, address: str) -> SubscriptionRow | None:
    """The subscription of somebody to an address that has not been confirmed yet, locked."""
    query = (
        select(SubscriptionRow)
        .where(col(SubscriptionRow.review) == review, col(SubscriptionRow.owner) == owner)
        .where(col(SubscriptionRow.active), col(SubscriptionRow.unconfirmed_until).is_not(None))
        .where(col(SubscriptionRow.url) == address)
        .with_for_update()
    )
    return work.session.scalars(query.limit(1)).first()


def never_confirmed(work: Work, limit: int) -> list[SubscriptionRow]:
    """Subscriptions whose day to be confirmed is over, locked."""
    query = (
        select(SubscriptionRow)
        .where(col(SubscriptionRow.unconfirmed_until) <= work.now, col(SubscriptionRow.active))
        .order_by(col(SubscriptionRow.unconfirmed_until), col(SubscriptionRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(work.session.scalars(query))


def by_mail(work: Work, subscription_id: str, *, lock: bool = False) -> SubscriptionRow | None:
    """A subscription by mail, of whatever review: whoever asks shows that they were sent its link."""
    found = work.session.get(SubscriptionRow, subscription_id, with_for_update=lock or None)
    return found if found is not None and found.channel == "email" else None


def gather(work: Work, notification: NotificationRow, subscribed: Collection[tuple[str, datetime | None]]) -> None:
    """Has a notification wait for the digest of each subscription, which is due then."""
    rows = [
        {"subscription": it, "notice": notification.id, "created_at": work.now, "due_at": due} for it, due in subscribed
    ]
    if rows:
        work.session.flush()
        work.session.execute(insert(GatheredRow), rows)


def end_cycle(work: Work, review: str) -> None:
    """Has what was gathered of a review until its cycle ends be due now."""
    theirs = select(col(SubscriptionRow.id)).where(
        col(SubscriptionRow.review) == review, col(SubscriptionRow.every) == "cycle"
    )
    waiting = update(GatheredRow).where(col(GatheredRow.due_at).is_(None), col(GatheredRow.subscription).in_(theirs))
    work.session.execute(waiting.values(due_at=work.now))


def gathered_due(work: Work, after: str, *, mistaken: datetime, limit: int) -> list[str]:
    """The next subscriptions, by id, for which something gathered is due, or due later than can be meant."""
    query = (
        select(col(GatheredRow.subscription))
        .where(or_(col(GatheredRow.due_at) <= work.now, col(GatheredRow.due_at) > mistaken))
        .where(col(GatheredRow.subscription) > after)
        .distinct()
        .order_by(col(GatheredRow.subscription))
        .limit(limit)
    )
    return list(work.session.scalars(query))


def is_gathered_due(work: Work, subscription_id: str) -> bool:
    """Whether it is time to tell a subscription what was gathered for it."""
    theirs = select(GatheredRow).where(col(GatheredRow.subscription) == subscription_id)
    return work.session.scalars(theirs.where(col(GatheredRow.due_at) <= work.now).limit(1)).first() is not None


def set_mistaken_due(work: Work, subscription_id: str, mistaken: datetime, due: datetime | None) -> None:
    """Has what is due later than can be meant be due then."""
    theirs = update(GatheredRow).where(col(GatheredRow.subscription) == subscription_id)
    work.session.execute(theirs.where(col(GatheredRow.due_at) > mistaken).values(due_at=due))


def gathered(work: Work, subscription_id: str, limit: int) -> list[tuple[GatheredRow, NotificationRow]]:
    """What a subscription waits to be told, in the order in which it came."""
    query = (
        select(GatheredRow, NotificationRow)
        .join(NotificationRow, col(NotificationRow.id) == col(GatheredRow.notice))
        .where(col(GatheredRow.subscription) == subscription_id)
        .order_by(col(NotificationRow.written_at), col(NotificationRow.number), col(NotificationRow.id))
        .limit(limit)
    )
    return [(waiting, notification) for waiting, notification in work.session.execute(query)]


def waiting_digests(work: Work, subscription_id: str) -> list[tuple[DeliveryRow, NotificationRow]]:
    """The digests that have not reached a subscription yet, locked."""
    query = (
        select(DeliveryRow, NotificationRow)
        .join(NotificationRow, col(NotificationRow.id) == col(DeliveryRow.notice))
        .where(col(DeliveryRow.subscription) == subscription_id, col(DeliveryRow.state) == DeliveryStates.WAITING)
        .where(col(NotificationRow.kind) == "digest")
        .with_for_update(of=DeliveryRow)
    )
    return [(delivery, digest) for delivery, digest in work.session.execute(query)]


def forget_gathered(work: Work, subscription_id: str, notices: Collection[str] | None = None) -> None:
    """Has nothing of these, or of all, wait for a subscription any more."""
    theirs = delete(GatheredRow).where(col(GatheredRow.subscription) == subscription_id)
    if notices is not None:
        theirs = theirs.where(col(GatheredRow.notice).in_(notices))
    work.session.execute(theirs)


def forget_gathered_for(work: Work, notifications: Collection[str]) -> None:
    """Has these notifications wait for nobody any more."""
    work.session.execute(delete(GatheredRow).where(col(GatheredRow.notice).in_(notifications)))


def add_changed_cmocs(work: Work, notification: NotificationRow, cmocs: Collection[str]) -> None:
    """Keeps which CMOCs a revision changed, for their feeds."""
    rows = [
        {"notice": notification.id, "cmoc": it, "review": notification.review, "number": notification.number}
        for it in cmocs
    ]
    if rows:
        work.session.flush()
        work.session.execute(insert(ChangedCmocRow), rows)


def entries_of_cmoc(work: Work, review: str, cmoc: str, page: PageAsked) -> Found[NotificationRow]:
    """The notifications of those revisions that changed a CMOC, newest first."""
    query = (
        select(NotificationRow)
        .join(ChangedCmocRow, col(ChangedCmocRow.notice) == col(NotificationRow.id))
        .where(col(ChangedCmocRow.review) == review, col(ChangedCmocRow.cmoc) == cmoc)
        .where(col(NotificationRow.kind) == "revision")
    )
    return read_page(work, query, page, col(NotificationRow.number), col(NotificationRow.id), descending=True)


def withdrawn(work: Work, review: str, numbers: Collection[int]) -> dict[int, WithdrawnRow]:
    """Those of a page's revisions that were withdrawn, by their numbers."""
    query = select(WithdrawnRow).where(col(WithdrawnRow.review) == review, col(WithdrawnRow.number).in_(numbers))
    return {row.number: row for row in work.session.scalars(query)}


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
        select(DeliveryRow, SubscriptionRow, col(NotificationRow.kind), col(NotificationRow.body))
        .join(SubscriptionRow, col(SubscriptionRow.id) == col(DeliveryRow.subscription))
        .join(NotificationRow, col(NotificationRow.id) == col(DeliveryRow.notice))
        .where(col(DeliveryRow.state) == DeliveryStates.WAITING, col(DeliveryRow.due_at) <= work.now)
        .where(or_(col(DeliveryRow.leased_until).is_(None), col(DeliveryRow.leased_until) <= wall))
        .where(col(DeliveryRow.id).not_in(sending), col(SubscriptionRow.host).not_in(full))
        .order_by(col(DeliveryRow.due_at), col(DeliveryRow.id))
        .limit(limit)
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )
    return [_claim(*found, wall=wall) for found in work.session.execute(query)]


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


def to_be_digested(work: Work, subscription_id: str) -> list[tuple[SubscriptionRow, StandingRow]]:
    """A subscription to progress that is another than it was told last, locked until this work ends; none where it was
    told, or is over."""
    query = (
        select(SubscriptionRow, StandingRow)
        .join(StandingRow, col(StandingRow.review) == col(SubscriptionRow.review))
        .where(col(SubscriptionRow.id) == subscription_id, *_TO_BE_DIGESTED)
    )
    found = work.session.execute(query.with_for_update(of=SubscriptionRow))
    return [(subscribed, standing) for subscribed, standing in found]


def next_to_be_digested(work: Work, after: str, limit: int) -> list[SubscriptionRow]:
    """The next subscriptions, by id, to progress that is another than they were told last."""
    query = (
        select(SubscriptionRow)
        .join(StandingRow, col(StandingRow.review) == col(SubscriptionRow.review))
        .where(col(SubscriptionRow.id) > after, *_TO_BE_DIGESTED)
    )
    return list(work.session.scalars(query.order_by(col(SubscriptionRow.id)).limit(limit)))


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
    gathered = select(col(NotificationRow.id)).where(
        col(NotificationRow.id) == GatheredRow.notice, col(NotificationRow.kind).in_(kinds)
    )
    waiting = delete(GatheredRow).where(col(GatheredRow.subscription) == subscription_id, gathered.exists())
    work.session.execute(waiting)


def _claim(delivery: DeliveryRow, to: SubscriptionRow, kind: NotificationKind, body: str, *, wall: datetime) -> Claim:
    signs_still = to.old_secret_until is not None and wall < to.old_secret_until
    return Claim(
        delivery.id, to.id, delivery.attempts, to.host, to.url or "", secret=to.secret or "", body=body.encode(),
        channel=to.channel, kind=kind, old_secret=to.old_secret if signs_still else None,
    )  # fmt: skip
