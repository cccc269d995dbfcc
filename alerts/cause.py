"""One cause: an alarm with the conditions that are its parts, and what is remembered of it between two looks.

A cause is a rule with its subject, or a group of the policy; it has one alarm at a time. It decides nothing: the moves
are made by `alerts.book`, the instants reckoned by `alerts.timers`, beginnings counted by `alerts.damping`.
"""

from __future__ import annotations

from alerts.alarm import Alarm, ConditionState
from alerts.conditions import CauseKey, Member, MemberKey, is_further
from alerts.lifecycle import AlarmEvent
from alerts.policy import Group
from streaming.durations import NEVER_DUE_MS


class Cause:
    """One alarm with its parts and timers. Instants are gateway milliseconds."""

    __slots__ = (
        "alarm",
        "announced_for",
        "begun",
        "group",
        "heard",
        "key",
        "members",
        "quiet_until_ms",
        "remind_ms",
        "reminded",
        "unseen_ms",
    )

    def __init__(self, key: CauseKey, group: Group | None, alarm: Alarm) -> None:
        self.key = key
        self.group = group
        self.alarm = alarm
        self.members: dict[MemberKey, Member] = {}
        self.heard: set[MemberKey] = set()
        """Parts held at the last look."""
        self.begun: dict[MemberKey, list[int]] = {}
        """When each part began lately, as far back as damping looks."""
        self.announced_for = AlarmEvent.ONSET
        """For what it was last announced: something begins or worsens, or people are reminded."""
        self.unseen_ms: int | None = None
        """Since when somebody is waited for."""
        self.remind_ms: int | None = None
        self.reminded = 0
        """How often people were reminded since something new was announced."""
        self.quiet_until_ms: int | None = None
        """When an alarm that came and went too often, and is absent now, has been quiet for long enough."""

    @property
    def due_ms(self) -> int:
        """When time alone changes something."""
        is_there = self.alarm.condition is not ConditionState.ABSENT
        dues = (self.alarm.next_escalation_at_ms, self.remind_ms if is_there else None, self.quiet_until_ms)
        return min((due for due in dues if due is not None), default=NEVER_DUE_MS)

    def is_outdone(self, member: Member) -> bool:
        """Whether a part held at the last look is a further step of what the member measures."""
        group = self.group
        return group is not None and any(
            other.key in self.heard
            and (is_further(other.rule, member.rule) or group.outdoes(other.rule.id, member.rule.id))
            for other in self.members.values()
        )
