"""The events of notify: who was told, and what could not be told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema

from shared.events.base import Event
from shared.events.bounds import Count, Id

Channel = Literal["webhook", "feed", "email", "chat", "card"]


def _had_fewer_channels(data: Any) -> Any:
    return data


class NoticeDelivered(
    Event,
    type="notify.notice.delivered",
    version=2,
    key="subscription",
    topic="notify.deliveries",
    upcasts=(_had_fewer_channels,),
):
    """A subscriber was told: a webhook's receiver or a mail server took the notice, or the feed has its entry."""

    subscription: Id
    delivery: Id
    #: Its form is any text, since channels may come to be more.
    channel: Annotated[Channel, WithJsonSchema({"type": "string", "examples": ["webhook", "feed", "email"]})]
    about: Id
    attempts: Count


class DeliveryFailed(Event, type="notify.delivery.failed", key="subscription", topic="notify.deliveries"):
    """A notice could not be delivered after every attempt; it stays in the subscription's list."""

    subscription: Id
    delivery: Id
    attempts: Count
    error: str
