"""Samples, rollups and the applied offset are stored together: a kill at any moment leaves them in agreement."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from storage.series.schema import SERIES_SCHEMA
from storage.series.store import SeriesStore
from storage.sqlite_file import open_reader
from streaming.identity import BedId
from tests.support.killed_child import reports_until_killed
from tests.support.series_child import PER_FLUSH, START_MS, message

KILLS = 12


async def disagreements(path: Path) -> list[str]:
    """What of the file is not as it must be when exactly the messages up to its offset are in it."""
    store = SeriesStore.open(path)
    applied = store.applied_offset
    samples = await store.samples(BedId("icu", "b01"), "hr", START_MS, 2 * START_MS, 10_000_000)
    store.close()
    found = []
    if [sample.value for sample in samples] != list(map(float, range(1, applied + 1))):
        found.append(f"offset {applied} and {len(samples)} samples")
    reader = open_reader(path, SERIES_SCHEMA)
    for seconds in (60, 600, 3600):
        n, total = reader.execute(f"SELECT sum(n), sum(sum) FROM rollup_{seconds}").fetchone()
        if (n, total) != (2 * applied, applied * (applied + 1)):
            found.append(f"offset {applied} and {n} values in the rollups of {seconds} s")
    reader.close()
    return found


async def test_samples_rollups_and_offset_agree_after_kills_at_random_moments(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    chance = random.Random(20261123)
    for _ in range(KILLS):
        reported = reports_until_killed("tests.support.series_child", [str(path)], chance, at_most=40)

        assert await disagreements(path) == []
        store = SeriesStore.open(path)
        assert store.applied_offset >= int(reported[-1])
        store.close()


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE progress SET applied_offset = applied_offset + {PER_FLUSH}",
        "DELETE FROM chunk WHERE minute = (SELECT max(minute) FROM chunk)",
        "UPDATE rollup_600 SET n = n + 1, sum = sum + 1",
    ],
)
async def test_disagreement_is_found_when_one_of_them_was_stored_without_the_others(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "series.db"
    store = SeriesStore.open(path)
    for offset in range(1, PER_FLUSH + 1):
        store.add(message(offset))
    await store.flush(PER_FLUSH)
    store.close()
    assert await disagreements(path) == []

    with sqlite3.connect(path) as torn:
        torn.execute(statement)
    torn.close()

    assert await disagreements(path) != []
