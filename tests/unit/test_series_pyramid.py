"""The pyramid's arithmetic: round widths, few enough points, parts that cover a span exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.series.pyramid import LEVELS_MS, RAW, parts, point_width_ms

DAY_MS = 86_400_000
instants = st.integers(0, 400 * DAY_MS)
lengths = st.integers(1, 60 * DAY_MS)


@given(from_ms=instants, length_ms=lengths, points=st.integers(2, 5000))
def test_no_more_aligned_points_than_asked_for_cover_a_span(from_ms: int, length_ms: int, points: int) -> None:
    to_ms = from_ms + length_ms
    width = point_width_ms(from_ms, to_ms, points)

    covering = (to_ms - 1) // width - from_ms // width + 1
    assert covering <= points


@given(from_ms=instants, length_ms=lengths, points=st.integers(2, 5000))
def test_points_are_no_more_than_two_and_a_half_times_as_wide_as_needed(
    from_ms: int, length_ms: int, points: int
) -> None:
    width = point_width_ms(from_ms, from_ms + length_ms, points)

    assert width <= max(1, 2.5 * -(-length_ms // (points - 1)))


@given(from_ms=instants, length_ms=lengths, points=st.integers(2, 1000))
def test_parts_cover_the_span_once_and_never_straddle_points(from_ms: int, length_ms: int, points: int) -> None:
    to_ms = from_ms + length_ms
    width = point_width_ms(from_ms, to_ms, points)
    found = parts(from_ms, to_ms, width)

    edges = [from_ms, *(part.to_ms for part in found)]
    assert [part.from_ms for part in found] == edges[:-1]
    assert edges[-1] == to_ms
    for part in found:
        assert part.from_ms < part.to_ms
        if part.level_ms != RAW:
            assert part.from_ms % part.level_ms == part.to_ms % part.level_ms == width % part.level_ms == 0


@given(from_ms=instants, length_ms=lengths, points=st.integers(2, 1000))
def test_rows_read_for_a_span_are_of_the_order_of_the_points(from_ms: int, length_ms: int, points: int) -> None:
    width = point_width_ms(from_ms, from_ms + length_ms, points)
    rows = sum(
        (part.to_ms - part.from_ms) // part.level_ms
        for part in parts(from_ms, from_ms + length_ms, width)
        if part.level_ms != RAW
    )
    raw_ms = sum(p.to_ms - p.from_ms for p in parts(from_ms, from_ms + length_ms, width) if p.level_ms == RAW)

    hours_per_point = max(1, width // LEVELS_MS[0])
    assert rows <= 5 * points * hours_per_point + 2 * (10 + 6)
    assert raw_ms <= max(2 * 60_000, 30_000 * points)


@pytest.mark.parametrize(
    ("span_s", "points", "width_s"),
    [
        (60, 601, 0.1),
        (600, 601, 1),
        (3600, 601, 10),
        (86_400, 600, 300),
        (5 * 86_400, 600, 1200),
        (50 * 86_400, 601, 7200),
    ],
)
def test_widths_are_round(span_s: int, points: int, width_s: float) -> None:
    assert point_width_ms(0, span_s * 1000, points) == width_s * 1000
