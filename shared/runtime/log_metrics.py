"""What is unread on the log, by service and partition: looked at every few seconds, never while someone waits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event as Signal
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from shared.bus.port import Delivery, EventLog, Partition, Unread
from shared.errors import Rejected
from shared.events.base import Envelope
from shared.runtime.watchdog import Watchdog
from shared.runtime.worker import Worker
from shared.service import Service

if TYPE_CHECKING:
    from shared.runtime.running import Running

#: Seconds between two looks.
_EVERY = 5.0
#: Looks between two at the oldest unread messages themselves, which cost more.
_AGES = 3
#: Seconds after which a look says nothing any more.
_STALE = 60.0


@dataclass(frozen=True)
class Seen:
    """A look: what is unread of each partition, and when the oldest unread event was recorded, as far as known."""

    at: float = -_STALE
    unread: Mapping[Partition, Unread] = field(default_factory=dict)
    oldest: Mapping[Partition, datetime] = field(default_factory=dict)


class LogLook:
    """Looks at the log for one service, in a thread of its own, and tells the watchdog what it saw."""

    def __init__(
        self, service: Service, event_log: EventLog, watchdog: Watchdog, stopping: Signal, *, every: float = _EVERY
    ) -> None:
        self._service, self._log, self._watchdog = service, event_log, watchdog
        self._every, self._stopping, self._looks = every, stopping, 0
        self._last = Seen()
        self.worker = Worker("log look", service.name, self._turn, first_pause=every, stopping=stopping)

    @property
    def seen(self) -> Seen:
        """The last look; an empty one when that is too long ago."""
        last = self._last
        return last if time.monotonic() - last.at < _STALE else Seen()

    def look(self) -> None:
        unread = self._log.unread(self._service.name, self._service.topics)
        self._watchdog.look(unread)
        ages = oldest(self._log, unread) if self._looks % _AGES == 0 else self._last.oldest
        self._looks += 1
        self._last = Seen(time.monotonic(), unread, ages)

    def _turn(self) -> None:
        self.look()
        self._stopping.wait(self._every)


def oldest(log: EventLog, unread: Mapping[Partition, Unread]) -> dict[Partition, datetime]:
    """When the first unread event of each partition was recorded; one that cannot be read is left out."""
    found = log.at({partition: left.first for partition, left in unread.items() if left.messages})
    recorded = {partition: _recorded(delivery) for partition, delivery in found.items()}
    return {partition: at for partition, at in recorded.items() if at is not None}


def seconds_since(at: datetime | None) -> float:
    """Seconds since an instant, by the machine's clock; none since one that lies ahead of it, or was never."""
    return max(0.0, (datetime.now(UTC) - at).total_seconds()) if at is not None else 0.0


class LogMetrics:
    """The numbers of the last look, for Prometheus."""

    def __init__(self, running: Mapping[str, Running]) -> None:
        self._running = running

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ["service", "topic", "partition"]
        lag = GaugeMetricFamily("living_log_lag", "Messages on the log that the service has not done.", labels=labels)
        age = GaugeMetricFamily(
            "living_log_oldest_unread_seconds", "Age of the oldest message not done; 0 without one.", labels=labels
        )
        stalled = GaugeMetricFamily(
            "living_partition_stalled", "1 where this member has a partition and does not read it.", labels=labels
        )
        for name, running in self._running.items():
            seen, frozen = running.log_look.seen, running.listening.watchdog.stalled
            for partition, left in seen.unread.items():
                label_values = [name, partition[0], str(partition[1])]
                lag.add_metric(label_values, left.messages)
                age.add_metric(label_values, seconds_since(seen.oldest.get(partition)) if left.messages else 0.0)
                stalled.add_metric(label_values, float(partition in frozen))
        yield from (lag, age, stalled)


def _recorded(delivery: Delivery) -> datetime | None:
    try:
        recorded = datetime.fromisoformat(Envelope.from_json(delivery.value).recordedtime)
    except (Rejected, ValueError):
        return None
    return recorded if recorded.tzinfo is not None else recorded.replace(tzinfo=UTC)
