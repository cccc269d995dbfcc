"""The door to Prometheus: figures as they are at the moment they are asked for, in its text format.

Nothing is counted here. Each part counts for itself, and says so in `MetricFamily` values; a registry of its own keeps
two services in one process apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.web.ports import MetricFamily

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Snapshot = Callable[[], Sequence[MetricFamily]]
"""Gives the figures of one part as they are now."""


class Exposition:
    """The figures of several parts and of the process, as text."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        for snapshot in snapshots:
            self._registry.register(_SnapshotCollector(snapshot))

    def text(self) -> bytes:
        """All figures now, in the format of `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _SnapshotCollector(Collector):
    """Asks one part whenever Prometheus asks."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        return [_metric(family) for family in self._snapshot()]


def _metric(family: MetricFamily) -> Metric:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    names = list(family.samples[0][0]) if family.samples else []
    metric = kind(family.name, family.explanation, labels=names)
    for labels, value in family.samples:
        metric.add_metric([labels[name] for name in names], value)
    return metric
