"""The door to the database: an engine for SQLite or PostgreSQL, set up so that a commit is durable.

Invariants. SQLite has exactly one connection, through which everything goes in turn: before 3.51.3 two connections to
a WAL database can lose a commit when one checkpoints while the other writes. `synchronous=FULL` makes a commit durable.
Transactions begin and end where this package says: the driver's own rule (begin at the first write) would leave schema
changes outside of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

SQLITE_DRIVER = "sqlite+aiosqlite"
POSTGRESQL_DRIVER = "postgresql+asyncpg"
POSTGRESQL_CONNECTIONS = 5
"""Kept open; one writes, the others read."""

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
)


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, made when it does not exist."""
    return URL.create(SQLITE_DRIVER, database=str(path)).render_as_string(hide_password=False)


def open_engine(url: str) -> AsyncEngine:
    """An engine for `url`; nothing is connected yet.

    Args:
        url: `sqlite:///FILE` or `postgresql://…`; the asynchronous driver is filled in when it is not named.

    Raises:
        ValueError: For any other database.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite_engine(parsed.set(drivername=SQLITE_DRIVER))
        case "postgresql":
            return create_async_engine(
                parsed.set(drivername=POSTGRESQL_DRIVER), pool_size=POSTGRESQL_CONNECTIONS, pool_pre_ping=True
            )
        case other:
            msg = f"records are kept in sqlite or postgresql, not in {other!r}"
            raise ValueError(msg)


def open_read_only_engine(url: str) -> AsyncEngine:
    """An engine that can change nothing, and of a SQLite file neither checkpoints the log: another process may use it.

    Args:
        url: As for `open_engine`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return open_engine(url).execution_options(postgresql_readonly=True)
    file = Path(parsed.database or "").absolute().as_uri()
    read_only = URL.create(SQLITE_DRIVER, database=file, query={"mode": "ro", "uri": "true"})
    return create_async_engine(read_only, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)


def _sqlite_engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, pool_timeout=60)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
