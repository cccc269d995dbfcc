"""The series store's answers by brute force: every sample is kept in a list and looked at for every question."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import isclose, isfinite
from typing import NamedTuple

from storage.series.query import SeriesPoint
from streaming.effects import Sample, SamplesAccepted
from streaming.identity import BedId, DeviceId
from streaming.observation import Validity

Stay = tuple[BedId, int, int]


class Kept(NamedTuple):
    """A sample of a series."""

    owner: DeviceId
    sample: Sample


def accepted(device: DeviceId, metrics: Sequence[Sample] = (), signals: Sequence[Sample] = ()) -> SamplesAccepted:
    """What the engine says of one message."""
    return SamplesAccepted(device, 0, list(metrics), list(signals))


class SeriesModel:
    """Every sample that was added."""

    def __init__(self) -> None:
        self._kept: list[Kept] = []

    def add(self, effect: SamplesAccepted) -> None:
        signals_of = DeviceId(effect.device.unit, effect.device.bed, "")
        self._kept += (Kept(effect.device, sample) for sample in effect.metrics)
        self._kept += (Kept(signals_of, sample) for sample in effect.signals)

    def in_stays(self, stays: Sequence[Stay], name: str, device: str | None = None) -> list[Sample]:
        """The samples of a series over the stays, of any validity, in order of time."""
        found = [
            kept.sample
            for bed, from_ms, to_ms in stays
            for kept in self._kept
            if kept.owner == (*bed, device or "") and kept.sample[0] == name and from_ms <= kept.sample[1] < to_ms
        ]
        return sorted((sample for sample in found if isfinite(sample[2])), key=lambda sample: sample[1])


def assert_points_come_from(points: Sequence[SeriesPoint], samples: Sequence[Sample]) -> None:
    """Each trusted sample is in the point that begins last at or before it, and no point has anything else."""
    begins = [point.t_ms for point in points]
    assert begins == sorted(set(begins))
    values: list[list[float]] = [[] for _ in points]
    for _, t_ms, value, validity in samples:
        if validity <= Validity.QUESTIONABLE:
            place = bisect_right(begins, t_ms) - 1
            assert place >= 0, f"the sample at {t_ms} lies before the first of the points {begins}"
            values[place].append(value)
    for point, of_point in zip(points, values, strict=True):
        assert (point.min, point.max, point.n) == (min(of_point), max(of_point), len(of_point))
        assert isclose(point.mean, sum(of_point) / len(of_point), rel_tol=1e-9, abs_tol=1e-9)
