"""Withdrawals: each process reads for itself which keys and persons were withdrawn, whatever its services hear.

No group and no inbox: every process needs all of them, also a second one of the same service, and once more at each
start. What it has read is in memory; there are few.
"""

from __future__ import annotations

import time
from threading import Event as Signal

from shared import logging
from shared.bus.port import Delivery, EventLog, Partition
from shared.errors import Rejected
from shared.events import registry
from shared.events.base import Envelope
from shared.events.people import AccessWithdrawn
from shared.runtime.worker import Worker
from shared.withdrawn import Withdrawn

log = logging.get(__name__)

#: Seconds between two looks at the log.
_EVERY = 1.0

#: Envelopes that are none, as anybody may put on a log that can write to it, withdraw nothing.
_NOTHING = {"not_json", "not_an_envelope", "unknown_type"}


class Withdrawals:
    """Follows the topic of withdrawals, in a thread of its own."""

    def __init__(self, event_log: EventLog, stopping: Signal, *, every: float = _EVERY) -> None:
        self.withdrawn = Withdrawn()
        self._log, self._stopping, self._every = event_log, stopping, every
        self._read_up_to: dict[Partition, int] = {}
        self.worker = Worker("withdrawals", "all", self._turn, first_pause=every, stopping=stopping)

    def look(self) -> None:
        """Reads what has come. Raises LogUnavailable, or what keeps something from being understood; the list is then
        no newer than it was."""
        asked = time.monotonic()
        ends = self._log.ends([AccessWithdrawn.topic])
        spans = {partition: (self._begins(partition, end), end) for partition, end in ends.items()}
        for delivery in self._log.between({it: span for it, span in spans.items() if span[0] < span[1]}):
            self._take(delivery)
        self._read_up_to = ends
        self.withdrawn.know_all(asked)

    def health(self) -> None:
        """Raises what keeps the list from being as new as it must be."""
        self.withdrawn.require_current()

    def _begins(self, partition: Partition, end: int) -> int:
        """Where to go on; at the start where the log is another one than before, since numbers say what counts."""
        done = self._read_up_to.get(partition, 0)
        return done if done <= end else 0

    def _take(self, delivery: Delivery) -> None:
        try:
            event = registry.decode(Envelope.from_json(delivery.value))
        except Rejected as error:
            if error.slug not in _NOTHING:
                raise
            log.error("is no withdrawal", topic=delivery.topic, offset=delivery.offset, error=error.detail)
            return
        if isinstance(event, AccessWithdrawn):
            self.withdrawn.add(event.subject, event.number)

    def _turn(self) -> None:
        self.look()
        self._stopping.wait(self._every)
