"""A stay as a table: every sample once, whatever falls together where one page of it ends."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import polars
import pytest

from gateway import export
from gateway.export import stay_lines
from streaming.effects import SamplesAccepted
from streaming.identity import DeviceId
from tests.support.pipeline_bench import Bench
from tests.support.telemetry import WELL

DEVICE = DeviceId("icu", "b01", "mon1")
NAME = "MDC_ECG_HEART_RATE"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = await Bench.open(tmp_path)
    yield opened
    await opened.close()


async def table(bench: Bench, admission_id: str) -> list[dict[str, str]]:
    text = b"".join([chunk async for chunk in stay_lines(bench.pipeline, admission_id, "csv")])
    return list(csv.DictReader(text.decode().splitlines()))


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 25])
async def test_every_sample_is_in_the_table_once_though_several_share_an_instant(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(export, "PAGE", 10)  # so that a hundred samples are many pages
    async with bench.running():
        admission_id = await bench.admit("b01")
    began_ms = bench.clock.at_ms
    samples = [(NAME, began_ms + number // at_once, float(number), 0) for number in range(100)]
    for sample in samples:
        bench.series.add(SamplesAccepted(DEVICE, began_ms, [sample], []))
    bench.clock.at_ms += 1000

    rows = await table(bench, admission_id)

    assert sorted(float(row["value"]) for row in rows) == [float(number) for number in range(100)]
    assert {(row["unit"], row["bed"], row["device"], row["name"]) for row in rows} == {(*DEVICE, NAME)}


async def test_the_same_table_is_there_as_parquet(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ROW_GROUP_ROWS", 4)
    async with bench.running():
        admission_id = await bench.admit("b01")
        for number in range(3):
            bench.observe("b01", number, WELL)
        await bench.settled()
        bench.clock.at_ms += 1000

    rows = await table(bench, admission_id)
    chunks = [chunk async for chunk in stay_lines(bench.pipeline, admission_id, "parquet")]

    read = polars.read_parquet(io.BytesIO(b"".join(chunks)))
    told = read.with_columns(polars.col("at").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    assert len(rows) > 8
    assert told.rows(named=True) == [row | {"value": float(row["value"])} for row in rows]
    assert read.schema["at"] == polars.Datetime("ms", "UTC")


async def test_the_table_ends_where_the_stay_ends(bench: Bench) -> None:
    async with bench.running():
        admission_id = await bench.admit("b01")
        bench.observe("b01", 0, WELL)
        await bench.settled()
        bench.clock.at_ms += 1000
        await bench.submit("discharge", admission_id=admission_id, actor="test")
        bench.observe("b01", 1, WELL)
        await bench.settled()

    rows = await table(bench, admission_id)

    assert len([row for row in rows if row["name"] == NAME]) == 1
