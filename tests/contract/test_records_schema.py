"""The migrations make exactly the tables that the code uses, and can be taken back."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from storage.records import schema
from storage.records.engine import open_engine
from storage.records.tables import METADATA


async def test_migrations_make_the_tables_the_code_uses(records_url: str) -> None:
    engine = open_engine(records_url)
    await schema.upgrade_engine(engine)

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrations_can_be_taken_back(records_url: str) -> None:
    engine = open_engine(records_url)
    await schema.upgrade_engine(engine)

    def downgrade(connection: Connection) -> list[str]:
        configuration = schema._configuration()
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "base")
        return inspect(connection).get_table_names()

    async with engine.begin() as connection:
        assert await connection.run_sync(downgrade) == ["alembic_version"]
    await engine.dispose()
