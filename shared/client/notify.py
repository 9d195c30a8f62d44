"""The client's view of notify, and what a subscriber needs to trust what arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.client.forms import Forms
from shared.client.http import Http, part
from shared.errors import Invalid

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from shared.wire import notify as wire
else:
    wire = Forms("shared.wire.notify")


class NotifyClient:
    """Subscriptions, their deliveries, and the feed."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def subscribe(
        self, review: str, subscription: wire.NewSubscription | Mapping[str, Any]
    ) -> wire.SubscriptionCreated:
        """Subscribes; the answer alone holds the secret. Raises Invalid for an address that may not be used."""
        return self._http.post(_subscriptions(review), wire.SubscriptionCreated, subscription)

    def subscriptions(self, review: str, *, everyone: bool = False) -> Iterator[wire.SubscriptionView]:
        """My subscriptions, oldest first; a lead may ask for everyone's."""
        return self._http.pages(_subscriptions(review), wire.SubscriptionView, everyone=everyone)

    def subscription(self, review: str, subscription: str) -> wire.SubscriptionView:
        return self._http.get(f"{_subscriptions(review)}/{part(subscription)}", wire.SubscriptionView)

    def unsubscribe(self, review: str, subscription: str) -> wire.SubscriptionView:
        """Ends a subscription; what still waits for it is cancelled, and its list of deliveries stays."""
        answer = self._http.raw("DELETE", f"{_subscriptions(review)}/{part(subscription)}")
        return self._http.read(wire.SubscriptionView, answer)

    def deliveries(self, review: str, subscription: str) -> Iterator[wire.DeliveryView]:
        """What was sent or is to be sent, newest first, with every attempt."""
        return self._http.pages(f"{_subscriptions(review)}/{part(subscription)}/deliveries", wire.DeliveryView)

    def redeliver(self, review: str, subscription: str, delivery: str) -> wire.DeliveryView:
        """Sends a notification again, under the same `webhook-id`."""
        path = f"{_subscriptions(review)}/{part(subscription)}/deliveries/{part(delivery)}/redeliver"
        return self._http.post(path, wire.DeliveryView)

    def send_test(self, review: str, subscription: str) -> wire.DeliveryView:
        """Sends a notification of type `test`."""
        return self._http.post(f"{_subscriptions(review)}/{part(subscription)}/test", wire.DeliveryView)

    def rotate_secret(self, review: str, subscription: str) -> wire.SubscriptionCreated:
        """Gives a webhook of mine a new secret; the old one signs beside it for a day."""
        return self._http.post(f"{_subscriptions(review)}/{part(subscription)}/secret", wire.SubscriptionCreated)

    def mail_subscription(self, subscription: str, token: str) -> wire.MailSubscription:
        """What the link of a mail is about. Raises NotFound for one that opens nothing."""
        return self._http.get(f"/notify/mail/{part(subscription)}/{part(token)}", wire.MailSubscription)

    def confirm_mail(self, subscription: str, token: str) -> wire.MailSubscription:
        """Says that whoever reads the mail wants it. Raises Conflict once its day is over."""
        return self._http.post(f"/notify/mail/{part(subscription)}/{part(token)}/confirm", wire.MailSubscription)

    def leave_mail(self, subscription: str, token: str) -> wire.MailSubscription:
        """Says that whoever reads the mail wants no more."""
        return self._http.post(f"/notify/mail/{part(subscription)}/{part(token)}/leave", wire.MailSubscription)

    def json_feed(self, review: str) -> bytes:
        """The newest page of the review's JSON Feed."""
        return self._http.raw("GET", f"/notify/reviews/{part(review)}/feed.json").content

    def feed_of_cmoc(self, review: str, cmoc: str) -> bytes:
        """The newest page of the Atom feed of those revisions that changed one CMOC."""
        return self._http.raw("GET", f"/notify/reviews/{part(review)}/cmocs/{part(cmoc)}/feed.atom").content

    def json_feed_of_cmoc(self, review: str, cmoc: str) -> bytes:
        """The newest page of the JSON Feed of those revisions that changed one CMOC."""
        return self._http.raw("GET", f"/notify/reviews/{part(review)}/cmocs/{part(cmoc)}/feed.json").content

    def feed(self, review: str, *, cursor: str | None = None) -> bytes:
        """A page of the review's Atom feed: the newest, or the one that a `next` link of another leads to."""
        return self._http.raw("GET", f"/notify/reviews/{part(review)}/feed.atom", params={"cursor": cursor}).content

    def trouble_feed(self, review: str) -> bytes:
        """The newest page of the leads' Atom feed of trouble with sources."""
        return self._http.raw("GET", f"/notify/reviews/{part(review)}/trouble.atom").content


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> wire.Notification:
    """The notification a webhook brought, once its signature holds (Standard Webhooks, symmetric `v1`).

    Give the body as it came, byte for byte. Raises Invalid when a header is missing, the signature is not
    ours, the attempt is more than five minutes away from now, or the body is none of our notifications. Keep the
    `webhook-id` of what you have done: the same notification may come twice.
    """
    # Here, since only a receiver needs them.
    from standardwebhooks import Webhook, WebhookVerificationError
    from standardwebhooks.webhooks import EmptyWebhookSecretError

    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
        return _notification().validate_json(body)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError) as error:
        raise Invalid(f"the notification is not to be trusted: {error}", slug="bad_signature") from error


@cache
def _notification() -> TypeAdapter[wire.Notification]:
    from pydantic import TypeAdapter

    from shared.wire.notify import Notification

    return TypeAdapter(Notification)


def _subscriptions(review: str) -> str:
    return f"/notify/reviews/{part(review)}/subscriptions"
