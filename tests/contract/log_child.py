"""A process of its own at an event log, for the tests that kill one or let several write at once."""

from __future__ import annotations

import json
import sys

from shared.bus.port import EventLog, Message
from tests.contract.log_sites import BOOKS, open_described


def consume(log: EventLog, group: str) -> None:
    """Prints what it is given, stores nothing, and goes on until it is killed."""
    consumer = log.subscribe(group, [BOOKS])
    while True:
        for delivery in consumer.poll(1.0):
            print(delivery.value.decode(), flush=True)


def sleep_over_lease(log: EventLog, group: str, count: str) -> None:
    """Polls so many messages, says so, and stores them only when it is told to; then goes on until it is killed."""
    consumer, given = log.subscribe(group, [BOOKS]), []
    while len(given) < int(count):
        given += consumer.poll(1.0)
    print("given", flush=True)
    sys.stdin.readline()
    consumer.store(given)
    print("stored", flush=True)
    while True:
        consumer.store(consumer.poll(0.5))


def append(log: EventLog, key: str, count: str) -> None:
    """Appends `key:0`, `key:1` ... in batches of seven."""
    messages = [Message(BOOKS, key, f"{key}:{number}".encode()) for number in range(int(count))]
    for start in range(0, len(messages), 7):
        log.append(messages[start : start + 7])
    log.close()


if __name__ == "__main__":
    _, described, what, *rest = sys.argv
    {"consume": consume, "sleep": sleep_over_lease, "append": append}[what](
        open_described(json.loads(described)), *rest
    )
