"""The alarms of one stay: each time one begins to be announced, how long its condition lasted, when somebody saw it.

An alarm that gets worse while it lasts (a policy lets conditions of one cause join) counts once, under the rule and the
priority of the worst it came to.
"""

from __future__ import annotations

from dataclasses import replace

from alerts.alarm import AlarmTransition, ConditionState, Priority, SignalState
from gateway.backtest.figures import Announcement

RANKS = {priority.value: rank for rank, priority in enumerate((Priority.LOW, Priority.MEDIUM, Priority.HIGH))}
SILENT = frozenset({SignalState.OFF, SignalState.LATCHED})
"""From these an alarm that goes on begins to be announced: its condition is there, or there again."""


class AlarmTally:
    """Transitions in, announcements out."""

    __slots__ = ("_found", "_open")

    def __init__(self) -> None:
        self._found: list[Announcement] = []
        """In order of announcement."""
        self._open: dict[str, int] = {}
        """By alarm: place of the announcement that is not over."""

    @property
    def announcements(self) -> tuple[Announcement, ...]:
        """Those begun so far."""
        return tuple(self._found)

    def take(self, transition: AlarmTransition) -> None:
        """Take the next step of one of the stay's alarms."""
        alarm = transition.alarm
        if transition.to is SignalState.ON and transition.from_ in SILENT:
            self._open[alarm.alarm_id] = len(self._found)
            self._found.append(_begun(transition))
            return
        place = self._open.get(alarm.alarm_id)
        if place is None:
            return
        self._found[place] = _gone_on(self._found[place], transition)
        if transition.to is SignalState.OFF:
            del self._open[alarm.alarm_id]


def _begun(transition: AlarmTransition) -> Announcement:
    alarm = transition.alarm
    return Announcement(
        rule_id=alarm.rule_id,
        family=alarm.family,
        priority=alarm.priority.value,
        kind=alarm.kind.value,
        announced_ms=transition.at_ms,
        until_ms=None,
        acknowledged_ms=None,
    )


def _gone_on(announcement: Announcement, transition: AlarmTransition) -> Announcement:
    alarm = transition.alarm
    if RANKS[alarm.priority.value] > RANKS[announcement.priority]:
        announcement = replace(announcement, rule_id=alarm.rule_id, priority=alarm.priority.value)
    if alarm.condition is ConditionState.ABSENT and announcement.until_ms is None:
        announcement = replace(announcement, until_ms=transition.at_ms)
    if alarm.acknowledged is not None and announcement.acknowledged_ms is None:
        acknowledged_ms = max(alarm.acknowledged.at_ms, announcement.announced_ms)
        announcement = replace(announcement, acknowledged_ms=acknowledged_ms)
    return announcement
