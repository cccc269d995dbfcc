"""The outbox of notifications: what receivers are to be told of alarms, and what became of it.

Invariants. A row comes into being in the transaction that records the transition it is about, once for each key; so no
transition is recorded without its notifications, and none is notified that is not recorded. Rows are never taken out.
Who sends what a row says marks it afterwards: one that dies in between leaves it waiting, to be sent again under the
same key. What became of a row is known here alone, and in no journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import cast

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.alarm import SignalState
from storage.ports import PlannedNotification
from storage.records.columns import fit_int, fit_text, fit_text_or_none
from storage.records.rows import DeliveryRecord, DeliveryState
from storage.records.tables import ALARMS, NOTIFICATIONS

Connecting = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
REMARK_MAX = 500


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """A notification whose time has come, and what decides whether it is still worth sending."""

    delivery: DeliveryRecord
    is_seen: bool
    """The alarm was acknowledged, or has ended."""
    is_over: bool
    """The alarm has ended."""
    was_told: bool
    """The receiver was told of the alarm before."""


class NotificationOutbox:
    """The outbox in one database. Its methods raise `RecordsUnavailable`."""

    def __init__(self, reading: Connecting, writing: Connecting) -> None:
        self._reading = reading
        self._writing = writing

    async def due(self, receiver: str, now_ms: int, limit: int = 20) -> Sequence[WaitingDelivery]:
        """What a receiver is to be told by now, oldest first."""
        row = NOTIFICATIONS.c
        earlier = NOTIFICATIONS.alias()
        was_told = (
            select(func.count())
            .where(earlier.c.alarm_id == row.alarm_id, earlier.c.receiver == row.receiver, earlier.c.state == "sent")
            .scalar_subquery()
        )
        query = (
            select(NOTIFICATIONS, ALARMS.c.signal.label("signal"), was_told.label("told"))
            .outerjoin(ALARMS, ALARMS.c.alarm_id == row.alarm_id)
            .where(row.receiver == receiver, row.state == "waiting", row.due_ms <= now_ms)
            .order_by(row.due_ms, row.offset, row.n)
            .limit(limit)
        )
        async with self._reading() as connection:
            return [_waiting(found) for found in (await connection.execute(query)).mappings()]

    async def settle(self, key: str, state: DeliveryState, at_ms: int, remark: str | None = None) -> None:
        """Note what became of a notification for good; `sent` counts as one attempt more."""
        values = {"state": state, "settled_ms": fit_int(at_ms), "remark": _remark(remark)}
        statement = update(NOTIFICATIONS).where(NOTIFICATIONS.c.key == key, NOTIFICATIONS.c.state == "waiting")
        is_attempt = state in ("sent", "failed")
        async with self._writing() as connection:
            await connection.execute(statement.values(**values, attempts=NOTIFICATIONS.c.attempts + int(is_attempt)))

    async def postpone(self, key: str, next_try_ms: int, remark: str) -> None:
        """Note an attempt that failed, and when the next is."""
        statement = update(NOTIFICATIONS).where(NOTIFICATIONS.c.key == key)
        async with self._writing() as connection:
            await connection.execute(
                statement.values(
                    attempts=NOTIFICATIONS.c.attempts + 1, next_try_ms=fit_int(next_try_ms), remark=_remark(remark)
                )
            )

    async def cancel_others(self, receivers: Iterable[str], at_ms: int) -> int:
        """Cancel what waits for receivers that there are no longer; how much that was."""
        statement = (
            update(NOTIFICATIONS)
            .where(NOTIFICATIONS.c.state == "waiting", NOTIFICATIONS.c.receiver.not_in(sorted(receivers)))
            .values(state="cancelled", settled_ms=fit_int(at_ms), remark="the receiver is no longer configured")
        )
        async with self._writing() as connection:
            return int((await connection.execute(statement)).rowcount)


async def deliveries_of(connection: AsyncConnection, alarm_id: str) -> tuple[DeliveryRecord, ...]:
    """Every notification of an alarm, oldest first."""
    row = NOTIFICATIONS.c
    query = select(NOTIFICATIONS).where(row.alarm_id == fit_text(alarm_id)).order_by(row.due_ms, row.n, row.receiver)
    return tuple(_record(found) for found in (await connection.execute(query)).mappings())


async def append(connection: AsyncConnection, planned: Sequence[tuple[int, PlannedNotification]]) -> None:
    """Put notifications, each with the offset of its entry, into the outbox; a key that is there stays as it is."""
    if not planned:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(NOTIFICATIONS).on_conflict_do_nothing(index_elements=["key"])
    await connection.execute(statement, [_row(offset, each) for offset, each in planned])


def _row(offset: int, planned: PlannedNotification) -> dict[str, object]:
    return {
        "key": fit_text(planned.key),
        "receiver": fit_text(planned.receiver),
        "alarm_id": fit_text(planned.alarm_id),
        "n": fit_int(planned.n),
        "offset": offset,
        "phase": planned.phase,
        "at_ms": fit_int(planned.at_ms),
        "due_ms": fit_int(planned.due_ms),
        "only_unless_seen": int(planned.only_unless_seen),
        "only_if_told": int(planned.only_if_told),
        "body": fit_text(planned.body),
        "state": "waiting",
        "attempts": 0,
        "next_try_ms": fit_int(planned.due_ms),
        "settled_ms": None,
        "remark": None,
    }


def _waiting(row: RowMapping) -> WaitingDelivery:
    signal = row["signal"] or SignalState.OFF.value
    return WaitingDelivery(
        delivery=_record(row),
        is_seen=signal in (SignalState.ACKNOWLEDGED.value, SignalState.OFF.value),
        is_over=signal == SignalState.OFF.value,
        was_told=row["told"] > 0,
    )


def _record(row: RowMapping) -> DeliveryRecord:
    return DeliveryRecord(
        key=row["key"],
        receiver=row["receiver"],
        alarm_id=row["alarm_id"],
        n=row["n"],
        phase=row["phase"],
        at_ms=row["at_ms"],
        due_ms=row["due_ms"],
        only_unless_seen=bool(row["only_unless_seen"]),
        only_if_told=bool(row["only_if_told"]),
        body=row["body"],
        state=cast(DeliveryState, row["state"]),
        attempts=row["attempts"],
        next_try_ms=row["next_try_ms"],
        settled_ms=row["settled_ms"],
        remark=row["remark"],
    )


def _remark(remark: str | None) -> str | None:
    return fit_text_or_none(remark[:REMARK_MAX] if remark is not None else None)
