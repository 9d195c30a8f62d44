"""This release on a log that a drill takes away: run as a process in place of `services`.

While there is a file `away` in the data folder, no broker is reached; while there is one `held`, the topic of
withdrawals gives nothing, though its end moves on. A list of withdrawn keys may be some seconds old here instead of a
minute, which a drill would wait for.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import WeakSet

#: The module that runs it, for `Processes`.
PROGRAM = "tests.flows.cut_off"

#: Seconds that the list may be old here: some times what a look takes on a busy machine.
OLDEST = 10.0

AWAY, HELD = "away", "held"


def become(folder: Path) -> None:
    """Changes the code of this process, before any of it is used."""
    from shared import withdrawn

    withdrawn.OLDEST = OLDEST
    if os.environ.get("LIVING_LOG_URL", "").startswith("kafka:"):
        _gate_brokers(folder / AWAY)
        _hold_back_of_brokers(folder / HELD)
    else:
        _hold_back_of_a_file(folder / HELD)


def _gate_brokers(away: Path) -> None:
    """Breaks every connection to a broker, and makes none, while the file is there."""
    from kafka.errors import KafkaConnectionError
    from kafka.net.inet import KafkaNetSocket

    from shared.bus import kafka_log

    connected: WeakSet[socket.socket] = WeakSet()

    async def connect(self: Any, *arguments: Any, **settings: Any) -> socket.socket:
        if away.exists():
            raise KafkaConnectionError("the drill has taken the brokers away")
        sock: socket.socket = await KafkaNetSocket.connect(self, *arguments, **settings)
        connected.add(sock)
        return sock

    def watch() -> None:
        while True:
            # One that was closed meanwhile has nothing to shut down, and one that came meanwhile is met the next time.
            with suppress(OSError, RuntimeError):
                for sock in list(connected) if away.exists() else ():
                    connected.discard(sock)
                    sock.shutdown(socket.SHUT_RDWR)
            time.sleep(0.05)

    kafka_log._DirectSocket.connect = connect
    Thread(target=watch, daemon=True).start()


def _hold_back_of_brokers(held: Path) -> None:
    """Takes the topic of withdrawals out of the brokers' answers, so that whoever reads it waits in vain."""
    from shared.bus import kafka_log
    from shared.events.people import AccessWithdrawn

    poll = kafka_log._poll

    def poll_but_withdrawals(*arguments: Any) -> Any:
        found = poll(*arguments)
        return {it: of for it, of in found.items() if not (held.exists() and it.topic.endswith(AccessWithdrawn.topic))}

    kafka_log._poll = poll_but_withdrawals


def _hold_back_of_a_file(held: Path) -> None:
    """Refuses the topic of withdrawals: a file answers or does not, and keeps nobody waiting."""
    from shared.bus.sqlite_log import SqliteLog
    from shared.errors import LogUnavailable
    from shared.events.people import AccessWithdrawn

    between = SqliteLog.between

    def between_but_withdrawals(self: SqliteLog, spans: Any) -> Iterator[Any]:
        if held.exists() and any(topic == AccessWithdrawn.topic for topic, _ in spans):
            raise LogUnavailable("the drill holds the partition")
        return between(self, spans)

    SqliteLog.between = between_but_withdrawals  # type: ignore[method-assign]


if __name__ == "__main__":
    become(Path(os.environ["LIVING_DATA_DIR"]))

    from services.cli import main

    main()
