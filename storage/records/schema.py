"""The schema in force: which step a database has reached, and bringing it to the newest.

The steps are in `storage/migrations`. Two processes that start at once on one PostgreSQL wait for each other.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.ports import StorageProblem
from storage.records.engine import open_engine

MIGRATIONS = Path(__file__).parents[1] / "migrations"
_LOCK_KEY = 0x7669_6769_6C
"""PostgreSQL advisory lock, "vigil" in ASCII."""


class SchemaOutdatedError(StorageProblem):
    """The database is not at the newest step, and was not to be changed."""

    def __init__(self, found: str | None, needed: str | None) -> None:
        super().__init__(
            f"records are at schema {found or 'none'}, this version needs {needed}: run `vigil db upgrade`"
        )
        self.found = found
        self.needed = needed


async def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema. Does nothing to one that is there already."""
    engine = open_engine(url)
    try:
        await upgrade_engine(engine)
    finally:
        await engine.dispose()


async def upgrade_engine(engine: AsyncEngine) -> None:
    """Bring the engine's database to the newest schema: all steps or none."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)


async def require_current(engine: AsyncEngine) -> None:
    """Raises SchemaOutdatedError unless the database is at the newest schema."""
    async with engine.connect() as connection:
        found = await connection.run_sync(current_revision)
    if found != newest_revision():
        raise SchemaOutdatedError(found, newest_revision())


def newest_revision() -> str | None:
    """The newest step this version knows."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """The step the database has reached; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration
