"""Parquet as another reader reads it: every value, of no rows and of many row groups, in any script."""

from __future__ import annotations

import io

import polars
import pytest

from gateway import parquet
from gateway.parquet import Column, Kind, parquet_file

COLUMNS = [
    Column("at", Kind.INSTANT),
    Column("name", Kind.TEXT),
    Column("v", Kind.NUMBER),
]
BEGIN_MS = 1795486656757


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 100])
def test_file_holds_every_row_in_order(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 10)
    table = [(BEGIN_MS + number, f"ü€{number % 3}", number / 3) for number in range(rows)]

    read = polars.read_parquet(io.BytesIO(b"".join(parquet_file(COLUMNS, table))))

    assert read.schema == {"at": polars.Datetime("ms", "UTC"), "name": polars.String(), "v": polars.Float64()}
    assert read.with_columns(polars.col("at").dt.epoch("ms")).rows() == table


@pytest.mark.parametrize("value", [0.0, -0.0, 1e300, -5e-324, float("inf")])
@pytest.mark.parametrize("text", ["", "x" * 5000, "\x00\n"])
@pytest.mark.parametrize("at_ms", [0, -1, 2**62, -(2**62)])
def test_extremes_come_back(value: float, text: str, at_ms: int) -> None:
    read = polars.read_parquet(io.BytesIO(b"".join(parquet_file(COLUMNS, [(at_ms, text, value)]))))

    assert read.with_columns(polars.col("at").to_physical()).rows() == [(at_ms, text, value)]


def test_file_of_many_columns_is_read() -> None:
    columns = [Column(f"c{number}", Kind.NUMBER) for number in range(40)]

    read = polars.read_parquet(io.BytesIO(b"".join(parquet_file(columns, [[float(n) for n in range(40)]]))))

    assert read.rows() == [tuple(float(number) for number in range(40))]
