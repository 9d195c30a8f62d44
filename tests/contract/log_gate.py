"""A gate before a real broker: shut, it breaks every connection and refuses new ones, as when the broker is down."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from kafka.errors import KafkaConnectionError
from kafka.net.inet import KafkaNetSocket


class GatedSocket(KafkaNetSocket):
    """How kafka-python connects to a `proxy_url` of `gate://`: directly, while the gate is open."""

    SCHEMES = ("gate",)
    is_open = True
    _connected: WeakSet[socket.socket] = WeakSet()

    async def connect(self, *arguments: Any, **settings: Any) -> socket.socket:
        if not GatedSocket.is_open:
            raise KafkaConnectionError("the gate is shut")
        sock = await super().connect(*arguments, **settings)
        self._connected.add(sock)
        return sock

    @classmethod
    def shut(cls) -> None:
        cls.is_open = False
        for sock in list(cls._connected):
            # One that was closed meanwhile has nothing to shut down.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    @classmethod
    def open(cls) -> None:
        cls.is_open = True
