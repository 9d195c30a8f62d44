"""Connections that go to the very addresses that were checked, and end by a deadline."""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

_WRITE_BYTES = 16_384


class Deadline:
    """A moment after which nothing more is waited for, however many bytes trickle in before it; nor for longer than
    `each` seconds at once."""

    def __init__(self, seconds: float, each: float = math.inf) -> None:
        self._until, self._each = time.monotonic() + seconds, each

    def left(self) -> float:
        """Seconds to wait for what comes next, more than 0. Raises TimeoutException when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for this attempt is over")
        return min(left, self._each)


class PinnedNetwork(httpcore.NetworkBackend):
    """Connects to the given addresses, whatever host is asked for; that host still names the TLS peer."""

    def __init__(self, addresses: Iterable[str], deadline: Deadline) -> None:
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

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
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
