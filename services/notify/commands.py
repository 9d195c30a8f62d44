"""What people ask notify for, what is written down of a delivery, and how a notification is kept."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from services.notify import domain, store
from services.notify.domain import DeliveryStates, Outcome, Verdict
from services.notify.domain.gathering import LONGEST, due_after, has_morning, zone_of
from services.notify.domain.tokens import token_of
from services.notify.models import (
    AttemptRow,
    DeliveryRow,
    NotificationKind,
    NotificationRow,
    StandingRow,
    SubscriptionRow,
)
from services.notify.store import Claim, Subscribed
from shared import logging
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.notify import DeliveryFailed, NoticeDelivered
from shared.ids import id_of, new_id
from shared.wire.notify import (
    FOR_ADJUDICATORS,
    FOR_LEADS,
    ConfirmData,
    ConfirmNotification,
    DigestData,
    DigestNotification,
    Entry,
    NewSubscription,
    Notification,
    TrialData,
    TrialNotification,
)

log = logging.get(__name__)

#: A person needs few; many would make us a cannon.
MOST_SUBSCRIPTIONS = 20

#: How long a link counts by which whoever reads mail says that they want it.
CONFIRM_WITHIN = timedelta(days=1)

#: How long a secret that was rotated signs beside the new one.
ROTATES_WITHIN = timedelta(days=1)

#: How much one digest tells; what is left comes in the next.
MOST_GATHERED = 200

#: Messages in a row that an address refuses for good before no more are sent there.
MOST_BOUNCES = 3

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)

_SECRET_BYTES = 32


def subscribe(work: Work, review: str, wish: NewSubscription, *, host: str) -> SubscriptionRow:
    """Makes a subscription of the person who asks; by mail it waits until whoever reads it says that they want it, and
    asking for that again is asking once. Raises Conflict when they have too many, Invalid for `minutes` of what is no
    digest."""
    if wish.minutes is not None and "progress" not in wish.kinds:
        raise Invalid.of("minutes", "they are for `progress`, which is none of the kinds")
    if wish.address is not None:
        known = store.unconfirmed(work, review, work.actor, wish.address)
        if known is not None and known.unconfirmed_until is not None and known.unconfirmed_until > work.now:
            return _as_wished(work, known, wish)
        if store.asked_by_mail(work, review, work.actor, work.now - CONFIRM_WITHIN) >= MOST_SUBSCRIPTIONS:
            raise Conflict(f"you named {MOST_SUBSCRIPTIONS} addresses within a day; wait", slug="too_many_addresses")
    if store.active_subscriptions(work, review, work.actor) >= MOST_SUBSCRIPTIONS:
        raise Conflict(
            f"{work.actor} has {MOST_SUBSCRIPTIONS} subscriptions to review {review!r}; end one first",
            slug="too_many_subscriptions",
        )
    subscription = work.add(
        SubscriptionRow(
            id=new_id("sub"), review=review, owner=work.actor, channel=wish.channel, url=wish.url or wish.address,
            host=host, secret=_new_secret() if wish.channel in ("webhook", "email") else None, kinds=list(wish.kinds),
            created_at=work.now,
            unconfirmed_until=work.now + CONFIRM_WITHIN if wish.channel == "email" else None,
        )
    )  # fmt: skip
    work.session.flush()
    _as_wished(work, subscription, wish)
    if subscription.unconfirmed_until is not None:
        _ask_to_confirm(work, subscription, subscription.unconfirmed_until)
    return subscription


def _as_wished(work: Work, subscription: SubscriptionRow, wish: NewSubscription) -> SubscriptionRow:
    """A subscription that tells of what is wished, when."""
    subscription.kinds, subscription.every, subscription.zone = list(wish.kinds), wish.every, wish.zone
    subscription.theories, subscription.cmocs = [*dict.fromkeys(wish.theories)], [*dict.fromkeys(wish.cmocs)]
    subscription.least = wish.least
    subscription.minutes = (wish.minutes or domain.MINUTES) if "progress" in wish.kinds else None
    store.forget_interests(work, subscription.id)
    store.add_interests(work, subscription)
    work.session.flush()
    return subscription


def _ask_to_confirm(work: Work, subscription: SubscriptionRow, until: datetime) -> None:
    """Sends the one message that an address gets before somebody has said there that they want any."""
    link = domain.mail_link(
        work.settings.public_url, subscription.id, token_of(subscription.secret or "", subscription.id, "confirm")
    )
    data = ConfirmData(review=subscription.review, subscription=subscription.id, until=until, link=link)
    notification = write_notification(work, ConfirmNotification(timestamp=work.now, data=data), id=new_id("ntc"),
                     review=subscription.review, kind="confirm", about="confirm")  # fmt: skip
    store.add_deliveries(work, notification, [subscription.id])


def confirm(work: Work, subscription: SubscriptionRow) -> None:
    """Has mail go to an address from now on. Confirming it twice changes nothing. Raises Conflict where it is over."""
    if not subscription.active:
        raise Conflict("this subscription is over: whoever asked for it asks anew", slug="subscription_ended")
    if subscription.unconfirmed_until is not None and subscription.unconfirmed_until <= work.now:
        raise Conflict(
            "this link counted for a day, which is over: whoever asked for mail asks anew",
            slug="link_expired",
        )
    subscription.unconfirmed_until = None


def end_unconfirmed(work: Work, limit: int) -> int:
    """Ends the subscriptions that nobody confirmed in time; answers how many."""
    late = store.never_confirmed(work, limit)
    for subscription in late:
        end(work, subscription, "nobody confirmed the address within a day")
        subscription.unconfirmed_until = None
    return len(late)


def rotate_secret(work: Work, subscription: SubscriptionRow, *, wall: datetime) -> None:
    """Gives a webhook a new secret; the old one signs beside it for a day, by the machine's clock. Raises Conflict."""
    if subscription.channel != "webhook":
        raise Conflict("only webhooks have a secret", slug="not_a_webhook")
    _require_open(subscription)
    subscription.old_secret, subscription.old_secret_until = subscription.secret, wall + ROTATES_WITHIN
    subscription.secret = _new_secret()


def end(work: Work, subscription: SubscriptionRow, why: str) -> None:
    """Ends a subscription; what waits for it is called off. Ending it twice changes nothing."""
    if subscription.active:
        subscription.active, subscription.ended_why, subscription.ended_at = False, why, work.now
        store.cancel_waiting(work, subscription.id)
        store.forget_interests(work, subscription.id)
        store.forget_gathered(work, subscription.id)


def tell(work: Work, notification: NotificationRow, subscribed: Sequence[Subscribed]) -> None:
    """Has a notification reach each of these: at once, or gathered until their morning or the end of the cycle."""
    store.add_deliveries(work, notification, [it.id for it in subscribed if it.every == "at once"])
    later = [(it.id, _due(work, it)) for it in subscribed if it.every != "at once"]
    store.gather(work, notification, later)


def _due(work: Work, to: Subscribed | SubscriptionRow) -> datetime | None:
    """When a subscription is told what comes now; by UTC where this machine does not know its zone, as others may that
    made it, or this one before its zone data were replaced."""
    if has_morning(to.every) and zone_of(to.zone) is None:
        log.warning("zone unknown, digest due by UTC", subscription=to.id, zone=to.zone)
    return due_after(work.now, to.every, to.zone)


def send_gathered(work: Work, subscription_id: str) -> bool:
    """Tells a subscription all that was gathered for it in one message, and tells it only there; answers whether
    anything was due. Where it is due later than can be meant, its day is set anew."""
    subscription = store.lock_subscription(work, subscription_id)
    due = _due(work, subscription)
    store.set_mistaken_due(work, subscription_id, work.now + LONGEST, due)
    if not store.is_gathered_due(work, subscription_id):
        return False
    found = store.gathered(work, subscription_id, MOST_GATHERED)
    entries = [_ENTRY.validate_json(notification.body) for _, notification in found]
    store.forget_gathered(work, subscription_id, [notification.id for _, notification in found])
    _write_digest(work, subscription, entries, found[-1][1])
    return True


def _write_digest(work: Work, subscription: SubscriptionRow, entries: list[Entry], newest: NotificationRow) -> None:
    """The one message that tells these, as what followed from the newest of them."""
    link = domain.page_link(work.settings.public_url, subscription.review)
    data = DigestData(
        review=subscription.review, subscription=subscription.id, every=subscription.every, entries=entries, link=link
    )
    with work.following(newest.correlation, newest.caused_by):
        digest = write_notification(work, DigestNotification(timestamp=work.now, data=data), id=new_id("ntc"),
                     review=subscription.review, kind="digest", about="digest")  # fmt: skip
    store.add_deliveries(work, digest, [subscription.id])


def take_from_leads(work: Work, subscription: SubscriptionRow) -> None:
    """Has a subscription tell no more of what is for leads, and calls off what of it waits; one that told of nothing
    else ends."""
    _take(work, subscription, FOR_LEADS, "its owner leads the review no more")


def take_from_adjudicators(work: Work, subscription: SubscriptionRow) -> None:
    """The same of what is for whoever may adjudicate."""
    _take(work, subscription, FOR_ADJUDICATORS, "its owner adjudicates no more")


def _take(work: Work, subscription: SubscriptionRow, kinds: Collection[str], why: str) -> None:
    kept = [kind for kind in subscription.kinds if kind not in kinds]
    if kept == subscription.kinds or not subscription.active:
        return
    if not kept:
        end(work, subscription, why)
        return
    subscription.kinds = kept
    gone = domain.withheld(kept)
    store.cancel_waiting_of(work, subscription.id, gone)
    for delivery, digest in store.waiting_digests(work, subscription.id):
        data = DigestNotification.model_validate_json(digest.body).data
        left = [entry for entry in data.entries if domain.KINDS[entry.type] not in gone]
        if len(left) < len(data.entries):
            DeliveryStates.turn(delivery, DeliveryStates.CANCELLED)
            if left:
                _write_digest(work, subscription, left, digest)


def send_trial(work: Work, subscription: SubscriptionRow) -> str:
    """Makes a notification of type `test` for one subscription; answers the delivery's id. Raises Conflict."""
    _require_sent_to(subscription)
    message = f"A test asked for by {work.actor}: nothing was published."
    data = TrialData(review=subscription.review, subscription=subscription.id, message=message)
    notification = write_notification(work, TrialNotification(timestamp=work.now, data=data), id=new_id("ntc"),
                     review=subscription.review, kind="test", about="test")  # fmt: skip
    (delivery,) = store.add_deliveries(work, notification, [subscription.id])
    return delivery


def redeliver(work: Work, subscription: SubscriptionRow, delivery: DeliveryRow) -> None:
    """Makes a delivery due now, with all its attempts before it again. Raises Conflict for an ended subscription, and
    for what its owner may be told of no more."""
    _require_sent_to(subscription)
    if gone := _kinds_in(store.notification(work, delivery.notice)) & domain.withheld(subscription.kinds):
        of_adjudicators = gone <= FOR_ADJUDICATORS
        why = f"the subscription is told no more of {' and '.join(sorted(gone))}"
        whose, slug = ("adjudicators", "for_adjudicators") if of_adjudicators else ("leads", "for_leads")
        raise Conflict(f"{why}, which is for {whose}", slug=slug)
    DeliveryStates.turn(delivery, DeliveryStates.WAITING)
    delivery.due_at, delivery.failures = work.now, 0


def _kinds_in(notification: NotificationRow) -> set[str]:
    """Of what a notification tells, or all that are in a digest."""
    if notification.kind != "digest":
        return {notification.kind}
    return {domain.KINDS[it.type] for it in DigestNotification.model_validate_json(notification.body).data.entries}


def record_attempt(work: Work, claim: Claim, outcome: Outcome, *, jitter: float) -> None:
    """Writes down what came of an attempt, and what becomes of the delivery."""
    if outcome.gone or claim.channel == "email":
        # Locked before the delivery, in the order of everyone who ends a subscription.
        store.lock_subscription(work, claim.subscription)
    delivery = store.delivery(work, claim.delivery)
    if delivery.attempts != claim.attempts:
        # The lease lapsed before we came back, and whoever took over has written down theirs.
        return
    delivery.attempts += 1
    delivery.leased_until = None
    work.add(
        AttemptRow(
            delivery=delivery.id, number=delivery.attempts, at=work.now, status=outcome.status, error=outcome.error
        )
    )
    if delivery.state == DeliveryStates.WAITING or outcome.delivered:
        verdict = domain.judge(outcome, delivery.failures, now=work.now, jitter=jitter)
        _settle(work, delivery, outcome, verdict)
        if claim.channel == "email":
            _count_bounces(work, claim.subscription, outcome)


def _settle(work: Work, delivery: DeliveryRow, outcome: Outcome, verdict: Verdict) -> None:
    DeliveryStates.turn(delivery, verdict.state)
    if verdict.due_at is not None:
        delivery.failures += 1
        delivery.due_at = verdict.due_at
    elif verdict.state == DeliveryStates.DELIVERED:
        delivery.delivered_at = work.now
        _tell_delivered(work, delivery)
    elif verdict.state == DeliveryStates.FAILED:
        _tell_failed(work, delivery, outcome)


def _count_bounces(work: Work, subscription_id: str, outcome: Outcome) -> None:
    """An address that refuses several messages in a row for good gets no more, which its owner reads with it."""
    subscription = store.lock_subscription(work, subscription_id)
    if outcome.delivered:
        subscription.bounces = 0
    elif outcome.refused:
        subscription.bounces += 1
        if subscription.bounces >= MOST_BOUNCES:
            end(work, subscription, f"its address refused {MOST_BOUNCES} messages in a row: {outcome.error}"[:300])


def _tell_delivered(work: Work, delivery: DeliveryRow) -> None:
    notification = store.notification(work, delivery.notice)
    channel = store.channel_of(work, delivery.subscription)
    with work.following(notification.correlation, notification.caused_by):
        work.emit(
            NoticeDelivered(
                review=notification.review, subscription=delivery.subscription, delivery=delivery.id, channel=channel,
                about=notification.about, attempts=delivery.attempts,
            )
        )  # fmt: skip


def _tell_failed(work: Work, delivery: DeliveryRow, outcome: Outcome) -> None:
    """Tells that a delivery failed for good; a receiver that is gone ends its subscription."""
    notification = store.notification(work, delivery.notice)
    with work.following(notification.correlation, notification.caused_by):
        work.emit(
            DeliveryFailed(
                review=notification.review, subscription=delivery.subscription, delivery=delivery.id,
                attempts=delivery.attempts, error=outcome.error or "",
            )
        )  # fmt: skip
    if outcome.gone:
        subscription = store.lock_subscription(work, delivery.subscription)
        end(work, subscription, "its receiver answered 410 Gone")


def write_notification(
    work: Work,
    body: Notification,
    *,
    id: str,
    review: str,
    kind: NotificationKind,
    about: str,
    number: int = 0,
) -> NotificationRow:
    return work.add(
        NotificationRow(
            id=id, review=review, kind=kind, about=about, number=number, body=body.model_dump_json(),
            written_at=work.occurred, correlation=work.correlation, caused_by=work.causation,
        )
    )  # fmt: skip


def send_progress(work: Work, subscription_id: str) -> None:
    """Tells a subscription how the stages of its review stand, where it knows them otherwise and it is time."""
    for subscription, standing in store.to_be_digested(work, subscription_id):
        if is_time_for_progress(work, subscription):
            subscription.digested_at, subscription.digest = work.now, standing.event
            to = Subscribed(subscription.id, subscription.kinds, subscription.every, subscription.zone)
            tell(work, _digest_of(work, standing), [to])


def is_time_for_progress(work: Work, subscription: SubscriptionRow) -> bool:
    minutes = subscription.minutes or domain.MINUTES
    return domain.is_due(minutes=minutes, last=subscription.digested_at, now=work.now)


def _digest_of(work: Work, standing: StandingRow) -> NotificationRow:
    """The one digest of a standing, which is written when the first is told of it."""
    id = id_of("ntc", standing.review, "progress", standing.event)
    if store.has_notification(work, id):
        return store.notification(work, id)
    url = work.settings.public_url
    body = domain.progress_notification(standing.review, standing.stages, at=standing.at, public_url=url)
    with work.following(standing.correlation, standing.event):
        return write_notification(work, body, id=id, review=standing.review, kind="progress", about="progress")


def _require_sent_to(subscription: SubscriptionRow) -> None:
    if subscription.channel == "feed":
        raise Conflict("a feed is fetched by its reader; nothing is sent to it", slug="not_a_webhook")
    _require_open(subscription)
    if subscription.unconfirmed_until is not None:
        raise Conflict("nobody has confirmed this address yet; nothing is sent there before", slug="not_confirmed")


def _require_open(subscription: SubscriptionRow) -> None:
    if not subscription.active:
        raise Conflict(
            f"the subscription has ended ({subscription.ended_why}); make a new one", slug="subscription_ended"
        )


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
