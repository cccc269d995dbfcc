"""The series store: what is in memory and what is stored are one; flushes are whole; restarts continue."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.series.chunks import RawSample
from storage.series.query import SeriesPoint, Stretch, locate, read_points
from storage.series.schema import SERIES_SCHEMA
from storage.series.store import SeriesName, SeriesStore, SeriesUnavailable
from storage.sqlite_file import StoreUnusable, open_reader
from streaming.effects import SamplesAccepted
from streaming.identity import BedId, DeviceId
from streaming.observation import Validity
from tests.support.series_model import accepted

BED = BedId("icu", "b01")
MONITOR = DeviceId("icu", "b01", "mon1")
HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
ALWAYS = [(BED, 0, 2 * START_MS)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    opened = SeriesStore.open(tmp_path / "series.db")
    yield opened
    opened.close()


def heart_rate(second: int, value: float = 80.0, validity: Validity = Validity.VALID) -> SamplesAccepted:
    """A message of the monitor, with the signal that follows from it."""
    t_ms = START_MS + second * 1000
    metrics = [("MDC_ECG_HEART_RATE", t_ms, value, int(validity))]
    return accepted(MONITOR, metrics, [("hr", t_ms, value, int(validity))])


def of_many_series(second: int, beds: int = 100) -> list[SamplesAccepted]:
    """One message of each of many monitors, ten signals each."""
    t_ms = START_MS + second * 1000
    return [
        accepted(DeviceId("icu", f"b{bed:02}", "mon1"), (), [(f"s{n}", t_ms, 1.0, 0) for n in range(10)])
        for bed in range(beds)
    ]


def counted(points: list[SeriesPoint]) -> int:
    return sum(point.n for point in points)


def writer_connection(store: SeriesStore) -> sqlite3.Connection:
    """The writer's connection, to be touched only while nothing is under way."""
    return store._file.connection


async def test_sample_is_seen_before_during_and_after_its_flush(store: SeriesStore) -> None:
    store.add(heart_rate(0, 80.0))
    before = await store.query(ALWAYS, "hr", 10)
    flush = store.flush(1)
    during = await store.query(ALWAYS, "hr", 10)
    await flush
    after = await store.query(ALWAYS, "hr", 10)

    assert before == during == after
    assert [(point.min, point.mean, point.max, point.n) for point in after] == [(80.0, 80.0, 80.0, 1)]


@pytest.mark.parametrize("is_stored", [False, True])
async def test_what_devices_report_under_a_name_that_is_no_signal_is_read_under_that_name(
    store: SeriesStore, is_stored: bool
) -> None:
    for device, second in (("mon1", 0), ("mon2", 1)):
        t_ms = START_MS + second * 1000
        store.add(
            accepted(DeviceId("icu", "b01", device), [("X_FOO", t_ms, 4.0 + second, 0), ("hr", t_ms, 99.0, 0)], ())
        )
    store.add(accepted(DeviceId("icu", "b02", "mon1"), [("X_FOO", START_MS, 9.0, 0)], ()))
    if is_stored:
        await store.flush(1)

    minute = [(BED, START_MS, START_MS + 60_000)]
    found = await store.query(minute, "X_FOO", 600)

    assert [(point.mean, point.n) for point in found] == [(4.0, 1), (5.0, 1)]
    assert await store.query(minute, "X_FOO", 600, device="mon2") == found[1:]
    assert await store.query(ALWAYS, "hr", 600) == []  # a device that calls a metric `hr` is no source of the signal
    assert await store.query(ALWAYS, "X_BAR", 600) == []


async def test_samples_are_counted_once_while_flushes_and_queries_overlap(store: SeriesStore) -> None:
    counts: list[int] = []
    for second in range(30):
        for effect in of_many_series(second):
            store.add(effect)
        flush = store.flush(second)
        while not flush.done():
            counts.append(counted(await store.query([(BedId("icu", "b99"), 0, 2 * START_MS)], "s9", 100)))
            assert counts[-1] == second + 1
        await flush

    assert len(counts) >= 30


def test_sample_that_is_stored_between_the_look_into_memory_and_into_the_file_is_counted_once(tmp_path: Path) -> None:
    async def flush_in_between() -> tuple[list[SeriesPoint], list[SeriesPoint]]:
        store = SeriesStore.open(tmp_path / "series.db")
        reader = open_reader(tmp_path / "series.db", SERIES_SCHEMA)
        store.add(heart_rate(0))
        await store.flush(1)
        store.add(heart_rate(1))
        stretch = Stretch(DeviceId("icu", "b01", ""), "hr", 0, 2 * START_MS)
        located = locate(stretch, store._catalogue.find(stretch.owner, "hr"), store._parts)
        before = read_points(reader, [located], 10)
        await store.flush(2)
        after = read_points(reader, [located], 10)
        reader.close()
        store.close()
        return before, after

    before, after = asyncio.run(flush_in_between())

    assert counted(before) == counted(after) == 2


async def test_flush_takes_what_was_added_before_it_was_called_and_not_before_it_is_awaited(tmp_path: Path) -> None:
    store = SeriesStore.open(tmp_path / "series.db")
    store.add(heart_rate(0))
    flush = store.flush(1)
    store.add(heart_rate(1))
    await flush
    store.close()

    again = SeriesStore.open(tmp_path / "series.db")
    assert again.applied_offset == 1
    assert counted(await again.query(ALWAYS, "hr", 10)) == 1
    again.close()


async def test_flush_that_fails_stores_nothing_keeps_everything_and_succeeds_later(
    store: SeriesStore, tmp_path: Path
) -> None:
    store.add(heart_rate(0))
    await store.flush(1)
    (pages,) = writer_connection(store).execute("PRAGMA page_count").fetchone()
    writer_connection(store).execute(f"PRAGMA max_page_count = {pages + 2}")
    for effect in [heart_rate(1), *of_many_series(1)]:
        store.add(effect)

    with pytest.raises(SeriesUnavailable, match=r"series\.db: database or disk is full"):
        await store.flush(2)
    reader = open_reader(tmp_path / "series.db", SERIES_SCHEMA)
    stored = {table: reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("chunk", "rollup_60")}
    assert stored == {"chunk": 2, "rollup_60": 2}
    assert store.applied_offset == 1
    assert counted(await store.query(ALWAYS, "hr", 10)) == 2

    writer_connection(store).execute("PRAGMA max_page_count = 1000000")
    store.add(heart_rate(2))
    await store.flush(3)
    assert store.applied_offset == 3
    assert store.unstored_samples == 0
    assert counted(await store.query(ALWAYS, "hr", 10)) == 3
    assert counted(await store.query([(BedId("icu", "b99"), 0, 2 * START_MS)], "s9", 10)) == 1
    reader.close()


async def test_series_and_offset_survive_a_restart_and_go_on(tmp_path: Path) -> None:
    first = SeriesStore.open(tmp_path / "series.db")
    first.add(heart_rate(0))
    await first.flush(7)
    first.add(heart_rate(1))
    first.close()

    again = SeriesStore.open(tmp_path / "series.db")
    assert again.applied_offset == 7
    again.add(heart_rate(1))
    assert counted(await again.query(ALWAYS, "hr", 10)) == 2
    await again.flush(8)
    assert counted(await again.query(ALWAYS, "hr", 10)) == 2
    again.close()


async def test_late_sample_joins_the_bucket_that_was_stored_long_ago(store: SeriesStore) -> None:
    store.add(heart_rate(5, 80.0))
    await store.flush(1)
    store.add(heart_rate(86_400, 90.0))
    await store.flush(2)
    store.add(heart_rate(6, 60.0))
    await store.flush(3)

    early, late = await store.query([(BED, START_MS, START_MS + 2 * 86_400_000)], "hr", 100)

    assert (early.min, early.mean, early.max, early.n) == (60.0, 70.0, 80.0, 2)
    assert (late.mean, late.n) == (90.0, 1)


async def test_only_valid_and_questionable_values_are_drawn_and_all_are_kept(store: SeriesStore) -> None:
    for second, validity in enumerate(Validity):
        store.add(heart_rate(second, float(second), validity))
    in_memory = await store.query(ALWAYS, "hr", 1)
    await store.flush(1)

    (point,) = await store.query(ALWAYS, "hr", 1)
    assert (point.min, point.max, point.n) == (0.0, 1.0, 2)
    assert in_memory == [point]
    assert [sample.validity for sample in await store.samples(BED, "hr", 0, 2 * START_MS, 10)] == list(Validity)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
async def test_number_that_is_not_finite_is_never_stored(store: SeriesStore, value: float) -> None:
    store.add(heart_rate(0, value))
    store.add(heart_rate(1, 70.0))
    before = await store.samples(BED, "hr", 0, 2 * START_MS, 10)
    await store.flush(1)

    assert before == [RawSample(START_MS + 1000, 70.0, Validity.VALID)]
    assert await store.samples(BED, "hr", 0, 2 * START_MS, 10) == before
    assert counted(await store.query(ALWAYS, "hr", 10)) == 1


async def test_admission_sees_nothing_of_who_was_in_the_bed_a_millisecond_earlier(store: SeriesStore) -> None:
    for second in range(2 * 3600):
        store.add(heart_rate(second, 200.0 if second < 3000 else 70.0))
    await store.flush(1)

    points = await store.query([(BED, START_MS + 3_000_000, START_MS + 7_200_000)], "hr", 5)

    assert max(point.max for point in points) == 70.0
    assert counted(points) == 7200 - 3000
    assert points[0].t_ms == START_MS + 3_000_000


async def test_signals_and_metrics_of_a_bed_are_asked_for_apart(store: SeriesStore) -> None:
    store.add(heart_rate(0))

    assert counted(await store.query(ALWAYS, "hr", 10)) == 1
    assert await store.query(ALWAYS, "hr", 10, "mon1") == []
    assert counted(await store.query(ALWAYS, "MDC_ECG_HEART_RATE", 10, "mon1")) == 1
    assert await store.query(ALWAYS, "MDC_ECG_HEART_RATE", 10, "mon2") == []


async def test_names_are_those_of_the_bed_stored_or_not(store: SeriesStore) -> None:
    store.add(heart_rate(0))
    await store.flush(1)
    store.add(accepted(DeviceId("icu", "b01", "scale1"), [("MDC_MASS_BODY_ACTUAL", START_MS, 80.0, 0)]))
    store.add(accepted(DeviceId("icu", "b02", "mon1"), [("MDC_TEMP", START_MS, 37.0, 0)]))

    assert await store.names(BED) == [
        SeriesName("", "hr"),
        SeriesName("mon1", "MDC_ECG_HEART_RATE"),
        SeriesName("scale1", "MDC_MASS_BODY_ACTUAL"),
    ]
    assert await store.names(BedId("icu", "b03")) == []


async def test_pruning_forgets_whole_hours_and_no_more(store: SeriesStore) -> None:
    for second in range(0, 4 * 3600, 10):
        store.add(heart_rate(second))
    await store.flush(1)

    await store.prune(START_MS + 2 * HOUR_MS + HOUR_MS // 2)

    assert counted(await store.query(ALWAYS, "hr", 1)) == 2 * 360
    (first,) = await store.samples(BED, "hr", 0, 2 * START_MS, 1)
    assert first.t_ms == START_MS + 2 * HOUR_MS
    connection = writer_connection(store)
    rollups = [connection.execute(f"SELECT min(t) * {s} FROM rollup_{s}").fetchone()[0] for s in (60, 600, 3600)]
    assert rollups == [(START_MS + 2 * HOUR_MS) // 1000] * 3


async def test_chunk_number_is_never_used_twice_after_pruning_everything(store: SeriesStore) -> None:
    store.add(heart_rate(0))
    await store.flush(1)
    before = await store.outbox().last_chunk()
    await store.prune(2 * START_MS)
    store.add(heart_rate(1))
    await store.flush(2)

    assert [chunk.chunk_id for chunk in await store.outbox().read(before, 10)] == [before + 1, before + 2]


async def test_empty_stays_are_answered_with_nothing(store: SeriesStore) -> None:
    store.add(heart_rate(0))

    assert await store.query([], "hr", 10) == []
    assert await store.query([(BED, 5, 5)], "hr", 10) == []
    with pytest.raises(ValueError, match="at least 1"):
        await store.query(ALWAYS, "hr", 0)


def test_damaged_file_is_refused_with_the_remedy_of_a_projection(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    path.write_bytes(b"not a database, and long enough to be looked at as one" * 100)

    with pytest.raises(StoreUnusable, match="it is rebuilt from the journal"):
        SeriesStore.open(path)
