"""The events of notify: who was told, and what could not be told."""

from __future__ import annotations

from typing import Literal

from shared.events.base import Event


class NoticeDelivered(Event, type="notify.notice.delivered", key="subscription", topic="notify.deliveries"):
    """A subscriber was told: a webhook's receiver took the notice, or the feed has its entry."""

    subscription: str
    delivery: str
    channel: Literal["webhook", "feed"]
    about: str
    attempts: int


class DeliveryFailed(Event, type="notify.delivery.failed", key="subscription", topic="notify.deliveries"):
    """A notice could not be delivered after every attempt; it stays in the subscription's list."""

    subscription: str
    delivery: str
    attempts: int
    error: str
