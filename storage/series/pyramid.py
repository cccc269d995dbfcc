"""The pyramid's arithmetic: how wide a point is at a zoom, and which stored level answers which part of a span.

Invariants:
- A span and a number of points give one width, from a ladder of round widths, such that no more than that many aligned
  points cover the span.
- The parts of a span are disjoint and cover it exactly, so that nothing from before an admission's first millisecond is
  ever part of a point of it: whole buckets of the coarsest useful level inside, finer ones towards the edges, raw
  samples for the last fractions of a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

RAW = 0
LEVELS_MS = (3_600_000, 600_000, 60_000)
"""Coarsest first."""

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_LADDER_MS = (
    *(step * scale for scale in (1, 10, 100) for step in (1, 2, 5)),
    *(step * _SECOND for step in (1, 2, 5, 10, 15, 20, 30)),
    *(step * _MINUTE for step in (1, 2, 5, 10, 20, 30)),
    *(step * _HOUR for step in (1, 2, 3, 6, 12, 24)),
)


class Part(NamedTuple):
    """A half-open stretch of time, answered from one level."""

    level_ms: int
    """Bucket width, or `RAW`. `from_ms` and `to_ms` are multiples of it."""
    from_ms: int
    to_ms: int


def point_width_ms(from_ms: int, to_ms: int, points: int) -> int:
    """The width of a point such that at most `points` of them, aligned to their width, cover the span.

    Args:
        from_ms: start of the span.
        to_ms: end of the span, exclusive.
        points: at least 2; with one point alignment to anything is impossible.
    """
    needed = -(-(to_ms - from_ms) // (points - 1))
    for width in _LADDER_MS:
        if width >= needed:
            return width
    return -(-needed // _DAY) * _DAY


def parts(from_ms: int, to_ms: int, width_ms: int) -> list[Part]:
    """The span as parts, none of which straddles a boundary between points of `width_ms` that its level could not."""
    return list(_cut(from_ms, to_ms, tuple(level for level in LEVELS_MS if width_ms % level == 0)))


def _cut(from_ms: int, to_ms: int, levels: tuple[int, ...]) -> Iterator[Part]:
    if from_ms >= to_ms:
        return
    if not levels:
        yield Part(RAW, from_ms, to_ms)
        return
    level, *finer = levels
    first, last = -(-from_ms // level) * level, to_ms // level * level
    if first >= last:
        yield from _cut(from_ms, to_ms, tuple(finer))
        return
    yield from _cut(from_ms, first, tuple(finer))
    yield Part(level, first, last)
    yield from _cut(last, to_ms, tuple(finer))
