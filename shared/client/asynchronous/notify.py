"""The client's view of notify, and what a subscriber needs to trust what arrives."""

# Made by `make docs` from shared/client/notify.py; a test fails when it is stale.

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.client.asynchronous.http import AsyncHttp, part
from shared.client.forms import Forms
from shared.errors import Invalid

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from shared.wire import notify as wire
else:
    wire = Forms("shared.wire.notify")


class AsyncNotifyClient:
    """Subscriptions, their deliveries, and the feed."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def subscribe(
        self, review: str, subscription: wire.NewSubscription | Mapping[str, Any]
    ) -> wire.SubscriptionCreated:
        """Subscribes; the answer alone holds the secret. Raises Invalid for an address that may not be used."""
        return await self._http.post(_subscriptions(review), wire.SubscriptionCreated, subscription)

    def subscriptions(self, review: str, *, everyone: bool = False) -> AsyncIterator[wire.SubscriptionView]:
        """My subscriptions, oldest first; a lead may ask for everyone's."""
        return self._http.pages(_subscriptions(review), wire.SubscriptionView, everyone=everyone)

    async def subscription(self, review: str, subscription: str) -> wire.SubscriptionView:
        return await self._http.get(f"{_subscriptions(review)}/{part(subscription)}", wire.SubscriptionView)

    async def unsubscribe(self, review: str, subscription: str) -> wire.SubscriptionView:
        """Ends a subscription; what still waits for it is cancelled, and its list of deliveries stays."""
        answer = await self._http.raw("DELETE", f"{_subscriptions(review)}/{part(subscription)}")
        return self._http.read(wire.SubscriptionView, answer)

    def deliveries(self, review: str, subscription: str) -> AsyncIterator[wire.DeliveryView]:
        """What was sent or is to be sent, newest first, with every attempt."""
        return self._http.pages(f"{_subscriptions(review)}/{part(subscription)}/deliveries", wire.DeliveryView)

    async def redeliver(self, review: str, subscription: str, delivery: str) -> wire.DeliveryView:
        """Sends a notification again, under the same `webhook-id`."""
        path = f"{_subscriptions(review)}/{part(subscription)}/deliveries/{part(delivery)}/redeliver"
        return await self._http.post(path, wire.DeliveryView)

    async def send_test(self, review: str, subscription: str) -> wire.DeliveryView:
        """Sends a notification of type `test`."""
        return await self._http.post(f"{_subscriptions(review)}/{part(subscription)}/test", wire.DeliveryView)

    async def rotate_secret(self, review: str, subscription: str) -> wire.SubscriptionCreated:
        """Gives a webhook of mine a new secret; the old one signs beside it for a day."""
        return await self._http.post(f"{_subscriptions(review)}/{part(subscription)}/secret", wire.SubscriptionCreated)

    async def mail_subscription(self, subscription: str, token: str) -> wire.MailSubscription:
        """What the link of a mail is about. Raises NotFound for one that opens nothing."""
        return await self._http.get(f"/notify/mail/{part(subscription)}/{part(token)}", wire.MailSubscription)

    async def confirm_mail(self, subscription: str, token: str) -> wire.MailSubscription:
        """Says that whoever reads the mail wants it. Raises Conflict once its day is over."""
        return await self._http.post(f"/notify/mail/{part(subscription)}/{part(token)}/confirm", wire.MailSubscription)

    async def leave_mail(self, subscription: str, token: str) -> wire.MailSubscription:
        """Says that whoever reads the mail wants no more."""
        return await self._http.post(f"/notify/mail/{part(subscription)}/{part(token)}/leave", wire.MailSubscription)

    async def json_feed(self, review: str) -> bytes:
        """The newest page of the review's JSON Feed."""
        return (await self._http.raw("GET", f"/notify/reviews/{part(review)}/feed.json")).content

    async def feed_of_cmoc(self, review: str, cmoc: str) -> bytes:
        """The newest page of the Atom feed of those revisions that changed one CMOC."""
        return (await self._http.raw("GET", f"/notify/reviews/{part(review)}/cmocs/{part(cmoc)}/feed.atom")).content

    async def json_feed_of_cmoc(self, review: str, cmoc: str) -> bytes:
        """The newest page of the JSON Feed of those revisions that changed one CMOC."""
        return (await self._http.raw("GET", f"/notify/reviews/{part(review)}/cmocs/{part(cmoc)}/feed.json")).content

    async def feed(self, review: str, *, cursor: str | None = None) -> bytes:
        """A page of the review's Atom feed: the newest, or the one that a `next` link of another leads to."""
        return (
            await self._http.raw("GET", f"/notify/reviews/{part(review)}/feed.atom", params={"cursor": cursor})
        ).content

    async def trouble_feed(self, review: str) -> bytes:
        """The newest page of the leads' Atom feed of trouble with sources."""
        return (await self._http.raw("GET", f"/notify/reviews/{part(review)}/trouble.atom")).content


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
