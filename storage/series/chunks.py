"""Samples of one series, as the rows they are stored as: a chunk a minute, and a rollup a bucket of each level.

Invariants:
- A chunk never reaches over a minute: a sample's place in it takes 16 bits, and its samples are found by the minute.
- A number that is not finite is never stored.
- A rollup counts VALID and QUESTIONABLE values only.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from storage.series.schema import MINUTE_MS
from streaming.effects import Sample
from streaming.observation import Validity

TRUSTED = int(Validity.QUESTIONABLE)
"""The least trusted validity that counts in a point."""


class ChunkRow(NamedTuple):
    """The samples of one series in one minute, encoded."""

    minute: int
    times: bytes
    samples: bytes
    validities: bytes | None


class Rollup(NamedTuple):
    """What the trusted values in one bucket come to."""

    bucket: int
    min: float
    sum: float
    max: float
    n: int

    def merged(self, other: Rollup) -> Rollup:
        """Both, as one bucket; keeps this one's number."""
        return Rollup(
            self.bucket,
            min(self.min, other.min),
            self.sum + other.sum,
            max(self.max, other.max),
            self.n + other.n,
        )


class RawSample(NamedTuple):
    """One stored sample."""

    t_ms: int
    value: float
    """Canonical unit of its metric."""
    validity: Validity


def by_minute(samples: Sequence[Sample]) -> Iterable[tuple[int, Sequence[Sample]]]:
    """The samples by the minute in which they were determined, each with its number."""
    minutes = {sample[1] // MINUTE_MS for sample in samples}
    if len(minutes) == 1:
        return ((minutes.pop(), samples),)
    split: dict[int, list[Sample]] = {}
    for sample in samples:
        split.setdefault(sample[1] // MINUTE_MS, []).append(sample)
    return split.items()


def finite(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples whose value is a finite number."""
    total = sum([sample[2] for sample in samples])
    if isfinite(total):
        return samples
    return [sample for sample in samples if isfinite(sample[2])]


def encode(minute: int, samples: Sequence[Sample]) -> ChunkRow:
    """The samples of one minute as a chunk."""
    start_ms = minute * MINUTE_MS
    validities = bytes([sample[3] for sample in samples])
    return ChunkRow(
        minute,
        array("H", [sample[1] - start_ms for sample in samples]).tobytes(),
        array("d", [sample[2] for sample in samples]).tobytes(),
        validities if any(validities) else None,
    )


def decode(chunk: ChunkRow) -> Iterator[tuple[int, float, int]]:
    """(t_ms, value, validity) of each sample of a chunk, in the order in which they were accepted."""
    start_ms = chunk.minute * MINUTE_MS
    times = [start_ms + time for time in array("H", chunk.times)]
    return zip(times, array("d", chunk.samples), chunk.validities or bytes(len(times)), strict=True)


def roll_up(minute: int, samples: Sequence[Sample]) -> Rollup | None:
    """What the trusted samples of one minute come to; None when there is none."""
    values = [sample[2] for sample in samples if sample[3] <= TRUSTED]
    if not values:
        return None
    return Rollup(minute, min(values), sum(values), max(values), len(values))


def coarsen(rollups: Sequence[Rollup], factor: int) -> Iterable[Rollup]:
    """The rollups, merged into buckets `factor` times as wide."""
    if factor == 1:
        return rollups
    coarse: dict[int, Rollup] = {}
    for rollup in rollups:
        bucket = rollup.bucket // factor
        known = coarse.get(bucket)
        coarse[bucket] = known.merged(rollup) if known else rollup._replace(bucket=bucket)
    return coarse.values()
