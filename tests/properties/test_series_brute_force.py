"""The series store answers as brute force does: late samples, bad ones, flushes and restarts anywhere, transfers."""

from __future__ import annotations

import asyncio
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.series.query import SeriesPoint
from storage.series.store import SeriesStore
from streaming.identity import BedId, DeviceId
from streaming.observation import Validity
from tests.support.series_model import SeriesModel, Stay, accepted, assert_points_come_from

HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
SPAN_MS = 60 * HOUR_MS
BEDS = (BedId("icu", "b01"), BedId("icu", "b02"))

near_an_edge = st.builds(
    lambda edge, offset: edge + offset,
    st.sampled_from([START_MS + n * step for n in range(4) for step in (60_000, 600_000, HOUR_MS)]),
    st.sampled_from([-1, 0, 1]),
)
instants = st.one_of(st.integers(START_MS, START_MS + SPAN_MS), near_an_edge)
values = st.one_of(
    st.integers(-(10**12), 10**12).map(lambda n: n / 1e6), st.sampled_from([float("nan"), float("inf"), 0.0, 70.0])
)
samples = st.tuples(st.sampled_from(["hr", "map"]), instants, values, st.sampled_from([int(v) for v in Validity]))
messages = st.builds(
    lambda bed, device, metrics, signals: accepted(DeviceId(bed.unit, bed.bed, device), metrics, signals),
    st.sampled_from(BEDS),
    st.sampled_from(["mon1", "mon2"]),
    st.lists(samples, max_size=12),
    st.lists(samples, max_size=12),
)
steps = st.lists(st.one_of(messages, st.just("flush"), st.just("restart")), max_size=12)
cuts = st.lists(instants, min_size=2, max_size=4, unique=True).map(sorted)


def stays_between(cuts_ms: list[int]) -> list[Stay]:
    """An admission that moves to the other bed at each inner cut."""
    return [(BEDS[n % 2], from_ms, to_ms) for n, (from_ms, to_ms) in enumerate(pairwise(cuts_ms))]


async def replayed(path: Path, history: list[object], model: SeriesModel) -> SeriesStore:
    """The store after all steps. A restart comes after a flush, so that nothing has to be replayed from a journal."""
    store = SeriesStore.open(path)
    for offset, step in enumerate(history):
        if step == "flush":
            await store.flush(offset)
        elif step == "restart":
            await store.flush(offset)
            store.close()
            store = SeriesStore.open(path)
        else:
            model.add(step)  # type: ignore[arg-type]
            store.add(step)  # type: ignore[arg-type]
    return store


@settings(max_examples=120, deadline=None)
@given(
    history=steps,
    cuts_ms=cuts,
    points=st.one_of(st.integers(1, 5), st.integers(6, 2000)),
    device=st.sampled_from([None, "mon1"]),
)
def test_points_are_those_of_brute_force(
    history: list[object], cuts_ms: list[int], points: int, device: str | None
) -> None:
    model = SeriesModel()
    stays = stays_between(cuts_ms)

    async def ask() -> list[SeriesPoint]:
        with tempfile.TemporaryDirectory() as directory:
            store = await replayed(Path(directory) / "series.db", history, model)
            found = await store.query(stays, "map", points, device)
            store.close()
        return found

    found = asyncio.run(ask())

    assert len(found) <= points
    assert all(point.t_ms >= cuts_ms[0] for point in found)
    assert_points_come_from(found, model.in_stays(stays, "map", device))


@settings(max_examples=60, deadline=None)
@given(history=steps, cuts_ms=cuts, limit=st.integers(1, 40))
def test_raw_samples_are_those_of_brute_force(history: list[object], cuts_ms: list[int], limit: int) -> None:
    model = SeriesModel()
    stay = stays_between(cuts_ms)[0]

    async def ask() -> list[tuple[int, float, int]]:
        with tempfile.TemporaryDirectory() as directory:
            store = await replayed(Path(directory) / "series.db", history, model)
            found = await store.samples(stay[0], "map", stay[1], stay[2], 1000)
            assert await store.samples(stay[0], "map", stay[1], stay[2], limit) == found[:limit]
            store.close()
        return [(t_ms, value, validity) for t_ms, value, validity in found]

    found = asyncio.run(ask())
    expected = model.in_stays([stay], "map")
    assert [t_ms for t_ms, _, _ in found] == [sample[1] for sample in expected]
    assert sorted(found) == sorted((t_ms, value, validity) for _, t_ms, value, validity in expected)
