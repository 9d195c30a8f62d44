"""The client's view of notify, and what a subscriber needs to trust what arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from shared.client.http import Http
from shared.errors import Invalid
from shared.wire.notify import DeliveryView, NewSubscription, Notice, SubscriptionCreated, SubscriptionView

_NOTICE: TypeAdapter[Notice] = TypeAdapter(Notice)


class NotifyClient:
    """Subscriptions, their deliveries, and the feed."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def subscribe(self, review: str, subscription: NewSubscription) -> SubscriptionCreated:
        """Subscribes; the answer alone holds the secret. Raises Invalid for an address that may not be used."""
        return self._http.post(_subscriptions(review), SubscriptionCreated, subscription)

    def subscriptions(self, review: str, *, everyone: bool = False) -> Iterator[SubscriptionView]:
        """My subscriptions, oldest first; a lead may ask for everyone's."""
        return self._http.pages(_subscriptions(review), SubscriptionView, everyone=everyone)

    def subscription(self, review: str, subscription: str) -> SubscriptionView:
        return self._http.get(f"{_subscriptions(review)}/{subscription}", SubscriptionView)

    def unsubscribe(self, review: str, subscription: str) -> SubscriptionView:
        """Ends a subscription; what still waits for it is cancelled, and its list of deliveries stays."""
        answer = self._http.raw("DELETE", f"{_subscriptions(review)}/{subscription}")
        return SubscriptionView.model_validate_json(answer.content)

    def deliveries(self, review: str, subscription: str) -> Iterator[DeliveryView]:
        """What was sent or is to be sent, newest first, with every attempt."""
        return self._http.pages(f"{_subscriptions(review)}/{subscription}/deliveries", DeliveryView)

    def redeliver(self, review: str, subscription: str, delivery: str) -> DeliveryView:
        """Sends a notice again, under the same `webhook-id`."""
        path = f"{_subscriptions(review)}/{subscription}/deliveries/{delivery}/redeliver"
        return self._http.post(path, DeliveryView)

    def send_test(self, review: str, subscription: str) -> DeliveryView:
        """Sends a notice of type `test`."""
        return self._http.post(f"{_subscriptions(review)}/{subscription}/test", DeliveryView)

    def feed(self, review: str) -> bytes:
        """The newest page of the review's Atom feed."""
        return self._http.raw("GET", f"/notify/reviews/{review}/feed.atom").content


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> Notice:
    """The notice a webhook brought, once its signature holds (Standard Webhooks, symmetric `v1`).

    Give the body as it came, byte for byte. Raises Invalid when a header is missing, the signature is not
    ours, the attempt is more than five minutes away from now, or the body is none of our notices. Keep the
    `webhook-id` of what you have done: the same notice may come twice.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
        return _NOTICE.validate_json(body)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError) as error:
        raise Invalid(f"the notice is not to be trusted: {error}", slug="bad_signature") from error


def _subscriptions(review: str) -> str:
    return f"/notify/reviews/{review}/subscriptions"
