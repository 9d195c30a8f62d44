"""The watchdog: finds a partition that this member has and does not read, and has the member join its group anew.

Clients of a log know such a fault: everything else goes on, so nothing fails, and a sum over all partitions hardly
shows it. What was not stored is given again to whoever joins, so that joining anew loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from shared import logging
from shared.bus.port import Consumer, Delivery, EventLog, Partition, Unread

log = logging.get(__name__)

#: Seconds for which a partition may have unread messages and not move, while the member polls.
PATIENCE = 20.0
#: Polls after which a partition must have had its turn, even where others always have something.
_TURNS = 100
#: What patience grows to at most, as a multiple, where joining anew does not help.
_MOST = 16


@dataclass(frozen=True)
class _Standing:
    """Where a partition has stood since a look, and what the member had done by then."""

    first: int
    since: float
    polls: int
    idle: int


@dataclass(frozen=True)
class Stalled:
    """A partition that is not read: the offset at which it stands, and when that was found."""

    first: int
    found: datetime


class Watchdog:
    """Watches over the member that `subscribe` gave last. `look` is told by another thread, every few seconds,
    what is unread; the member itself joins anew at its next poll.

    A long batch, a halt and a hold are no stalls: only while the member polls, and a poll was empty or many
    were not, does a partition count as not read.
    """

    def __init__(self, service: str, event_log: EventLog, *, patience: float = PATIENCE) -> None:
        self._service, self._log, self._patience, self._grown = service, event_log, patience, 1
        self._lock = Lock()
        self._member: _Member | None = None
        self._standing: dict[Partition, _Standing] = {}
        self.stalled: dict[Partition, Stalled] = {}

    def subscribe(self, group: str, topics: Collection[str]) -> Consumer:
        """A consumer of the log that is watched over."""
        member = _Member(self._log, group, topics)
        with self._lock:
            self._member, self._standing = member, {}
        return member

    def look(self, unread: Mapping[Partition, Unread]) -> None:
        """Compares with the look before; alarms, and has the member join anew, where a partition was not read."""
        left = {partition: it for partition, it in unread.items() if it.messages}
        with self._lock:
            self.stalled = {
                partition: it
                for partition, it in self.stalled.items()
                if partition in left and left[partition].first == it.first
            }
            if self._member is None:
                return
            ours = self._member.reads & left.keys()
            self._standing = {
                partition: self._stands(self._member, partition, left[partition].first) for partition in ours
            }
            frozen = [partition for partition, it in self._standing.items() if self._is_frozen(self._member, it)]
            if frozen:
                self._alarm(self._member, {partition: left[partition] for partition in frozen})
            elif not self.stalled:
                self._grown = 1

    def health(self) -> str:
        """`ok`, or which partitions are not read."""
        lines = [
            f"{topic}/{number} is not read, found {it.found:%H:%M:%S}"
            for (topic, number), it in sorted(self.stalled.items())
        ]
        return "; ".join(lines) or "ok"

    def _stands(self, member: _Member, partition: Partition, first: int) -> _Standing:
        before = self._standing.get(partition)
        if before is not None and before.first == first:
            return before
        return _Standing(first, time.monotonic(), member.polls, member.idle)

    def _is_frozen(self, member: _Member, standing: _Standing) -> bool:
        had_its_turn = member.idle > standing.idle or member.polls >= standing.polls + _TURNS
        return had_its_turn and time.monotonic() - standing.since >= self._patience * self._grown

    def _alarm(self, member: _Member, frozen: Mapping[Partition, Unread]) -> None:
        for partition, left in frozen.items():
            self.stalled = {
                **self.stalled,
                partition: self.stalled.get(partition, Stalled(left.first, datetime.now(UTC))),
            }
            log.error(
                "partition is not read", service=self._service, topic=partition[0], partition=partition[1],
                unread=left.messages, offset=left.first, then="joins anew",
            )  # fmt: skip
        self._grown = min(self._grown * 2, _MOST)
        self._standing = {}
        member.joins_anew = True


class _Member:
    """A consumer that tells the watchdog what it does, and joins anew when it is asked to."""

    def __init__(self, event_log: EventLog, group: str, topics: Collection[str]) -> None:
        self._log, self._group, self._topics = event_log, group, topics
        self.consumer = event_log.subscribe(group, topics)
        self.polls, self.idle, self.joins_anew = 0, 0, False
        self.reads: set[Partition] = set()

    def poll(self, timeout: float, limit: int = 500) -> list[Delivery]:
        if self.joins_anew:
            self.joins_anew, self.reads = False, set()
            self.consumer.close()
            self.consumer = self._log.subscribe(self._group, self._topics)
        batch = self.consumer.poll(timeout, limit)
        self.reads = self.consumer.partitions()
        self.polls += 1
        self.idle += not batch
        return batch

    def store(self, deliveries: Sequence[Delivery]) -> None:
        self.consumer.store(deliveries)

    def hold(self, delivery: Delivery, seconds: float) -> None:
        self.consumer.hold(delivery, seconds)
        self.reads = self.consumer.partitions()

    def partitions(self) -> set[Partition]:
        return self.consumer.partitions()

    def close(self) -> None:
        self.reads = set()
        self.consumer.close()
