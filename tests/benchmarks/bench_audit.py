"""What the audit log costs. Run: `python -m tests.benchmarks.bench_audit [--directory DIR]`.

Records are written on SQLite with every commit durable, with the audit log and without (the control: the same effects,
no entry); then the log is verified. An alarm here is announced, acknowledged by a command and ends: four entries.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from gateway.audit_check import check_log
from storage.audit.chain import EMPTY, link
from storage.records import Records, sqlite_url, store
from storage.records.auditing import AuditLogReader
from storage.records.projection import Projected, project
from streaming.effects import CommandApplied
from tests.benchmarks.bench_storage import say
from tests.support.effects import T0_MS, acknowledged, alarm, ended, started

SECONDS = 8.0
EVIDENCE = {"value": 58.0, "limit": 65.0, "signal": "map", "unit": "mm[Hg]", "coverage": 0.98, "text": "MAP 58 < 65"}
EVIDENCE |= {f"at_{n}": "2026-11-23T10:11:12.345Z" for n in range(8)}  # about as much as a real alarm carries
Batch = list[tuple[int, Sequence[object]]]


def episodes(first: int, count: int) -> Batch:
    """So many alarms from beginning to end, one journal entry a step."""
    batch: Batch = []
    for number in range(first, first + count):
        one = alarm(f"al-{number:08}", evidence=EVIDENCE)
        seen = acknowledged(2, one, at_ms=T0_MS + 5_000)
        asked = CommandApplied(T0_MS + 5_000, "acknowledge", one.alarm_id, actor="nurse", body={"note": "seen"})
        steps: list[list[object]] = [
            [started(1, one)], [seen, asked], [ended(3, seen.alarm, at_ms=T0_MS + 9_000)]
        ]  # fmt: skip
        batch += [(number * 3 + place, step) for place, step in enumerate(steps, start=1)]
    return batch


async def write_times(directory: Path, at_once: int) -> tuple[float, float]:
    """Median milliseconds of a write of so many alarms, with the audit log and without, taken in turns."""
    stores: dict[Any, Records] = {
        project: await Records.open(sqlite_url(directory / f"with-{at_once}.db")),
        without_entries: await Records.open(sqlite_url(directory / f"without-{at_once}.db")),
    }
    times: dict[Any, list[float]] = {projecting: [] for projecting in stores}
    first, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        batch = episodes(first, at_once)
        first += at_once
        for projecting, records in stores.items():
            vars(store)["project"] = projecting
            begun = time.perf_counter()
            await records.apply(batch, [], batch[-1][0])
            times[projecting].append(time.perf_counter() - begun)
    vars(store)["project"] = project
    for records in stores.values():
        await records.close()
    return median(times[project]) * 1e3, median(times[without_entries]) * 1e3


def without_entries(batch: Batch, *, after: int) -> Projected:
    """The control: what is projected, but for the audit log."""
    projected = project(batch, after=after)
    projected.audit.clear()
    return projected


async def measure_writes(directory: Path) -> None:
    for at_once in (1, 10, 100):
        with_ms, without_ms = await write_times(directory, at_once)
        entries = 4 * at_once
        say(
            f"records, {entries:3} entries a write, median: {with_ms:6.2f} ms with the audit log, {without_ms:6.2f} "
            f"without; {(with_ms - without_ms) / entries * 1e3:.0f} us an entry; {entries / with_ms * 1e3:,.0f}/s"
        )


def measure_seal() -> None:
    rows = project(episodes(0, 5_000), after=0).audit
    begun = time.perf_counter()
    link(rows, EMPTY)
    each_s = (time.perf_counter() - begun) / len(rows)
    begun = time.perf_counter()
    for row in rows:
        sha256(row["body"].encode()).hexdigest()
    bare_s = (time.perf_counter() - begun) / len(rows)
    size = sum(len(row["body"]) for row in rows) / len(rows)
    say(f"chaining: {each_s * 1e6:.1f} us an entry of {size:.0f} bytes, of which SHA-256 {bare_s * 1e6:.1f}")


async def measure_verify(directory: Path) -> None:
    path = directory / "with-100.db"
    reader = await AuditLogReader.open(sqlite_url(path))
    length = await reader.length()
    begun = time.perf_counter()
    report = await check_log(reader.entries(), directory / "no-anchor", directory)
    spent = time.perf_counter() - begun
    await reader.close()
    assert report.findings == []
    say(f"verify: {length:,} entries in {spent:.1f} s, {length / spent:,.0f} a second")


async def main(directory: Path) -> None:
    measure_seal()
    await measure_writes(directory)
    await measure_verify(directory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=None, help="where to write; default: the system's temporary")
    with tempfile.TemporaryDirectory(dir=parser.parse_args().directory) as scratch:
        asyncio.run(main(Path(scratch)))
