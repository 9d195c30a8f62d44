"""Metrics: what a person on call asks first, for Prometheus."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select
from starlette.types import Scope

from shared import counters, logging
from shared.bus import dead_letters, held
from shared.bus.judging import is_down, reason_of
from shared.db.tables import WaitingRow
from shared.db.work import Work
from shared.runtime.log_metrics import LogMetrics
from shared.withdrawn import Withdrawn

if TYPE_CHECKING:
    from shared.http.admission import Gate
    from shared.runtime.running import Running

log = logging.get(__name__)

#: A number: its name, what it is, the names of its labels, their values, and itself.
Number = tuple[str, str, Sequence[str], Sequence[str], float]

#: Seconds after which no further database is asked: whoever scrapes gives up after ten.
_LONGEST = 8.0

#: The methods that a label may name; anybody can invent others, and each would be kept for good.
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The numbers of one process."""

    def __init__(self, running: dict[str, Running], withdrawn: Withdrawn) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Backlogs(running))
        self._registry.register(LogMetrics(running))
        self._registry.register(_Known(withdrawn))
        self._requests = Counter(
            "living_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram("living_http_request_seconds", "Time to answer.", ["route"], registry=self._registry)

    def observe_request(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: one series a route, whatever ids people ask for.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def measure_gates(self, gates: Sequence[Gate]) -> None:
        """Also tells how many requests work, wait and were refused."""
        self._registry.register(_Crowds(gates))

    def text(self) -> bytes:
        """The numbers in Prometheus's text format."""
        return generate_latest(self._registry) + generate_latest(counters.REGISTRY)


class _Backlogs:
    """What waits in each service, counted when asked. A database that is away takes its own numbers with it, and no
    others; `living_database_answers` says so."""

    def __init__(self, running: dict[str, Running]) -> None:
        self._running = running

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        families, until = _Families(), time.monotonic() + _LONGEST
        for name, running in self._running.items():
            _tell_parts(families, running)
            numbers = _counted(running) if time.monotonic() < until else None
            families.gauge(
                "living_database_answers", "1 where what waits in a service could be counted.", ["service"], [name],
                numbers is not None,
            )  # fmt: skip
            for number in numbers or []:
                families.gauge(*number)
        yield from families.all()


class _Families(dict[str, GaugeMetricFamily | CounterMetricFamily]):
    """Families of numbers by name, each made when the first number is told."""

    def gauge(self, name: str, what: str, labels: Sequence[str], of: Sequence[str], value: float) -> None:
        self.setdefault(name, GaugeMetricFamily(name, what, labels=labels)).add_metric(of, value)

    def counter(self, name: str, what: str, labels: Sequence[str], of: Sequence[str], value: float) -> None:
        self.setdefault(name, CounterMetricFamily(name, what, labels=labels)).add_metric(of, value)

    def all(self) -> Iterator[Metric]:
        yield from self.values()


def _tell_parts(families: _Families, running: Running) -> None:
    name = running.service.name
    for part, leading in (("relay", running.relay.leading), ("jobs", running.jobs.leading)):
        families.gauge("living_leading", "1 where this process leads.", ["service", "part"], [name, part], leading)
    for topic, count in running.listening.unknown.items():
        families.counter(
            "living_events_unknown", "Events of a type that this release does not know, skipped.",
            ["service", "topic"], [name, topic], count,
        )  # fmt: skip


def _counted(running: Running) -> list[Number] | None:
    """The numbers of a service's database; None while it is away."""
    name = running.service.name
    try:
        # As a request does: whoever asks waits for seconds, not for ever.
        with running.work(f"{name}:metrics", readonly=True, asked=True) as work:
            gauges = [
                (gauge.name, gauge.what, gauge.labels, labels, value)
                for gauge in running.service.gauges(work)
                for labels, value in gauge.values.items()
            ]
            return [*_backlog(work, name), *gauges]
    except Exception as error:
        if not is_down(error):
            raise
        log.warning("what waits cannot be counted", service=name, why=reason_of(error))
        return None


def _backlog(work: Work, name: str) -> Iterator[Number]:
    waiting = select(func.count()).select_from(WaitingRow)
    summary = held.tell(work.session, name)
    numbers = (
        ("living_outbox_waiting", "Events not yet on the log.", work.session.execute(waiting).scalar_one()),
        ("living_dead_letters_waiting", "Dead letters nobody decided about.", dead_letters.waiting(work.session)),
        ("living_parked_events", "Events parked behind a held key.", held.parked_of(work.session, name)),
    )
    for family, what, value in numbers:
        yield family, what, ["service"], [name], value
    for cause in held.CAUSES:
        what = "Keys whose events wait, by why."
        yield "living_held_keys", what, ["service", "cause"], [name, cause], summary.count.get(cause, 0)


class _Known:
    """How old what this process knows of withdrawn keys is, when asked."""

    def __init__(self, withdrawn: Withdrawn) -> None:
        self._withdrawn = withdrawn

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        age, what = self._withdrawn.age, "Age of the list of withdrawn keys; infinite where it was never read."
        return [GaugeMetricFamily("living_withdrawals_age_seconds", what, value=math.inf if age is None else age)]


class _Crowds:
    """How many requests are at each gate, counted when asked."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = gates

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        working = GaugeMetricFamily("living_requests_working", "Requests that are being worked on.", labels=["gate"])
        waiting = GaugeMetricFamily("living_requests_waiting", "Requests that wait for their turn.", labels=["gate"])
        refused = CounterMetricFamily("living_requests_refused", "Requests told to come again.", labels=["gate"])
        for gate in self._gates:
            working.add_metric([gate.name], gate.working)
            waiting.add_metric([gate.name], gate.waiting)
            refused.add_metric([gate.name], gate.refused)
        return [working, waiting, refused]
