"""Webhooks: sends signed notifications as Standard Webhooks says, to receivers that may be slow, broken or hostile."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
from standardwebhooks import Webhook

from services.notify.domain import Outcome
from services.notify.ports.channels.port import Message
from services.notify.ports.channels.target import Resolver, Target, find_target, look_up
from shared.clock import Clock
from shared.errors import Invalid
from shared.pauses import retry_after

#: How much of an answer is read, so that a polite receiver is not cut off in the middle of a word.
ANSWER_BYTES = 16_384

_WRITE_BYTES = 16_384
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
        self._tls = tls or httpx.create_ssl_context()

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
        wire = _PinnedNetwork(target.addresses, _Deadline(self.timeout))
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=wire) as pool,
            pool.stream("POST", url, headers=[*self._headers(target, message).items()], content=message.body) as answer,
        ):
            outcome = _outcome(answer)
            _drain(answer)
        return outcome

    def _headers(self, target: Target, message: Message) -> dict[str, str]:
        at = self._wall.now()
        return {
            "Host": target.authority,
            "Content-Type": "application/json",
            "Content-Length": str(len(message.body)),
            "User-Agent": _USER_AGENT,
            "Connection": "close",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(message.secret).sign(message.id, at, message.body.decode()),
        }


class _Deadline:
    """A moment after which nothing more is waited for, however many bytes trickle in before it."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than 0. Raises TimeoutException when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for this attempt is over")
        return left


class _PinnedNetwork(httpcore.NetworkBackend):
    """Connects to the given addresses, whatever host is asked for; that host still names the TLS peer."""

    def __init__(self, addresses: Iterable[str], deadline: _Deadline) -> None:
        self._addresses, self._deadline = tuple(addresses), deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, *args: object, **options: object) -> httpcore.NetworkStream:
        trouble: httpcore.ConnectError | None = None
        for address in self._addresses:
            try:
                stream = self._network.connect_tcp(address, port, timeout=self._deadline.left())
                return _TimedStream(stream, self._deadline)
            except httpcore.ConnectError as error:
                trouble = error
        raise trouble or httpcore.ConnectError(f"{host} has no address")


class _TimedStream(httpcore.NetworkStream):
    """A connection on which everything together must end by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In small pieces, since the stream below gives each piece the whole of the time that is left.
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], self._deadline.left())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


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
