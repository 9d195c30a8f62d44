"""Metrics: what a person on call asks first, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from sqlalchemy import func, select

from shared.db.tables import OutboxRow
from shared.runtime.log_metrics import LogMetrics

if TYPE_CHECKING:
    from shared.http.admission import Gate
    from shared.runtime.running import Running

#: The methods that a label may name; anybody can invent others, and each would be kept for good.
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The numbers of one process."""

    def __init__(self, running: dict[str, Running]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Backlogs(running))
        self._registry.register(LogMetrics(running))
        self._requests = Counter(
            "living_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram("living_http_request_seconds", "Time to answer.", ["route"], registry=self._registry)

    def observe_request(self, scope: dict[str, Any], status: int, seconds: float) -> None:
        # The route's pattern, not the path: one series a route, whatever ids people ask for.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def watch_gates(self, gates: Sequence[Gate]) -> None:
        """Also tells how many requests work, wait and were refused."""
        self._registry.register(_Crowds(gates))

    def text(self) -> bytes:
        """The numbers in Prometheus's text format."""
        return generate_latest(self._registry)


class _Backlogs:
    """What waits in each service, counted when asked."""

    def __init__(self, running: dict[str, Running]) -> None:
        self._running = running

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Any:
        outbox = GaugeMetricFamily("living_outbox_waiting", "Events not yet on the log.", labels=["service"])
        letters = GaugeMetricFamily(
            "living_dead_letters_waiting", "Dead letters nobody decided about.", labels=["service"]
        )
        for name, running in self._running.items():
            with running.database.session(readonly=True) as session:
                waiting = select(func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_(None))
                outbox.add_metric([name], session.execute(waiting).scalar_one())
            letters.add_metric([name], running.listening.waiting_dead_letters())
        return [outbox, letters]


class _Crowds:
    """How many requests are at each gate, counted when asked."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = gates

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Any:
        working = GaugeMetricFamily("living_requests_working", "Requests that are being worked on.", labels=["gate"])
        waiting = GaugeMetricFamily("living_requests_waiting", "Requests that wait for their turn.", labels=["gate"])
        refused = CounterMetricFamily("living_requests_refused", "Requests told to come again.", labels=["gate"])
        for gate in self._gates:
            working.add_metric([gate.name], gate.working)
            waiting.add_metric([gate.name], gate.waiting)
            refused.add_metric([gate.name], gate.refused)
        return [working, waiting, refused]
