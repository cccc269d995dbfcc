"""How much people were called: alarms per bed and day, how long they waited, and how many were over before anyone came.

Counted from what the records hold: an alarm belongs to the time in which it was first announced, with the rule and the
priority it has or ended with. A bed counts while a patient is assigned to it. Alarms of the house are no bed's, and are
left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.alarm import Phase, SignalState
from storage.records.projection import HOUSE
from storage.records.tables import ALARMS, BED_ASSIGNMENTS, TRANSITIONS

DAY_MS = 86_400_000
SHORT_MS = 17_000
"""Median duration of an alarm on an intensive care unit (Görges 2009): what is shorter nobody can respond to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmBurden:
    """What people were called for in a time."""

    bed_days: float
    alarms: int
    by_rule: Mapping[tuple[str, str], int]
    """By rule and priority."""
    acknowledged: int
    median_wait_ms: int | None
    """From the first announcement to the first acknowledgement; None without any."""
    p90_wait_ms: int | None
    short: int
    """Alarms whose condition had passed within 17 s."""
    calls: int
    """How often people were called for them: when they began, were announced anew or reminded of, and rose."""


async def alarm_burden(connection: AsyncConnection, from_ms: int, to_ms: int, unit: str | None) -> AlarmBurden:
    """The burden of a time, of one unit or of all."""
    seen = (
        select(TRANSITIONS.c.alarm_id, func.min(TRANSITIONS.c.at_ms).label("seen_ms"))
        .where(
            or_(
                TRANSITIONS.c.phase == Phase.ACKNOWLEDGE.value,
                and_(
                    TRANSITIONS.c.from_signal == SignalState.LATCHED.value,
                    TRANSITIONS.c.phase == Phase.END.value,
                    TRANSITIONS.c.actor != "vigil",
                ),
            )
        )
        .group_by(TRANSITIONS.c.alarm_id)
        .subquery()
    )
    is_anew = and_(
        TRANSITIONS.c.phase == Phase.UPDATE.value,
        TRANSITIONS.c.to_signal == SignalState.ON.value,
        TRANSITIONS.c.from_signal != SignalState.ON.value,
    )
    called = (
        select(TRANSITIONS.c.alarm_id, func.count().label("calls"))
        .where(or_(TRANSITIONS.c.phase.in_((Phase.START.value, Phase.ESCALATE.value)), is_anew))
        .group_by(TRANSITIONS.c.alarm_id)
        .subquery()
    )
    of_alarm = (ALARMS.c.rule_id, ALARMS.c.priority, ALARMS.c.announced_at_ms, ALARMS.c.cleared_at_ms)
    query = (
        select(*of_alarm, seen.c.seen_ms, called.c.calls)
        .join(seen, seen.c.alarm_id == ALARMS.c.alarm_id, isouter=True)
        .join(called, called.c.alarm_id == ALARMS.c.alarm_id, isouter=True)
        .where(ALARMS.c.announced_at_ms >= from_ms, ALARMS.c.announced_at_ms < to_ms, ALARMS.c.admission_id != HOUSE)
    )
    if unit is not None:
        query = query.where(ALARMS.c.unit == unit)
    rows = (await connection.execute(query)).mappings().all()
    waits = sorted(row["seen_ms"] - row["announced_at_ms"] for row in rows if row["seen_ms"] is not None)
    lasted = [row["cleared_at_ms"] - row["announced_at_ms"] for row in rows if row["cleared_at_ms"] is not None]
    return AlarmBurden(
        bed_days=await _bed_days(connection, from_ms, to_ms, unit),
        alarms=len(rows),
        by_rule=Counter((row["rule_id"], row["priority"]) for row in rows),
        acknowledged=len(waits),
        median_wait_ms=_quantile(waits, 0.5),
        p90_wait_ms=_quantile(waits, 0.9),
        short=sum(lasted_ms < SHORT_MS for lasted_ms in lasted),
        calls=sum(row["calls"] or 0 for row in rows),
    )


async def _bed_days(connection: AsyncConnection, from_ms: int, to_ms: int, unit: str | None) -> float:
    beds = BED_ASSIGNMENTS.c
    is_inside = and_(beds.from_ms < to_ms, or_(beds.to_ms.is_(None), beds.to_ms > from_ms))
    query = select(beds.from_ms, beds.to_ms).where(is_inside)
    if unit is not None:
        query = query.where(beds.unit == unit)
    stays = (await connection.execute(query)).all()
    inside = (min(to_ms, to_ms if end is None else int(end)) - max(from_ms, int(begin)) for begin, end in stays)
    return sum(inside, start=0) / DAY_MS


def _quantile(ordered: Sequence[int], share: float) -> int | None:
    """The least value that `share` of all do not exceed."""
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None
