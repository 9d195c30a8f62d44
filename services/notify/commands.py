"""What people ask notify for, what is written down of a delivery, and how a notification is kept."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection

from services.notify import domain, store
from services.notify.domain import DeliveryStates, Outcome, Verdict
from services.notify.models import (
    AttemptRow,
    DeliveryRow,
    NotificationKind,
    NotificationRow,
    StandingRow,
    SubscriptionRow,
)
from services.notify.store import Claim
from shared.db.work import Work
from shared.errors import Conflict, Invalid
from shared.events.notify import DeliveryFailed, NoticeDelivered
from shared.ids import id_of, new_id
from shared.wire.notify import FOR_ADJUDICATORS, FOR_LEADS, NewSubscription, Notification, TrialData, TrialNotification

#: A person needs few; many would make us a cannon.
MOST_SUBSCRIPTIONS = 20

_SECRET_BYTES = 32


def subscribe(work: Work, review: str, wish: NewSubscription, *, host: str) -> SubscriptionRow:
    """Makes a subscription of the person who asks. Raises Conflict when they have too many, Invalid for `minutes` of
    what is no digest."""
    if wish.minutes is not None and "progress" not in wish.kinds:
        raise Invalid.of("minutes", "they are for `progress`, which is none of the kinds")
    if store.active_subscriptions(work, review, work.actor) >= MOST_SUBSCRIPTIONS:
        raise Conflict(
            f"{work.actor} has {MOST_SUBSCRIPTIONS} subscriptions to review {review!r}; end one first",
            slug="too_many_subscriptions",
        )
    subscription = work.add(
        SubscriptionRow(
            id=new_id("sub"), review=review, owner=work.actor, channel=wish.channel, url=wish.url, host=host,
            secret=_new_secret() if wish.channel == "webhook" else None, kinds=list(wish.kinds), created_at=work.now,
            minutes=(wish.minutes or domain.MINUTES) if "progress" in wish.kinds else None,
        )
    )  # fmt: skip
    work.session.flush()
    return subscription


def end(work: Work, subscription: SubscriptionRow, why: str) -> None:
    """Ends a subscription; what waits for it is called off. Ending it twice changes nothing."""
    if subscription.active:
        subscription.active, subscription.ended_why, subscription.ended_at = False, why, work.now
        store.cancel_waiting(work, subscription.id)


def take_from_leads(work: Work, subscription: SubscriptionRow) -> None:
    """Has a subscription tell no more of what is for leads, and calls off what of it waits; one that told of nothing
    else ends."""
    # Searches of nobody who is told of them are for leads, too.
    _take(work, subscription, FOR_LEADS, {*FOR_LEADS, "agreement", "search"}, "its owner leads the review no more")


def take_from_adjudicators(work: Work, subscription: SubscriptionRow) -> None:
    """The same of what is for whoever may adjudicate."""
    _take(work, subscription, FOR_ADJUDICATORS, FOR_ADJUDICATORS, "its owner adjudicates no more")


def _take(
    work: Work, subscription: SubscriptionRow, kinds: Collection[str], called_off: Collection[str], why: str
) -> None:
    kept = [kind for kind in subscription.kinds if kind not in kinds]
    if kept == subscription.kinds or not subscription.active:
        return
    if not kept:
        end(work, subscription, why)
        return
    subscription.kinds = kept
    store.cancel_waiting_of(work, subscription.id, set(called_off) - set(kept))


def send_trial(work: Work, subscription: SubscriptionRow) -> str:
    """Makes a notification of type `test` for one webhook; answers the delivery's id. Raises Conflict."""
    _require_open_webhook(subscription)
    message = f"A test asked for by {work.actor}: nothing was published."
    data = TrialData(review=subscription.review, subscription=subscription.id, message=message)
    notification = write_notification(work, TrialNotification(timestamp=work.now, data=data), id=new_id("ntc"),
                     review=subscription.review, kind="test", about="test")  # fmt: skip
    (delivery,) = store.add_deliveries(work, notification, [subscription.id])
    return delivery


def redeliver(work: Work, subscription: SubscriptionRow, delivery: DeliveryRow) -> None:
    """Makes a delivery due now, with all its attempts before it again. Raises Conflict for an ended subscription, and
    for what is for leads alone where its owner is none any more."""
    _require_open_webhook(subscription)
    kind = store.notification(work, delivery.notice).kind
    asked = "trouble" if kind == "agreement" else kind
    if asked in FOR_LEADS and asked not in subscription.kinds:
        raise Conflict(f"the subscription is told of {kind} no more, which is for leads", slug="for_leads")
    if kind in FOR_ADJUDICATORS and kind not in subscription.kinds:
        why = f"the subscription is told of {kind}s no more, which are for adjudicators"
        raise Conflict(why, slug="for_adjudicators")
    DeliveryStates.turn(delivery, DeliveryStates.WAITING)
    delivery.due_at, delivery.failures = work.now, 0


def record_attempt(work: Work, claim: Claim, outcome: Outcome, *, jitter: float) -> None:
    """Writes down what came of an attempt, and what becomes of the delivery."""
    if outcome.gone:
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


def _tell_delivered(work: Work, delivery: DeliveryRow) -> None:
    notification = store.notification(work, delivery.notice)
    with work.following(notification.correlation, notification.caused_by):
        work.emit(
            NoticeDelivered(
                review=notification.review, subscription=delivery.subscription, delivery=delivery.id, channel="webhook",
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


def digest_some(work: Work, after: str, limit: int) -> str | None:
    """Has the next subscriptions to progress, by id after this one, be told of it where it is time; answers the last of
    them, None where there was none."""
    some = store.to_be_digested(work, after, limit)
    for subscription, standing in some:
        if domain.is_due(minutes=subscription.minutes or domain.MINUTES, last=subscription.digested_at, now=work.now):
            subscription.digested_at, subscription.digest = work.now, standing.event
            store.add_deliveries(work, _digest_of(work, standing), [subscription.id])
    return some[-1][0].id if some else None


def _digest_of(work: Work, standing: StandingRow) -> NotificationRow:
    """The one digest of a standing, which is written when the first is told of it."""
    id = id_of("ntc", standing.review, "progress", standing.event)
    if store.has_notification(work, id):
        return store.notification(work, id)
    url = work.settings.public_url
    body = domain.progress_notification(standing.review, standing.stages, at=standing.at, public_url=url)
    with work.following(standing.correlation, standing.event):
        return write_notification(work, body, id=id, review=standing.review, kind="progress", about="progress")


def _require_open_webhook(subscription: SubscriptionRow) -> None:
    if subscription.channel != "webhook":
        raise Conflict("a feed is fetched by its reader; nothing is sent to it", slug="not_a_webhook")
    if not subscription.active:
        raise Conflict(
            f"the subscription has ended ({subscription.ended_why}); make a new one", slug="subscription_ended"
        )


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
