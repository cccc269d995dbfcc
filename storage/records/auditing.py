"""The audit log in the database: added to in the records' transaction, read as it is stored, guarded by triggers.

Invariants. An entry is chained to the one before it in the transaction that writes what it is about and the applied
offset, so that a crash neither loses nor doubles one. Nothing here changes or removes an entry, but for `clear`, when
all records are forgotten to be made again. What is read is not judged (`storage.audit.verification` does).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from sqlalchemy import Row, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.audit.chain import EMPTY, AuditEntry, ChainHead, link
from storage.ports import StorageProblem
from storage.records import schema
from storage.records.engine import open_read_only_engine
from storage.records.projection import RowValues
from storage.records.tables import AUDIT_LOG

READ_AT_ONCE = 2_000
ONE_BY_ONE = 200
"""Entries that are asked for singly where a whole part cannot be read."""
OUT_OF_TIME_MAX = 1_000
_BEFORE_ALL, _AFTER_ALL = -(2**63), 2**63 - 1
_NAMES = tuple(each.name for each in fields(AuditEntry))
_COLUMNS = tuple(AUDIT_LOG.c[name] for name in _NAMES)
GUARDS = {
    "sqlite": frozenset({"audit_log_no_update", "audit_log_no_delete", "audit_log_only_next"}),
    "postgresql": frozenset({"audit_log_only_next", "audit_log_no_truncate"}),
}
"""Names of the triggers that migration 0002 makes."""
_POSTGRESQL_GUARDS_IN_FORCE = (
    "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass AND NOT tgisinternal AND tgenabled <> 'D'"
)
_SQLITE_GUARDS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that the database has and cannot give."""

    number: int
    reason: str


class AuditLogUnavailable(StorageProblem):
    """There is no audit log to be read there."""


async def read_head(connection: AsyncConnection) -> ChainHead:
    """The last entry."""
    query = select(AUDIT_LOG.c.number, AUDIT_LOG.c.hash, AUDIT_LOG.c.at_ms).order_by(AUDIT_LOG.c.number.desc()).limit(1)
    row = (await connection.execute(query)).first()
    return ChainHead(*row) if row else EMPTY


async def first_since(connection: AsyncConnection, since_ms: int) -> int:
    """A number below which nothing happened at or after `since_ms`: so that the whole log need not be looked through.

    Entries follow each other in time; should some ever not, `OUT_OF_TIME_MAX` of them are allowed for.
    """
    query = select(AUDIT_LOG.c.number).where(AUDIT_LOG.c.at_ms >= since_ms).order_by(AUDIT_LOG.c.at_ms).limit(1)
    first = (await connection.execute(query)).scalar()
    return _AFTER_ALL if first is None else first - OUT_OF_TIME_MAX


async def append(connection: AsyncConnection, rows: Sequence[RowValues], head: ChainHead | None = None) -> ChainHead:
    """Chain `rows` to the log's last entry; return the new head.

    Args:
        connection: Of the transaction that writes what the entries are about.
        rows: As `storage.records.projection` makes them.
        head: The last entry, where it is known.
    """
    linked, new_head = link(rows, head or await read_head(connection))
    if linked:
        await connection.execute(insert(AUDIT_LOG), linked)
    return new_head


async def clear(connection: AsyncConnection) -> None:
    """Remove every entry: the triggers step aside for this transaction, and stand again when it ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER USER"))
        await connection.execute(delete(AUDIT_LOG))
        await connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER USER"))
        return
    guards = (await connection.execute(text(_SQLITE_GUARDS))).all()
    for name, _ in guards:
        await connection.execute(text(f"DROP TRIGGER {name}"))
    await connection.execute(delete(AUDIT_LOG))
    for _, statement in guards:
        await connection.execute(text(statement))


class AuditLogReader:
    """Reads an audit log as it is stored, also while a gateway adds to it. It can change nothing. Made by `open`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the log of the records at `url`.

        Raises:
            AuditLogUnavailable: There is none, or it cannot be reached.
            SchemaOutdatedError: It is of another version.
        """
        engine = open_read_only_engine(url)
        try:
            await schema.require_current(engine)
        except (DBAPIError, OSError) as error:
            await engine.dispose()
            cause = getattr(error, "orig", None) or error
            raise AuditLogUnavailable(f"the audit log at {engine.url} cannot be read ({cause})") from error
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine)

    async def close(self) -> None:
        """Close the connection."""
        await self._engine.dispose()

    async def length(self) -> int:
        """About how many entries there are: the greatest number."""
        async with self._engine.connect() as connection:
            return (await connection.execute(select(func.max(AUDIT_LOG.c.number)))).scalar() or 0

    async def missing_guards(self) -> list[str]:
        """Triggers that should keep the log from being changed and are not in force."""
        dialect = self._engine.dialect.name
        query = _POSTGRESQL_GUARDS_IN_FORCE if dialect == "postgresql" else _SQLITE_GUARDS
        async with self._engine.connect() as connection:
            there = {str(row[0]) for row in await connection.execute(text(query))}
        return sorted(GUARDS[dialect] - there)

    async def entries(self) -> AsyncIterator[Sequence[AuditEntry | Unreadable]]:
        """All entries in order of their numbers, some at a time; one that cannot be read hides none of the others."""
        after: int | None = _BEFORE_ALL
        while after is not None:
            try:
                part: Sequence[AuditEntry | Unreadable] = await self._part(after)
                reached = max((each.number for each in part), default=None)  # a damaged file's are not in order
            except DBAPIError as error:
                part, reached = await self._one_by_one(max(after, 0), error)
            if part:
                yield part
            after = reached if reached is not None and reached > after else None

    async def _part(self, after: int) -> Sequence[AuditEntry]:
        query = select(*_COLUMNS).where(AUDIT_LOG.c.number > after).order_by(AUDIT_LOG.c.number).limit(READ_AT_ONCE)
        async with self._engine.connect() as connection:
            return [_entry(row) for row in await connection.execute(query)]

    async def _one_by_one(self, after: int, error: DBAPIError) -> tuple[list[AuditEntry | Unreadable], int | None]:
        """Entries that follow `after`, some of which cannot be read, and how far that is; None: no further."""
        try:
            last = min(after + ONE_BY_ONE, await self.length())
        except DBAPIError:
            last = after
        found = [await self._single(number) for number in range(after + 1, last + 1)]
        if not any(isinstance(each, AuditEntry) for each in found):
            return [Unreadable(after + 1, f"nor can any that follows: {error.orig}")], None
        return [each for each in found if each is not None], last

    async def _single(self, number: int) -> AuditEntry | Unreadable | None:
        query = select(*_COLUMNS).where(AUDIT_LOG.c.number == number)
        try:
            async with self._engine.connect() as connection:
                row = (await connection.execute(query)).first()
        except DBAPIError as error:
            return Unreadable(number, str(error.orig))
        return None if row is None else _entry(row)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(**dict(zip(_NAMES, row, strict=True)))
