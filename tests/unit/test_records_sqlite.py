"""How the records use SQLite: one durable connection, and none other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.records.engine import open_engine, sqlite_url


async def test_sqlite_commits_durably_with_foreign_keys(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "records.sqlite"))
    async with engine.connect() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    await engine.dispose()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_sqlite_has_one_connection_however_many_ask(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "records.sqlite"))
    open_files: set[int] = set()

    async def ask() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            raw = await connection.get_raw_connection()
            open_files.add(id(raw.driver_connection))

    await asyncio.gather(*(ask() for _ in range(20)))
    await engine.dispose()

    assert len(open_files) == 1


async def test_schema_change_is_rolled_back_with_its_transaction(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "records.sqlite"))

    async def change_and_fail() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE t (x)"))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await change_and_fail()

    async with engine.connect() as connection:
        tables = (await connection.execute(text("SELECT name FROM sqlite_master"))).all()
    await engine.dispose()
    assert tables == []


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="mysql"):
        open_engine("mysql://localhost/x")
