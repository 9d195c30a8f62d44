"""Webhooks: sends signed notifications as Standard Webhooks says, to receivers that may be slow, broken or hostile."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime

import httpcore
from standardwebhooks import Webhook

from services.notify.domain import Outcome
from services.notify.ports.channels.port import Message
from shared.clock import Clock
from shared.errors import Invalid
from shared.outward.pinned import Deadline, PinnedNetwork
from shared.outward.target import Resolver, Target, find_target, look_up
from shared.outward.trust import trusted
from shared.pauses import retry_after

#: How much of an answer is read, so that a polite receiver is not cut off in the middle of a word.
ANSWER_BYTES = 16_384

_USER_AGENT = "living-reviews (Standard Webhooks)"


class WebhookChannel:
    """Sends notifications by HTTP. Follows no redirect, uses no proxy, and connects to nothing but the very
    address it has just checked, so that a name cannot point elsewhere a moment later (DNS rebinding).

    `wall` is the machine's clock: a receiver compares an attempt's time with its own, whatever time the
    platform lives in.
    """

    def __init__(
        self,
        *,
        private: bool,
        timeout: float,
        wall: Clock,
        resolve: Resolver = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.timeout = timeout
        self._private, self._wall, self._resolve = private, wall, resolve
        self._tls = tls or trusted()

    def check(self, address: str) -> str:
        """The host of a URL that may be used. Raises Invalid."""
        return self._target(address).host

    def send(self, message: Message) -> Outcome:
        """Posts the notification once. Only a 2xx status is success."""
        try:
            return self._post(self._target(message.address), message)
        except Invalid as refused:
            return Outcome(error=refused.detail)
        except httpcore.TimeoutException:
            return Outcome(error=f"no answer within {self.timeout:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError) as lost:
            return Outcome(error=f"{type(lost).__name__}: {lost}"[:300])

    def _target(self, url: str) -> Target:
        return find_target(url, private=self._private, resolve=self._resolve)

    def _post(self, target: Target, message: Message) -> Outcome:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        wire = PinnedNetwork(target.addresses, Deadline(self.timeout))
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=wire) as pool,
            pool.stream("POST", url, headers=[*self._headers(target, message).items()], content=message.body) as answer,
        ):
            outcome = _outcome(answer)
            _drain(answer)
        return outcome

    def _headers(self, target: Target, message: Message) -> dict[str, str]:
        return {
            "Host": target.authority,
            "Content-Type": "application/json",
            "Content-Length": str(len(message.body)),
            "User-Agent": _USER_AGENT,
            "Connection": "close",
            **self._signed(message),
        }

    def _signed(self, message: Message) -> dict[str, str]:
        at = self._wall.now()
        return {
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(_signatures(message, at)),
        }


def _signatures(message: Message, at: datetime) -> Iterator[str]:
    """One by each secret that counts: a receiver takes any that it knows, the newest first."""
    for secret in (message.secret, message.old_secret):
        if secret is not None:
            yield Webhook(secret).sign(message.id, at, message.body.decode())


def _outcome(answer: httpcore.Response) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(answer.status)
    hint = ": redirects are not followed" if 300 <= answer.status < 400 else ""
    return Outcome(answer.status, f"HTTP {answer.status}{hint}", _retry_after(answer))


def _retry_after(answer: httpcore.Response) -> float | None:
    """The pause asked for in seconds; a date is not read, since no two clocks need agree."""
    for name, value in answer.headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return retry_after(value.decode())
    return None


def _drain(answer: httpcore.Response) -> None:
    """Reads the beginning of the body and drops it. The status has said all, so trouble here is none."""
    left = ANSWER_BYTES
    try:
        for part in answer.iter_stream():
            left -= len(part)
            if left <= 0:
                return
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        return
