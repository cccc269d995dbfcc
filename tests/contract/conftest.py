"""Databases for the contract of the records: SQLite always, PostgreSQL where a server is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.records import Records, sqlite_url
from tests.support.postgres import Postgres, postgres_binaries


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres | None]:
    """A running server, or None where there is none installed."""
    binaries = postgres_binaries()
    server = Postgres(binaries) if binaries else None
    yield server
    if server:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "records.sqlite")
    server: Postgres | None = request.getfixturevalue("postgres")
    if server is None:
        pytest.skip("no PostgreSQL server is installed (/usr/lib/postgresql/*/bin)")
    return server.new_database()


@pytest.fixture
async def records(records_url: str) -> AsyncIterator[Records]:
    """Open, empty records."""
    opened = await Records.open(records_url)
    yield opened
    await opened.close()
