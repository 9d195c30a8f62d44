"""Counters: what a service has done in this process, counted where it does it, for Prometheus.

A label's values are those of the code (a source, a channel, an outcome), never what somebody sends.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

#: Of the whole process, however many platforms a test builds in it.
REGISTRY = CollectorRegistry()


def counter(name: str, what: str, labels: Sequence[str]) -> Counter:
    return Counter(name, what, labels, registry=REGISTRY)


def durations(name: str, what: str, labels: Sequence[str]) -> Histogram:
    """Seconds, from a hundredth to ten minutes."""
    return Histogram(name, what, labels, registry=REGISTRY, buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 600))
