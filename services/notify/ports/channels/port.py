"""What every channel promises that carries a notification to an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from services.notify.domain import Outcome


@dataclass(frozen=True)
class Message:
    """One notification for one address. `id` is the same at every attempt; `body` is sent as it is."""

    id: str
    address: str
    body: bytes
    secret: str = field(repr=False)


class PushChannel(Protocol):
    """Carries notifications to addresses that subscribers gave us, whom we do not trust.

    Promises, held by tests/unit/services/notify/ports/channels:
    - nothing is ever sent to an address inside our own network, whatever name or spelling it hides behind;
    - an attempt ends within the channel's time-out, however the receiver behaves, plus the look-up of its name;
    - what the receiver answers, beyond its status, is not kept.
    """

    #: Seconds an attempt may take.
    timeout: float

    def check(self, address: str) -> str:
        """The host of an address that may be used. Raises Invalid, saying what is wrong with it."""
        ...

    def send(self, message: Message) -> Outcome:
        """Makes one attempt; a failure is an outcome, not an error."""
        ...
