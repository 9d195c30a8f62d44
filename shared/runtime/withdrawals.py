"""Withdrawals: each process reads for itself which keys and persons were withdrawn, whatever its services hear.

No group and no inbox: every process needs all of them, also a second one of the same service, and once more at each
start. What it has read is in memory, for as long as a token of before may be left.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime, timedelta
from threading import Event as Signal

from shared import logging
from shared.bus.port import Delivery, EventLog, Partition
from shared.clock import parse_instant
from shared.errors import LogUnavailable, Rejected, Unavailable
from shared.events import registry
from shared.events.base import Envelope
from shared.events.people import AccessWithdrawn
from shared.runtime.worker import Worker
from shared.withdrawn import Withdrawn

log = logging.get(__name__)

#: Seconds between two looks at the log.
_EVERY = 1.0

#: How long a withdrawal is kept in mind: many times what a token counts, also where clocks differ.
_KEPT = timedelta(days=1)

#: Envelopes that are none, as anybody may put on a log that can write to it, withdraw nothing.
_NOTHING = {"not_json", "not_an_envelope", "unknown_type"}


class Withdrawals:
    """Follows the topic of withdrawals, in a thread of its own."""

    def __init__(self, event_log: EventLog, stopping: Signal, *, every: float = _EVERY) -> None:
        self.withdrawn = Withdrawn()
        self._log, self._stopping, self._every = event_log, stopping, every
        self._read_up_to: dict[Partition, int] = {}
        # When it was recorded, of whom, its number; about in this order.
        self._kept: deque[tuple[datetime, str, int]] = deque()
        # No growing pauses: whoever decides waits for it.
        self.worker = Worker("withdrawals", "all", self._turn, first_pause=every, longest=every, stopping=stopping)

    def look(self) -> None:
        """Reads what has come. Raises LogUnavailable, or what keeps something from being understood; the list is then
        no newer than it was, and has all else that came."""
        asked, unread = time.monotonic(), []
        ends = self._ends()
        spans = {partition: (self._begins(partition, end), end) for partition, end in ends.items()}
        for delivery in self._log.between({it: span for it, span in spans.items() if span[0] < span[1]}):
            try:
                self._take(delivery)
            except Rejected as error:
                unread.append(error)
        self._forget_old()
        if unread:
            raise unread[0]
        self._read_up_to = ends
        self.withdrawn.know_all(asked)

    def health(self) -> None:
        """Raises what keeps the list from being as new as it must be, and why."""
        try:
            self.withdrawn.require_current()
        except Unavailable as error:
            why = self.worker.health()
            raise Unavailable(error.detail if why == "ok" else f"{error.detail} ({why})", slug=error.slug) from error

    def _ends(self) -> dict[Partition, int]:
        try:
            return self._log.ends([AccessWithdrawn.topic])
        except LogUnavailable:
            # What comes back may be another log, and as long as this one was.
            self._read_up_to = {}
            raise

    def _begins(self, partition: Partition, end: int) -> int:
        """Where to go on; at the start where the log is another one than before, since numbers say what counts."""
        done = self._read_up_to.get(partition, 0)
        return done if done <= end else 0

    def _take(self, delivery: Delivery) -> None:
        try:
            envelope = Envelope.from_json(delivery.value)
            event = registry.decode(envelope)
        except Rejected as error:
            if error.slug not in _NOTHING:
                raise
            log.error("is no withdrawal", topic=delivery.topic, offset=delivery.offset, error=error.detail)
            return
        if isinstance(event, AccessWithdrawn) and self.withdrawn.add(event.subject, event.number):
            self._kept.append((parse_instant(envelope.recordedtime), event.subject, event.number))
            self._forget_old()

    def _forget_old(self) -> None:
        while self._kept and self._kept[0][0] < datetime.now(UTC) - _KEPT:
            _, subject, number = self._kept.popleft()
            self.withdrawn.forget(subject, number)

    def _turn(self) -> None:
        self.look()
        self._stopping.wait(self._every)
