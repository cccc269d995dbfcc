"""Journal and series store in figures. Run: `python -m tests.benchmarks.bench_storage [--directory DIR]`.

The directory must be on the disk that is to be measured: a file system in memory makes every fsync free.

"Busy loop" figures are taken while the event loop computes without a pause, five milliseconds at a time: what the
storage threads wait for the interpreter lock is in them. `--switch-interval-ms 5` shows what Python's standard does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

from storage.journal import SWITCH_INTERVAL_S, Journal
from storage.ports import EntryKind
from storage.series.store import SeriesStore
from streaming.effects import SamplesAccepted
from streaming.identity import BedId, DeviceId

SECONDS = 1.5
PAYLOAD = os.urandom(500)
START_MS = 1_700_000_000_000 // 3_600_000 * 3_600_000
HOUR_S = 3_600
DAY_S = 24 * HOUR_S
SPANS = (("10 min", 600), ("1 h", HOUR_S), ("5 h", 5 * HOUR_S), ("1 day", DAY_S), ("5 days", 5 * DAY_S))
METRICS = [f"MDC_METRIC_{n}" for n in range(14)]
SIGNALS = [f"signal_{n}" for n in range(9)]


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def percentiles(durations_s: list[float]) -> str:
    """Median and 99th percentile."""
    ordered = sorted(durations_s)
    median, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"p50 {median * 1e3:7.2f} ms  p99 {late * 1e3:7.2f} ms"


async def timed(turn: Callable[[], Coroutine[None, None, object]], *, seconds: float = SECONDS) -> list[float]:
    """How long each turn took, for so many seconds."""
    durations: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await turn()
        durations.append(time.perf_counter() - begun)
    return durations


@contextlib.asynccontextmanager
async def busy_loop() -> AsyncIterator[None]:
    """Something that computes on the event loop whenever nothing else does."""

    async def compute() -> None:
        while True:
            end = time.perf_counter() + 0.005
            while time.perf_counter() < end:
                pass
            await asyncio.sleep(0)

    task = asyncio.create_task(compute())
    yield
    task.cancel()


async def measure_appends(journal: Journal, label: str) -> None:
    """Rows a second, one caller that waits for each batch."""
    for batch in (1, 10, 100, 500):
        rows = [(EntryKind.MESSAGE, "icu/v1/icu/b01/mon1/obs", PAYLOAD, 0)] * batch
        durations = await timed(lambda rows=rows: journal.append(rows))  # type: ignore[misc]
        rate = batch * len(durations) / sum(durations)
        say(f"journal {label:10} batch {batch:4}  {rate:9,.0f} rows/s  {percentiles(durations)}")


async def measure_group_commit(journal: Journal) -> None:
    """Rows a second, two hundred callers of one row each."""
    row = [(EntryKind.MESSAGE, "icu/v1/icu/b01/mon1/obs", PAYLOAD, 0)]
    waits: list[float] = []

    async def caller(end: float) -> None:
        while (begun := time.perf_counter()) < end:
            await journal.append(row)
            waits.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(caller(begun + SECONDS) for _ in range(200)))
    rate = len(waits) / (time.perf_counter() - begun)
    say(f"journal 200 callers of 1 row  {rate:9,.0f} rows/s  {percentiles(waits)}")


async def bench_journal(directory: Path) -> None:
    journal = Journal.open(directory / "journal.db")
    await measure_appends(journal, "idle loop")
    async with busy_loop():
        await measure_appends(journal, "busy loop")
    await measure_group_commit(journal)
    begun = time.perf_counter()
    after = count = 0
    while entries := journal.read(after, 1000):
        after, count = entries[-1].offset, count + len(entries)
    say(f"journal read {count / (time.perf_counter() - begun):,.0f} rows/s")
    journal.close()


def ward_messages(first_s: int, seconds: int, beds: int = 200, devices: int = 3) -> list[SamplesAccepted]:
    """One message a second of each device: 14 metrics and 9 signals."""
    return [
        SamplesAccepted(
            DeviceId("icu", f"b{bed:03}", f"d{device}"),
            t_ms,
            [(name, t_ms, 101.5, 0) for name in METRICS],
            [(name, t_ms, 70.5, 0) for name in SIGNALS],
        )
        for second in range(first_s, first_s + seconds)
        for t_ms in (START_MS + second * 1000,)
        for bed in range(beds)
        for device in range(devices)
    ]


async def bench_add_and_flush(directory: Path) -> None:
    store = SeriesStore.open(directory / "ward.db")
    adds: list[float] = []
    flushes: list[float] = []
    for turn in range(8):
        messages = ward_messages(turn * 10, 10)
        begun = time.perf_counter()
        for message in messages:
            store.add(message)
        adds.append((time.perf_counter() - begun) / len(messages))
        begun = time.perf_counter()
        await store.flush(turn + 1)
        flushes.append(time.perf_counter() - begun)
    samples = len(messages) * (len(METRICS) + len(SIGNALS))
    say(f"series add {sorted(adds)[len(adds) // 2] * 1e6:.2f} us a message of 23 samples")
    say(f"series flush of {samples:,} samples in {200 * (3 * 14 + 9):,} series: {percentiles(flushes)}")
    store.close()


async def filled(directory: Path) -> SeriesStore:
    """Five days of 20 signals at 1 Hz; the last hour in flushes of ten seconds, as in operation."""
    store = SeriesStore.open(directory / "stay.db")
    device = DeviceId("icu", "b01", "mon1")
    for second in range(5 * DAY_S):
        t_ms = START_MS + second * 1000
        store.add(SamplesAccepted(device, t_ms, [], [(f"s{n}", t_ms, second % 90 + n, 0) for n in range(20)]))
        if second % (10 if second > 5 * DAY_S - HOUR_S else 600) == 0:
            await store.flush(second)
    await store.flush(5 * DAY_S)
    return store


async def measure_queries(store: SeriesStore, label: str) -> None:
    end_ms = START_MS + 5 * DAY_S * 1000
    for name, span_s in (
        ("10 min", 600),
        ("1 h", HOUR_S),
        ("5 h", 5 * HOUR_S),
        ("1 day", DAY_S),
        ("5 days", 5 * DAY_S),
    ):
        stays = [(BedId("icu", "b01"), end_ms - span_s * 1000, end_ms)]
        found = await store.query(stays, "s7", 600)
        durations = await timed(lambda stays=stays: store.query(stays, "s7", 600))  # type: ignore[misc]
        say(f"series query {label:10} {name:7} {len(found):4} points  {percentiles(durations)}")


async def bench_queries(directory: Path) -> None:
    begun = time.perf_counter()
    store = await filled(directory)
    say(f"series filled with {5 * DAY_S * 20:,} samples in {time.perf_counter() - begun:.1f} s")
    size = (directory / "stay.db").stat().st_size
    say(f"series file: {size / (5 * DAY_S * 20):.1f} bytes a sample")
    await measure_queries(store, "idle loop")
    async with busy_loop():
        await measure_queries(store, "busy loop")
    store.close()


async def main(directory: Path) -> None:
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    say(f"{os.cpu_count()} cores, {platform.machine()}, {versions}, switching at {sys.getswitchinterval() * 1e3:g} ms")
    await bench_journal(directory)
    await bench_add_and_flush(directory)
    await bench_queries(directory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=None, help="where to write; default: the system's temporary")
    parser.add_argument("--switch-interval-ms", type=float, default=SWITCH_INTERVAL_S * 1e3)
    arguments = parser.parse_args()
    sys.setswitchinterval(arguments.switch_interval_ms / 1e3)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as scratch:
        asyncio.run(main(Path(scratch)))
