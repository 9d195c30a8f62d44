"""Opens the channels as the settings say: what notify needs beside its database."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.notify.ports.channels.chat import ChatChannel
from services.notify.ports.channels.mail import MailChannel, MailServer
from services.notify.ports.channels.port import PushChannel
from services.notify.ports.channels.webhook import WebhookChannel
from shared.clock import Clock, SystemClock
from shared.errors import Invalid
from shared.settings import Settings
from shared.wire.notify import Channel


@dataclass(frozen=True)
class Channels:
    """The ways out. `wall` is the machine's clock: by it leases end and signatures are timed, since both are
    about real processes, while the platform's clock may stand still or jump. `jitter` gives 0 to 1. There is no mail
    where the settings name no server for it."""

    webhook: PushChannel
    wall: Clock
    jitter: Callable[[], float]
    mail: PushChannel | None = None
    chat: PushChannel | None = None
    card: PushChannel | None = None

    @property
    def lease(self) -> timedelta:
        """How long a sender may be at a delivery before another takes over: an attempt, and a look-up; of mail to
        reach the server, and to hand it over."""
        return timedelta(seconds=max(self.webhook.timeout, 2 * self.mail.timeout if self.mail else 0) + 5)

    def of(self, channel: Channel) -> PushChannel:
        """The way out of a channel. Raises Invalid where there is none."""
        match channel:
            case "webhook":
                return self.webhook
            case "email" if self.mail is None:
                raise Invalid.of("channel", "this platform sends no mail: its operator has named no mail server")
            case _:
                found = {"email": self.mail, "chat": self.chat, "card": self.card}.get(channel)
                if found is None:
                    raise Invalid.of("channel", f"nothing is sent by {channel}")
                return found


def open_channels(settings: Settings) -> Channels:
    """The channels of a running platform."""
    return channels_of(settings, SystemClock(), random.random)


def channels_of(settings: Settings, wall: Clock, jitter: Callable[[], float]) -> Channels:
    """The channels as the settings say, by the machine's clock."""
    guarded: dict[str, Any] = {"private": settings.webhook_private, "timeout": settings.webhook_timeout, "wall": wall}
    chat, card = ChatChannel("chat", **guarded), ChatChannel("card", **guarded)
    mail = _mail_channel(settings, wall)
    return Channels(WebhookChannel(**guarded), wall, jitter, mail=mail, chat=chat, card=card)


def _mail_channel(settings: Settings, wall: Clock) -> MailChannel | None:
    server = _mail_server(settings)
    if server is None:
        return None
    return MailChannel(server, timeout=settings.smtp_timeout, public_url=settings.public_url, wall=wall)


def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_host is None or settings.mail_from is None:
        return None
    file = settings.smtp_password_file
    password = file.read_text().strip() if file is not None else None
    return MailServer(
        settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.mail_from, settings.smtp_user, password
    )
