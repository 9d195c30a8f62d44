"""What every channel promises that carries a notification to an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from services.notify.domain import Outcome


@dataclass(frozen=True)
class Message:
    """One notification for one address. `id` is the same at every attempt; `body` is what is told, as it was frozen.

    What was rotated signs beside the new secret while there is an `old_secret`. Mail names the page (`page`) and the
    address (`leaving`) at which whoever reads it says that they want no more; the message that asks them whether they
    want any has neither.
    """

    id: str
    address: str
    body: bytes
    secret: str = field(repr=False)
    old_secret: str | None = field(default=None, repr=False)
    page: str = field(default="", repr=False)
    leaving: str = field(default="", repr=False)


class PushChannel(Protocol):
    """Carries notifications to addresses that subscribers gave us, whom we do not trust.

    Promises, held by tests/unit/services/notify/ports/channels:
    - but for mail, which the server that the settings name carries, nothing is ever sent to an address inside our own
      network, whatever name or spelling it hides behind;
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
