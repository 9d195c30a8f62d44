"""The switch between the logs: one URL says which adapter keeps the platform's events."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.bus.port import EventLog
from shared.bus.sqlite_log import SqliteLog
from shared.events.registry import TOPICS, Topic

_SERVER = re.compile(r"[^\s:/,@]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}")


def open_log(url: str, *, prefix: str = "", topics: Mapping[str, Topic] = TOPICS) -> EventLog:
    """Opens the log that a URL names: `sqlite:FILE`, or `kafka://HOST:PORT[,HOST:PORT]`.

    `prefix` goes before each topic and group on Kafka; an SQLite log is a file of its own and needs none.
    Nothing is read, made or connected yet. Raises ValueError when the URL is neither.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return SqliteLog(rest, topics)
    if scheme == "kafka" and rest.startswith("//"):
        servers = rest[2:].rstrip("/").split(",")
        if all(map(_SERVER.fullmatch, servers)):
            # Only here, so that the embedded profile never loads the client.
            from shared.bus.kafka_log import KafkaLog

            return KafkaLog(servers, topics, prefix=prefix)
    raise ValueError(f"LIVING_LOG_URL is {url!r}; it must be 'sqlite:FILE' or 'kafka://HOST:PORT[,HOST:PORT]'")
