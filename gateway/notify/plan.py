"""Who is to be told of an alarm transition, and when: chains of receivers by escalation level, with shifts. Pure.

Rules
- A chain concerns alarms of its units, priorities, kinds and families. Its steps have a level: level 0 is told when the
  alarm begins (or is announced anew), level L when nobody acknowledged L times in time; beyond the last level the last
  is told again. A step may wait `delay_s` longer, and is then told only if the alarm is still not acknowledged.
- Of a level, the steps on shift are told; when none is, the next level's; when nobody at all is on shift, all of the
  level. An alarm is never told to nobody because of a timetable.
- What follows (acknowledged, ended, de-escalated) is told to whoever of the chain was told of the alarm before.
- One transition is told to one receiver once, whatever chains say so, at the earliest of their times.

The key of a notification is admission, number of the transition and receiver: a receiver that gets it twice knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from alerts.alarm import Alarm, AlarmTransition, Phase, SignalState
from storage.ports import PlannedNotification
from streaming.instants import format_ms

HOUSE = "house"
"""Stands in a key where there is no admission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """When somebody is there: days and a span of the day, by the clock on the wall."""

    days: frozenset[int]
    """0 is Monday; of a span over midnight, the day on which it begins."""
    from_min: int
    to_min: int
    """Minutes of the day; not after `from_min` means over midnight, the same minute means the whole day."""
    zone: ZoneInfo

    def covers(self, at_ms: int) -> bool:
        """Whether somebody is there then."""
        local = datetime.fromtimestamp(at_ms / 1000, self.zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.from_min < self.to_min:
            return day in self.days and self.from_min <= minute < self.to_min
        if minute >= self.from_min:
            return day in self.days
        return minute < self.to_min and (day - 1) % 7 in self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One receiver of a chain."""

    receiver: str
    level: int
    delay_s: float
    shift: Shift | None
    """None: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Who is told of which alarms. An empty set means: of every one."""

    units: frozenset[str]
    priorities: frozenset[str]
    kinds: frozenset[str]
    families: frozenset[str]
    steps: tuple[ChainStep, ...]

    def concerns(self, alarm: Alarm) -> bool:
        """Whether this chain is for such an alarm; one of the whole service concerns every unit."""
        unit = unit_of(alarm)
        return (
            (not self.units or unit is None or unit in self.units)
            and (not self.priorities or alarm.priority.value in self.priorities)
            and (not self.kinds or alarm.kind.value in self.kinds)
            and (not self.families or alarm.family in self.families)
        )

    def at_level(self, level: int, at_ms: int) -> Sequence[ChainStep]:
        """The steps that are told at a level, at that time."""
        last = max(step.level for step in self.steps)
        wanted = min(level, last)
        for each in range(wanted, last + 1):
            on_shift = [step for step in self.steps if step.level == each and _is_on_shift(step, at_ms)]
            if on_shift:
                return on_shift
        return [step for step in self.steps if step.level == wanted]


def _is_on_shift(step: ChainStep, at_ms: int) -> bool:
    return step.shift is None or step.shift.covers(at_ms + round(step.delay_s * 1000))


class NotificationPlan:
    """The chains in force."""

    def __init__(self, chains: Iterable[Chain]) -> None:
        self._chains = tuple(chains)

    def __call__(self, transition: AlarmTransition) -> list[PlannedNotification]:
        """Who is to be told of a transition."""
        planned: dict[str, PlannedNotification] = {}
        for chain in self._chains:
            if chain.concerns(transition.alarm):
                for notification in _of_chain(chain, transition):
                    earlier = planned.get(notification.receiver)
                    if earlier is None or notification.due_ms < earlier.due_ms:
                        planned[notification.receiver] = notification
        return list(planned.values())


def _of_chain(chain: Chain, transition: AlarmTransition) -> list[PlannedNotification]:
    level = call_level(transition)
    if level is not None:
        return [_planned(transition, step) for step in chain.at_level(level, transition.at_ms)]
    if is_follow_up(transition):
        return [_planned(transition, step, is_follow_up=True) for step in chain.steps]
    return []


def call_level(transition: AlarmTransition) -> int | None:
    """At which level a transition calls for somebody; None when it does not."""
    if transition.phase is Phase.START:
        return 0
    if transition.phase is Phase.ESCALATE:
        return max(1, transition.alarm.escalation_level)
    is_anew = transition.to is SignalState.ON and transition.from_ is not SignalState.ON
    return 0 if transition.phase is Phase.UPDATE and is_anew else None


def is_follow_up(transition: AlarmTransition) -> bool:
    """Whether it matters to those who were called."""
    return transition.phase in (Phase.ACKNOWLEDGE, Phase.END, Phase.DEESCALATE)


def _planned(transition: AlarmTransition, step: ChainStep, *, is_follow_up: bool = False) -> PlannedNotification:
    alarm = transition.alarm
    key = f"{alarm.admission_id or HOUSE}/{transition.n}/{step.receiver}"
    delay_ms = 0 if is_follow_up else round(step.delay_s * 1000)
    return PlannedNotification(
        key=key,
        receiver=step.receiver,
        alarm_id=alarm.alarm_id,
        n=transition.n,
        phase=transition.phase.value,
        at_ms=transition.at_ms,
        due_ms=transition.at_ms + delay_ms,
        only_unless_seen=not is_follow_up and (delay_ms > 0 or transition.phase is Phase.ESCALATE),
        only_if_told=is_follow_up,
        body=orjson.dumps(notification_object(key, transition), option=orjson.OPT_SORT_KEYS).decode(),
    )


def notification_object(key: str, transition: AlarmTransition) -> dict[str, Any]:
    """What a receiver gets: the transition and the alarm, without the patient's name and without all the evidence."""
    alarm = transition.alarm
    body: dict[str, Any] = {
        "alarm_id": alarm.alarm_id,
        "admission_id": alarm.admission_id,
        "unit": unit_of(alarm),
        "bed": alarm.bed.bed if alarm.bed is not None else None,
        "rule_id": alarm.rule_id,
        "family": alarm.family,
        "title": alarm.title,
        "text": alarm.evidence.get("text", alarm.title),
        "kind": alarm.kind,
        "priority": alarm.priority,
        "condition": alarm.condition,
        "signal": alarm.signal,
        "onset_at": format_ms(alarm.onset_at_ms),
        "announced_at": format_ms(alarm.announced_at_ms),
        "escalation_level": alarm.escalation_level,
    }
    if alarm.acknowledged is not None:
        body["acknowledged"] = {"by": alarm.acknowledged.by, "at": format_ms(alarm.acknowledged.at_ms)}
    return {
        "id": key,
        "type": "alarm",
        "n": transition.n,
        "at": format_ms(transition.at_ms),
        "phase": transition.phase,
        "from": transition.from_,
        "to": transition.to,
        "actor": transition.actor,
        "alarm": body,
    }


def unit_of(alarm: Alarm) -> str | None:
    """The unit an alarm is about; None for one of the whole service."""
    return alarm.unit
