"""The events of notify: what could not be told."""

from __future__ import annotations

from shared.events.base import Event


class DeliveryFailed(Event, type="notify.delivery.failed", key="subscription", topic="notify.deliveries"):
    """A notice could not be delivered after every attempt; it stays in the subscription's list."""

    subscription: str
    delivery: str
    attempts: int
    error: str
