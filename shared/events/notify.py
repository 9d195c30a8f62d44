"""The events of notify: who was told, and what could not be told."""

from __future__ import annotations

from typing import Literal

from shared.events.base import Event
from shared.events.bounds import Count, Id


class NoticeDelivered(Event, type="notify.notice.delivered", key="subscription", topic="notify.deliveries"):
    """A subscriber was told: a webhook's receiver took the notice, or the feed has its entry."""

    subscription: Id
    delivery: Id
    channel: Literal["webhook", "feed"]
    about: Id
    attempts: Count


class DeliveryFailed(Event, type="notify.delivery.failed", key="subscription", topic="notify.deliveries"):
    """A notice could not be delivered after every attempt; it stays in the subscription's list."""

    subscription: Id
    delivery: Id
    attempts: Count
    error: str
