"""The records: admissions, alarms, quarantine, audit and outcomes, projected from the journal.

Invariants. `apply` writes what effects say and the offset up to which they were applied in one transaction, and passes
over effects it has applied before: whatever dies, the records are those of some prefix of the journal, and applying
again from any earlier offset repairs nothing and repeats nothing. Whatever is asked while the disk or the server fails
raises `RecordsUnavailable`. Everything here can be rebuilt: `clear`, then apply
the journal from the beginning.

It decides nothing: what an alarm is and when it ends has been decided by the fold.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Self

import orjson
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerts.alarm import Alarm, AlarmTransition, SignalState
from storage.audit.chain import EMPTY, ChainHead
from storage.ports import PlannedNotification, StorageProblem
from storage.records import auditing, outbox, reading, schema
from storage.records.burden import AlarmBurden, alarm_burden
from storage.records.columns import fit_text
from storage.records.cursors import decode_cursor, encode_cursor
from storage.records.engine import open_engine
from storage.records.outbox import NotificationOutbox
from storage.records.projection import Movement, Projected, RowValues, project
from storage.records.rows import (
    AdmissionRecord,
    AlarmRecord,
    AuditKind,
    AuditRecord,
    OutcomeSummary,
    Page,
    QuarantineRecord,
)
from storage.records.tables import (
    ADMISSIONS,
    ALARMS,
    AUDIT_LOG,
    BED_ASSIGNMENTS,
    METADATA,
    OUTCOMES,
    PROJECTION_OFFSETS,
    QUARANTINE,
    TRANSITIONS,
)

_REMEDY = "check that they can be reached; a file that is damaged may be removed, for it is rebuilt from the journal"
PROJECTION = "records"
"""Name under which the applied offset is kept."""
OFFSET_LAG_MAX = 5_000
"""Journal entries without anything to write that may go by before the offset alone is written."""
OUTCOMES_AT_ONCE = 2_000
"""Lines read in one query: the one connection of SQLite is not held while they are consumed."""

AlarmState = Literal["active", "all"]
"""`active`: something is announced (on, latched or acknowledged)."""
AdmissionState = Literal["current", "all"]
"""`current`: not discharged."""


class RecordsUnavailable(StorageProblem):
    """The database cannot be used now: disk full, input/output error, damaged, or the server is away. Nothing was
    stored."""


class Records:
    """The records in one database. Made by `open`; used from one event loop."""

    def __init__(self, engine: AsyncEngine, applied_offset: int, audit_head: ChainHead) -> None:
        self._engine = engine
        self._applied_offset = applied_offset
        self._audit_head = audit_head
        self._tally = _OutcomeTally()
        self.plan_notifications: Planner = lambda _: ()
        """Who is to be told of a transition; asked when it is written, and its answer written with it."""
        self.notifications = NotificationOutbox(self._connected, self._writing)

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True) -> Self:
        """Open the records at `url` (see `storage.records.engine.open_engine`).

        Args:
            url: Where they are.
            migrate: Bring the schema up to date first; else it has to be so already.

        Raises:
            SchemaOutdatedError: The schema is not the newest, and `migrate` is false.
            RecordsUnavailable: There is no database there that can be used.
        """
        engine = open_engine(url)
        try:
            await (schema.upgrade_engine(engine) if migrate else schema.require_current(engine))
            async with engine.connect() as connection:
                applied = await _read_applied_offset(connection)
                audit_head = await auditing.read_head(connection)
        except (DBAPIError, OSError) as error:
            await engine.dispose()
            raise RecordsUnavailable(
                f"the records at {engine.url} cannot be opened ({_cause(error)}); {_REMEDY}"
            ) from error
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine, applied, audit_head)

    async def close(self) -> None:
        """Close every connection. What was applied is durable already."""
        await self._engine.dispose()

    @property
    def applied_offset(self) -> int:
        """Journal offset up to which effects were applied, 0 for none; may lag when there was nothing to write."""
        return self._applied_offset

    @property
    def audit_head(self) -> ChainHead:
        """The last entry of the audit log that is durable."""
        return self._audit_head

    async def apply(
        self,
        batch: Sequence[tuple[int, Sequence[object]]],
        outcome_lines: Sequence[tuple[int, str]],
        up_to_offset: int,
        *,
        force: bool = False,
    ) -> None:
        """Write what a run of journal entries did.

        Args:
            batch: (offset, effects of that entry), by growing offset; entries without effects may be left out.
            outcome_lines: (offset, line as `vigil replay` would write it, without newline), in order.
            up_to_offset: The last entry of the run: the offset that is recorded as applied.
            force: Record the offset even where nothing else is to be written (before the journal is trimmed, at the
                end). Without it a lag of `OFFSET_LAG_MAX` entries is accepted.

        Raises:
            RecordsUnavailable: The disk or the server failed; the same call may be made again.
        """
        projected = project(batch, after=self._applied_offset)
        lines = _beyond(self._applied_offset, outcome_lines)
        lag = up_to_offset - self._applied_offset
        if projected.is_empty() and not lines and (lag <= 0 or (lag <= OFFSET_LAG_MAX and not force)):
            return
        async with _failures_named(), self._engine.begin() as connection:
            applied = await _read_applied_offset(connection, for_update=True)
            if applied != self._applied_offset:  # an earlier call was cut off between its commit and its return
                projected = project(batch, after=applied)
                lines = _beyond(applied, outcome_lines)
            reached = max(applied, up_to_offset)
            await _write(connection, projected)
            audit_head = await auditing.append(connection, projected.audit)
            await _append_outcomes(connection, lines)
            await outbox.append(connection, self._planned(batch, applied))
            await _upsert(connection, PROJECTION_OFFSETS, [{"name": PROJECTION, "offset": reached}])
        self._applied_offset = reached
        self._audit_head = audit_head

    def _planned(
        self, batch: Sequence[tuple[int, Sequence[object]]], applied: int
    ) -> list[tuple[int, PlannedNotification]]:
        return [
            (offset, planned)
            for offset, effects in batch
            if offset > applied
            for effect in effects
            if isinstance(effect, AlarmTransition)
            for planned in self.plan_notifications(effect)
        ]

    async def clear(self) -> None:
        """Forget everything, to be rebuilt from the journal."""
        async with self._engine.begin() as connection:
            await auditing.clear(connection)
            for table in reversed(METADATA.sorted_tables):
                await connection.execute(delete(table))
        self._applied_offset = 0
        self._audit_head = EMPTY
        self._tally = _OutcomeTally()

    async def admissions(
        self, *, state: AdmissionState = "all", limit: int = 100, cursor: str | None = None
    ) -> Page[AdmissionRecord]:
        """Admissions, the latest first."""
        wanted = ADMISSIONS.c.discharged_at_ms.is_(None) if state == "current" else true()
        async with self._connected() as connection:
            rows, following = await _page(
                connection, select(ADMISSIONS).where(wanted), _NEWEST_ADMISSION, limit=limit, cursor=cursor
            )
            records = await _with_assignments(connection, rows)
        return Page(records, following)

    async def admission(self, admission_id: str) -> AdmissionRecord | None:
        """One admission, or None."""
        query = select(ADMISSIONS).where(ADMISSIONS.c.admission_id == fit_text(admission_id))
        async with self._connected() as connection:
            rows = (await connection.execute(query)).mappings().all()
            records = await _with_assignments(connection, rows)
        return records[0] if records else None

    async def alarms(
        self,
        *,
        state: AlarmState = "all",
        admission_id: str | None = None,
        since_ms: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Alarm]:
        """Alarms by the time they were announced, the latest first; `since_ms` is the earliest such time."""
        query = select(ALARMS)
        if state == "active":
            query = query.where(ALARMS.c.signal != SignalState.OFF.value)
        if admission_id is not None:
            query = query.where(ALARMS.c.admission_id == fit_text(admission_id))
        if since_ms is not None:
            query = query.where(ALARMS.c.announced_at_ms >= since_ms)
        async with self._connected() as connection:
            rows, following = await _page(connection, query, _NEWEST_ALARM, limit=limit, cursor=cursor)
        return Page(tuple(reading.read_alarm(row) for row in rows), following)

    async def alarm(self, alarm_id: str) -> AlarmRecord | None:
        """One alarm with its transitions, or None."""
        wanted = fit_text(alarm_id)
        steps = (
            select(TRANSITIONS).where(TRANSITIONS.c.alarm_id == wanted).order_by(TRANSITIONS.c.offset, TRANSITIONS.c.n)
        )
        async with self._connected() as connection:
            row = (await connection.execute(select(ALARMS).where(ALARMS.c.alarm_id == wanted))).mappings().first()
            if row is None:
                return None
            transitions = (await connection.execute(steps)).mappings().all()
            deliveries = await outbox.deliveries_of(connection, wanted)
        return AlarmRecord(
            alarm=reading.read_alarm(row),
            transitions=tuple(reading.read_transition(each) for each in transitions),
            deliveries=deliveries,
        )

    async def alarm_burden(self, from_ms: int, to_ms: int, *, unit: str | None = None) -> AlarmBurden:
        """How much people were called in a time, of one unit or of all."""
        async with self._connected() as connection:
            return await alarm_burden(connection, from_ms, to_ms, None if unit is None else fit_text(unit))

    async def quarantine(
        self, *, since_ms: int | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[QuarantineRecord]:
        """Rejected input, the latest first; `since_ms` is the earliest time of receipt."""
        query = select(QUARANTINE)
        if since_ms is not None:
            query = query.where(QUARANTINE.c.received_ms >= since_ms)
        async with self._connected() as connection:
            rows, following = await _page(connection, query, _NEWEST_QUARANTINE, limit=limit, cursor=cursor)
        return Page(tuple(reading.read_quarantine(row) for row in rows), following)

    async def audit(
        self,
        *,
        kind: AuditKind | None = None,
        since_ms: int | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AuditRecord]:
        """The audit log, the latest entry first; `since_ms` is the earliest time of what happened."""
        query = select(AUDIT_LOG)
        if kind is not None:
            query = query.where(AUDIT_LOG.c.kind == kind)
        async with self._connected() as connection:
            if since_ms is not None:
                first = await auditing.first_since(connection, since_ms)
                query = query.where(AUDIT_LOG.c.at_ms >= since_ms, AUDIT_LOG.c.number >= first)
            rows, following = await _page(connection, query, _NEWEST_AUDIT, limit=limit, cursor=cursor)
        return Page(tuple(reading.read_audit(row) for row in rows), following)

    async def doses(self, admission_id: str) -> Sequence[Mapping[str, Any]]:
        """Every dose of a stay that was begun, held or missed, as it was last recorded."""
        query = select(AUDIT_LOG).where(AUDIT_LOG.c.kind == "dose", AUDIT_LOG.c.subject_id == admission_id)
        async with self._connected() as connection:
            rows = (await connection.execute(query.order_by(AUDIT_LOG.c.number))).mappings().all()
        bodies: Sequence[Mapping[str, Any]] = [reading.read_audit(row).body for row in rows]
        latest = {(body["number"], body["due_ms"]): body for body in bodies}  # numbers begin anew with a cycle
        return list(latest.values())

    async def audit_hash(self, number: int) -> str | None:
        """The hash of one entry of the audit log; None when there is no such entry."""
        async with self._connected() as connection:
            query = select(AUDIT_LOG.c.hash).where(AUDIT_LOG.c.number == number)
            found: str | None = (await connection.execute(query)).scalar()
        return found

    async def outcomes(self, *, after: int = 0) -> AsyncIterator[str]:
        """Outcome lines of the live run in order, without newlines.

        Args:
            after: How many lines to pass over.
        """
        while lines := await self._outcomes_after(after):
            for line in lines:
                yield line
            after += len(lines)

    async def outcome_summary(self) -> OutcomeSummary:
        """Count and hash of all outcome lines. Reads only lines that were added since the last call."""
        tally = self._tally
        async with tally.lock:
            while lines := await self._outcomes_after(tally.lines):
                tally.add(lines)
            return tally.summary()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with; raises `RecordsUnavailable`."""
        async with _failures_named(), self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction; raises `RecordsUnavailable`."""
        async with _failures_named(), self._engine.begin() as connection:
            yield connection

    async def _outcomes_after(self, ordinal: int) -> Sequence[str]:
        query = (
            select(OUTCOMES.c.line)
            .where(OUTCOMES.c.ordinal > ordinal)
            .order_by(OUTCOMES.c.ordinal)
            .limit(OUTCOMES_AT_ONCE)
        )
        async with self._connected() as connection:
            return (await connection.execute(query)).scalars().all()


Planner = Callable[[AlarmTransition], Sequence[PlannedNotification]]
"""Who is to be told of a transition."""


class _OutcomeTally:
    """Count and hash of outcome lines so far."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.lines = 0
        self._by_type: Counter[str] = Counter()
        self._hash = hashlib.sha256()

    def add(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._by_type[orjson.loads(line)["type"]] += 1
            self._hash.update(line.encode() + b"\n")
        self.lines += len(lines)

    def summary(self) -> OutcomeSummary:
        return OutcomeSummary(lines=self.lines, by_type=dict(self._by_type), sha256=self._hash.hexdigest())


_SortColumns = tuple[ColumnElement[Any], ...]
_NEWEST_ADMISSION: _SortColumns = (ADMISSIONS.c.admitted_at_ms, ADMISSIONS.c.admission_id)
_NEWEST_ALARM: _SortColumns = (ALARMS.c.announced_at_ms, ALARMS.c.alarm_id)
_NEWEST_QUARANTINE: _SortColumns = (QUARANTINE.c.offset, QUARANTINE.c.ordinal)
_NEWEST_AUDIT: _SortColumns = (AUDIT_LOG.c.number,)


async def _page(
    connection: AsyncConnection, query: Select[Any], sort: _SortColumns, *, limit: int, cursor: str | None
) -> tuple[Sequence[RowMapping], str | None]:
    """The rows that follow `cursor`, greatest sort key first, and the cursor of the next page."""
    if cursor is not None:
        query = query.where(tuple_(*sort) < decode_cursor(cursor, tuple(column.type.python_type for column in sort)))
    query = query.order_by(*(column.desc() for column in sort)).limit(limit + 1)
    rows = (await connection.execute(query)).mappings().all()
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, encode_cursor(tuple(page[-1][column] for column in sort))


async def _with_assignments(connection: AsyncConnection, rows: Sequence[RowMapping]) -> tuple[AdmissionRecord, ...]:
    query = (
        select(BED_ASSIGNMENTS)
        .where(BED_ASSIGNMENTS.c.admission_id.in_([row["admission_id"] for row in rows]))
        .order_by(BED_ASSIGNMENTS.c.offset)
    )
    beds: dict[str, list[RowMapping]] = {row["admission_id"]: [] for row in rows}
    for assignment in (await connection.execute(query)).mappings():
        beds[assignment["admission_id"]].append(assignment)
    return tuple(reading.read_admission(row, beds[row["admission_id"]]) for row in rows)


def _cause(error: Exception) -> object:
    """What the driver said, without what SQLAlchemy puts around it."""
    return getattr(error, "orig", None) or error


@asynccontextmanager
async def _failures_named() -> AsyncIterator[None]:
    """A failure of the disk or the server as `RecordsUnavailable`; what is wrong with a statement stays what it is.

    A server that goes away or comes back has many ways to say so, and the driver has no common name for them; what is
    wrong with a statement has one.
    """
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError, NotSupportedError) as error:
        if not error.connection_invalidated:
            raise
        raise RecordsUnavailable(f"the connection to the records was lost ({_cause(error)})") from error
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise RecordsUnavailable(f"the records cannot be used ({_cause(error)})") from error


def _beyond(applied: int, lines: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(offset, line) for offset, line in lines if offset > applied]


async def _read_applied_offset(connection: AsyncConnection, *, for_update: bool = False) -> int:
    query = select(PROJECTION_OFFSETS.c.offset).where(PROJECTION_OFFSETS.c.name == PROJECTION)
    return (await connection.execute(query.with_for_update() if for_update else query)).scalar() or 0


async def _write(connection: AsyncConnection, projected: Projected) -> None:
    await _upsert(connection, ADMISSIONS, list(projected.admissions.values()))
    for movement in projected.movements:
        await _move(connection, movement)
    await _upsert(connection, ALARMS, list(projected.alarms.values()))
    await _append(connection, TRANSITIONS, projected.transitions)
    await _append(connection, QUARANTINE, projected.quarantine)


async def _move(connection: AsyncConnection, movement: Movement) -> None:
    still_there = (BED_ASSIGNMENTS.c.admission_id == movement.admission_id) & BED_ASSIGNMENTS.c.to_ms.is_(None)
    await connection.execute(update(BED_ASSIGNMENTS).where(still_there).values(to_ms=movement.at_ms))
    if movement.came_to is not None:
        await connection.execute(insert(BED_ASSIGNMENTS), movement.came_to)


async def _append(connection: AsyncConnection, table: Table, rows: Sequence[RowValues]) -> None:
    if rows:
        await connection.execute(insert(table), rows)


async def _append_outcomes(connection: AsyncConnection, lines: Sequence[tuple[int, str]]) -> None:
    if not lines:
        return
    last = (await connection.execute(select(func.max(OUTCOMES.c.ordinal)))).scalar() or 0
    await _append(
        connection,
        OUTCOMES,
        [
            {"ordinal": ordinal, "offset": offset, "line": fit_text(line)}
            for ordinal, (offset, line) in enumerate(lines, last + 1)
        ],
    )


async def _upsert(connection: AsyncConnection, table: Table, rows: Sequence[RowValues]) -> None:
    """Insert rows, or bring those that exist to the new values."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    key = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)
