"""What notify does: each function is one effect, in a transaction that it does not open."""

from __future__ import annotations

import base64
import secrets

from services.notify import domain, store
from services.notify.domain import Outcome, Verdict
from services.notify.models import DELIVERED, FAILED, WAITING, Attempt, Delivery, Notice, Subscription
from services.notify.store import Claim
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.notify import DeliveryFailed, NoticeDelivered
from shared.events.synthesis import ReviewOverdue, RevisionPublished
from shared.ids import id_of, new_id
from shared.wire.notify import NewSubscription, OverdueNotice, RevisionNotice, TrialData, TrialNotice

#: A person needs few; many would make us a cannon.
MOST_SUBSCRIPTIONS = 20

_SECRET_BYTES = 32


def write_notices(event: RevisionPublished, work: Work) -> None:
    """Freezes the notice of a revision, which is its feed entry, and makes a delivery for each webhook."""
    body = domain.revision_notice(event, at=work.happened, public_url=work.settings.public_url)
    notice = _freeze(work, body, review=event.review, kind="revision", about=event.revision, number=event.number)
    if notice is not None:
        work.emit(
            NoticeDelivered(
                review=event.review, subscription=f"feed:{event.review}", delivery=notice.id,
                channel="feed", about=event.revision, attempts=1,
            )
        )  # fmt: skip


def write_overdue_notice(event: ReviewOverdue, work: Work) -> None:
    """Freezes the alarm that a review is overdue, for the leads who asked for it."""
    body = domain.overdue_notice(event, at=work.happened, public_url=work.settings.public_url)
    _freeze(work, body, review=event.review, kind="overdue", about=event.due.isoformat())


def subscribe(work: Work, review: str, wish: NewSubscription, *, host: str) -> Subscription:
    """Makes a subscription of the person who asks. Raises Conflict when they have too many."""
    if store.active_subscriptions(work, review, work.actor) >= MOST_SUBSCRIPTIONS:
        raise Conflict(
            f"{work.actor} has {MOST_SUBSCRIPTIONS} subscriptions to review {review!r}; end one first",
            slug="too_many_subscriptions",
        )
    subscription = work.add(
        Subscription(
            id=new_id("sub"), review=review, owner=work.actor, channel=wish.channel, url=wish.url, host=host,
            secret=_new_secret() if wish.channel == "webhook" else None, kinds=list(wish.kinds), created_at=work.now,
        )
    )  # fmt: skip
    work.session.flush()
    return subscription


def end(work: Work, subscription: Subscription, why: str) -> None:
    """Ends a subscription; what waits for it is called off. Ending it twice changes nothing."""
    if subscription.active:
        subscription.active, subscription.ended_why, subscription.ended_at = False, why, work.now
        store.cancel_waiting(work, subscription.id)


def send_trial(work: Work, subscription: Subscription) -> str:
    """Makes a notice of type `test` for one webhook; answers the delivery's id. Raises Conflict."""
    _require_open_webhook(subscription)
    message = f"A test asked for by {work.actor}: nothing was published."
    data = TrialData(review=subscription.review, subscription=subscription.id, message=message)
    notice = _notice(work, TrialNotice(timestamp=work.now, data=data), id=new_id("ntc"),
                     review=subscription.review, kind="test", about="test")  # fmt: skip
    (delivery,) = store.add_deliveries(work, notice, [subscription.id])
    return delivery


def redeliver(work: Work, subscription: Subscription, delivery: Delivery) -> None:
    """Makes a delivery due now, with all its attempts before it again. Raises Conflict for an ended subscription."""
    _require_open_webhook(subscription)
    delivery.state, delivery.due_at, delivery.failures = WAITING, work.now, 0


def record_attempt(work: Work, claim: Claim, outcome: Outcome, *, jitter: float) -> None:
    """Writes down what came of an attempt, and what becomes of the delivery."""
    if outcome.gone:
        # Locked before the delivery, in the order of everyone who ends a subscription.
        work.session.get_one(Subscription, claim.subscription, with_for_update=True)
    delivery = store.delivery(work, claim.delivery)
    if delivery.attempts != claim.attempts:
        # The lease lapsed before we came back, and whoever took over has written down theirs.
        return
    delivery.attempts += 1
    delivery.leased_until = None
    work.add(
        Attempt(delivery=delivery.id, number=delivery.attempts, at=work.now, status=outcome.status, error=outcome.error)
    )
    if delivery.state == WAITING or outcome.delivered:
        verdict = domain.judge(outcome, delivery.failures, now=work.now, jitter=jitter)
        _settle(work, delivery, outcome, verdict)


def _settle(work: Work, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
    delivery.state = verdict.state
    if verdict.due_at is not None:
        delivery.failures += 1
        delivery.due_at = verdict.due_at
    elif verdict.state == DELIVERED:
        delivery.delivered_at = work.now
        _tell_delivered(work, delivery)
    elif verdict.state == FAILED:
        _tell_failed(work, delivery, outcome)


def _tell_delivered(work: Work, delivery: Delivery) -> None:
    notice = work.session.get_one(Notice, delivery.notice)
    with work.following(notice.correlation, notice.caused_by):
        work.emit(
            NoticeDelivered(
                review=notice.review, subscription=delivery.subscription, delivery=delivery.id, channel="webhook",
                about=notice.about, attempts=delivery.attempts,
            )
        )  # fmt: skip


def _tell_failed(work: Work, delivery: Delivery, outcome: Outcome) -> None:
    """Tells that a delivery failed for good; a receiver that is gone ends its subscription."""
    notice = work.session.get_one(Notice, delivery.notice)
    with work.following(notice.correlation, notice.caused_by):
        work.emit(
            DeliveryFailed(
                review=notice.review, subscription=delivery.subscription, delivery=delivery.id,
                attempts=delivery.attempts, error=outcome.error or "",
            )
        )  # fmt: skip
    if outcome.gone:
        subscription = work.session.get_one(Subscription, delivery.subscription)
        end(work, subscription, "its receiver answered 410 Gone")


def _freeze(
    work: Work, body: RevisionNotice | OverdueNotice, *, review: str, kind: str, about: str, number: int = 0
) -> Notice | None:
    """Writes the one notice of this kind about this thing, and its deliveries; None when it is there already.

    Two that come at once meet at the primary key; the second is heard again and then finds it.
    """
    notice_id = id_of("ntc", review, kind, about)
    if store.has_notice(work, notice_id):
        return None
    notice = _notice(work, body, id=notice_id, review=review, kind=kind, about=about, number=number)
    for subscribed in store.subscribers(work, review, kind):
        store.add_deliveries(work, notice, subscribed)
    return notice


def _notice(work: Work, body: RevisionNotice | OverdueNotice | TrialNotice, **about: str | int) -> Notice:
    return work.add(
        Notice(
            **about, body=body.model_dump_json(), written_at=work.happened,
            correlation=work.correlation, caused_by=work.causation,
        )
    )  # fmt: skip


def _require_open_webhook(subscription: Subscription) -> None:
    if subscription.channel != "webhook":
        raise Conflict("a feed is fetched by its reader; nothing is sent to it", slug="not_a_webhook")
    if not subscription.active:
        raise Conflict(
            f"the subscription has ended ({subscription.ended_why}); make a new one", slug="subscription_ended"
        )


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
