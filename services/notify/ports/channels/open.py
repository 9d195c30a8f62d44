"""Opens the channels as the settings say: what notify needs beside its database."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from services.notify.ports.channels.port import PushChannel
from services.notify.ports.channels.webhook import WebhookChannel
from shared.clock import Clock, SystemClock
from shared.settings import Settings


@dataclass(frozen=True)
class Channels:
    """The ways out. `wall` is the machine's clock: by it leases end and signatures are timed, since both are
    about real processes, while the platform's clock may stand still or jump. `jitter` gives 0 to 1."""

    webhook: PushChannel
    wall: Clock
    jitter: Callable[[], float]

    @property
    def lease(self) -> timedelta:
        """How long a sender may be at a delivery before another takes over: an attempt, and a look-up."""
        return timedelta(seconds=self.webhook.timeout + 5)


def open_channels(settings: Settings) -> Channels:
    """The channels of a running platform."""
    wall = SystemClock()
    webhook = WebhookChannel(private=settings.webhook_private, timeout=settings.webhook_timeout, wall=wall)
    return Channels(webhook, wall, random.random)
